//! Chunks that go from one pipeline to others through a queue of their own, which may be on another machine.
//!
//! ```text
//!  emits().sender(..).publish(&queue, job)       the engine              emits().sender(|s| s.of_queue(&queue).csv())
//!  ┌──────────────────────────────┐       ┌─────────────────────┐       ┌─────────────────────────────┐
//!  │ read ─► cut ─► seal a chunk ─┼publish┤ messages, each with ├ claim ┼► unseal ─► parse ─► receiver│
//!  └──────────────────────────────┘       │ a key and a lease   │ ack ◄─┼──────── handled ◄───────────┘
//!                                         └─────────────────────┘
//! ```
//!
//! Inside one pipeline chunks need none of this: they go through a bounded channel, without leases and without being made
//! into bytes.

pub(crate) mod bounded;
pub(crate) mod erased;
pub(crate) mod wire;

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

pub use crate::queue::bounded::{BoundedQueue, BoundedReceipt, QueueClosed};
pub(crate) use crate::queue::erased::{Claimed, DynQueue, Receipt};
#[cfg(feature = "csv")]
pub(crate) use crate::queue::wire::CsvHead;
pub(crate) use crate::queue::wire::{Head, Kind, Sealing, Unsealed};

use sweet_async_core::error::{AsyncTaskError, BoxError};

/// An engine that keeps messages until they are acknowledged: at least once.
///
/// A clone is a handle on the same queue. A message is claimed for a time, its lease; once that has run out without an
/// [`extend`](Self::extend), or once it is given back, somebody else may claim it. So a consumer that dies
/// loses nothing, and a message may be handled more than once: what is done with it should be idempotent.
///
/// # Cancel safety
///
/// Any of these futures may be dropped. What was claimed by a dropped `claim` comes back when its lease has run out; a
/// dropped `publish` may or may not have published, and is done again with the same key.
pub trait Queue: Clone + Send + Sync + 'static {
    /// Names one delivery of a message. Another delivery of the same message has another.
    type Receipt: Clone + Send + Sync + 'static;
    /// What can go wrong.
    type Error: Into<BoxError> + Send + 'static;

    /// Adds a message, and returns once it is kept. Waits where the queue has no room. An engine that
    /// outlives its publishers takes a [key](QueueMessage::key) once: a second message with it changes nothing, and is no error.
    fn publish(&self, message: QueueMessage) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Waits for messages, and claims at least one and at most `most` of them for `lease`. None at all says that no more
    /// will come: the queue is closed, and all of its messages are acknowledged.
    fn claim(
        &self,
        most: usize,
        lease: Duration,
    ) -> impl Future<Output = Result<Vec<Claim<Self::Receipt>>, Self::Error>> + Send;

    /// Says that these were handled: they are gone for good. Returns how many of them were still held; the lease of the
    /// others had run out.
    fn ack(&self, receipts: &[Self::Receipt]) -> impl Future<Output = Result<usize, Self::Error>> + Send;

    /// Holds these for `lease` from now on. Returns how many of them were still held.
    fn extend(
        &self,
        receipts: &[Self::Receipt],
        lease: Duration,
    ) -> impl Future<Output = Result<usize, Self::Error>> + Send;

    /// Gives these back: others may claim them at once. What is not held any more is passed over.
    fn nack(&self, receipts: &[Self::Receipt]) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// What goes through a [`Queue`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueMessage {
    key: Arc<str>,
    body: Bytes,
}

impl QueueMessage {
    /// A message with `key`, under which it is published once, however often that is tried.
    pub fn new(key: impl Into<Arc<str>>, body: impl Into<Bytes>) -> Self {
        Self { key: key.into(), body: body.into() }
    }

    /// Its idempotency key. That of a chunk is made of the job's name, its source and its place and length in it.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Its bytes. Those of a chunk are in a format of the library's own, which says its version: a consumer refuses one
    /// that it does not know.
    pub fn body(&self) -> &Bytes {
        &self.body
    }
}

/// A message that is claimed.
#[derive(Clone, Debug)]
pub struct Claim<R> {
    /// The message.
    pub message: QueueMessage,
    /// Names this delivery.
    pub receipt: R,
    /// How often the message has been claimed, this time included.
    pub deliveries: u32,
}

/// A queue failed: a pipeline's [`AsyncTaskError::Failure`], found with [`AsyncTaskError::downcast_ref`]. Its `source` is what
/// the engine said.
#[derive(Debug)]
pub struct QueueError {
    doing: &'static str,
    queue: Arc<str>,
    source: BoxError,
}

impl QueueError {
    pub(crate) fn failure(
        doing: &'static str,
        queue: &Arc<str>,
        error: impl Into<BoxError>,
    ) -> AsyncTaskError {
        AsyncTaskError::failure(Self { doing, queue: queue.clone(), source: error.into() })
    }
}

impl fmt::Display for QueueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.doing, self.queue, self.source)
    }
}

impl Error for QueueError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}
