//! The interface of a queue's engine: what it keeps, hands out and reports.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use sweet_async_core::error::{AsyncTaskError, BoxError};

/// An engine that keeps messages until they are acknowledged. Delivery is at least once.
///
/// A clone is a handle on the same queue. A message is claimed for a time, its lease. Once that has run out
/// without an [`extend`](Self::extend), or once the message is given back, another consumer may claim it. So
/// a consumer that dies loses nothing, and a message may be handled more than once: its handling should be
/// idempotent.
///
/// # Cancel safety
///
/// Any of these futures may be dropped. Messages claimed by a dropped `claim` come back when their lease has
/// run out. A dropped `publish` may or may not have published, and is done again with the same key.
pub trait Queue: Clone + Send + Sync + 'static {
    /// Identifies one delivery of a message. Another delivery of the same message has another receipt.
    type Receipt: Clone + Send + Sync + 'static;
    /// The error of the engine. A pipeline reports it as a [`QueueError`].
    type Error: Into<BoxError> + Send + 'static;

    /// Adds a message, and returns once it is kept. Waits while the queue has no room. An engine that
    /// outlives its publishers takes a [key](QueueMessage::key) once: a second message with it changes
    /// nothing, and is no error.
    fn publish(&self, message: QueueMessage) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Waits for messages, and claims at least one and at most `most` of them for `lease`. An empty result
    /// means that no more will come: the queue is closed, and all of its messages are acknowledged.
    fn claim(
        &self,
        most: usize,
        lease: Duration,
    ) -> impl Future<Output = Result<Vec<Claim<Self::Receipt>>, Self::Error>> + Send;

    /// Acknowledges these messages as handled: they are removed for good. Returns how many of them were still
    /// held; the lease of the others had run out.
    fn ack(&self, receipts: &[Self::Receipt]) -> impl Future<Output = Result<usize, Self::Error>> + Send;

    /// Extends these leases to `lease` from now on. Returns how many of them were still held.
    fn extend(
        &self,
        receipts: &[Self::Receipt],
        lease: Duration,
    ) -> impl Future<Output = Result<usize, Self::Error>> + Send;

    /// Gives these messages back: others may claim them at once. A message that is no longer held is passed
    /// over.
    fn nack(&self, receipts: &[Self::Receipt]) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// A message of a [`Queue`]: a key and a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueMessage {
    key: Arc<str>,
    body: Bytes,
}

impl QueueMessage {
    /// A message with `key`. An engine that takes a key once keeps one message of that key, however often it
    /// is published.
    pub fn new(key: impl Into<Arc<str>>, body: impl Into<Bytes>) -> Self {
        Self { key: key.into(), body: body.into() }
    }

    /// The idempotency key. That of a chunk is made of the job's name, the index of its source, and its
    /// offset and length in the source.
    pub fn key(&self) -> &str {
        &self.key
    }

    pub(crate) fn shared_key(&self) -> Arc<str> {
        self.key.clone()
    }

    /// The bytes. Those of a chunk are in a format of the library's own, which includes its version: a
    /// consumer refuses a version that it does not know.
    pub fn body(&self) -> &Bytes {
        &self.body
    }
}

/// A claimed message.
#[derive(Clone, Debug)]
pub struct Claim<R> {
    /// The message.
    pub message: QueueMessage,
    /// The receipt of this delivery.
    pub receipt: R,
    /// The number of times that the message has been claimed, this time included.
    pub deliveries: u32,
}

/// The failure of a queue: a pipeline's [`AsyncTaskError::Failure`], found with
/// [`AsyncTaskError::downcast_ref`]. Its `source` is the error of the engine.
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
