//! The interface of a queue's engine: what it keeps, hands out and reports.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use sweet_async_core::error::BoxError;

/// An engine that keeps messages until they are acknowledged. Delivery is at least once.
///
/// A clone is a handle on the same queue.
///
/// **Leases.** A message is claimed for a time, its lease. Once that has run out without an
/// [`extend`](Self::extend), or once the message is given back, another consumer may claim it. So a consumer
/// that dies loses nothing, and a message may be handled more than once: its handling should be idempotent.
///
/// **Fencing.** A receipt names one delivery, and `ack`, `extend`, `nack`, `release` and `bury` change a message only as
/// long as no later delivery of it exists. Where a lease has run out and nobody has claimed the message since,
/// they may still succeed. A receipt that is given twice in one call settles its message once.
///
/// **Time** is the engine's alone: leases and delays are measured by its clock, not by that of a client.
///
/// **Jobs.** Each message belongs to a job, which its publisher [opens](Self::open) and [seals](Self::seal).
/// A job is over once it is sealed and none of its messages is left. So a consumer tells "no message for now"
/// from "no message any more", also if the publisher has crashed in between and published once more.
///
/// **Dead letters.** A message that is never handled to its end is [buried](Self::bury): it is handed out no
/// more, does not keep its job open, and can be looked at, given back to the queue, or dropped.
///
/// # Cancel safety
///
/// Any of these futures may be dropped: the call has then been carried out, or not at all. Messages claimed by
/// a dropped `claim` come back when their lease has run out. A dropped `publish` is done again with the same
/// key.
pub trait Queue: Clone + Send + Sync + 'static {
    /// Identifies one delivery of a message. Another delivery of the same message has another receipt.
    type Receipt: Clone + Send + Sync + 'static;
    /// The error of the engine. A pipeline reports it as a [`QueueError`](crate::QueueError).
    type Error: Into<BoxError> + Send + 'static;

    /// Opens a job. Until it is sealed, the queue is not over. A job that is open or sealed already stays as
    /// it is.
    fn open(&self, job: &str) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Adds a message to its job, which is opened by that, and returns once the message is kept. Waits while
    /// the queue has no room. The result is true for a new message. A [key](QueueMessage::key) is taken once
    /// in a queue: a message with a known key changes nothing, whatever has become of the first one.
    ///
    /// # Errors
    ///
    /// The job is sealed, and the key is new. Errors of the engine.
    fn publish(&self, message: QueueMessage) -> impl Future<Output = Result<bool, Self::Error>> + Send;

    /// Seals a job: it gets no more messages. A message is in the job before it is sealed, or refused.
    fn seal(&self, job: &str) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Claims at most `most` messages for `lease`, those of `job` or of all jobs, the oldest first. Without a
    /// message it returns [`Claims::Empty`], at once or after a wait of the engine's.
    ///
    /// Without a `job`, the queue is over once it has had a job and all of its jobs are over.
    fn claim(
        &self,
        job: Option<&str>,
        most: usize,
        lease: Duration,
    ) -> impl Future<Output = Result<Claims<Self::Receipt>, Self::Error>> + Send;

    /// Acknowledges these messages as handled: they are removed for good. Returns how many of them were still
    /// held.
    fn ack(&self, receipts: &[Self::Receipt]) -> impl Future<Output = Result<usize, Self::Error>> + Send;

    /// Extends these leases to `lease` from now on. Returns how many of them were still held.
    fn extend(
        &self,
        receipts: &[Self::Receipt],
        lease: Duration,
    ) -> impl Future<Output = Result<usize, Self::Error>> + Send;

    /// Gives these messages back: others may claim them once `after` has passed. `reason` is kept with each.
    /// Returns how many of them were still held.
    fn nack(
        &self,
        receipts: &[Self::Receipt],
        reason: &str,
        after: Duration,
    ) -> impl Future<Output = Result<usize, Self::Error>> + Send;

    /// Gives these messages back at once, as if this delivery had not been: it does not count in
    /// [`Claim::deliveries`]. Returns how many of them were still held.
    fn release(&self, receipts: &[Self::Receipt]) -> impl Future<Output = Result<usize, Self::Error>> + Send;

    /// Makes these messages dead letters, with this reason. Returns how many of them were still held.
    fn bury(
        &self,
        receipts: &[Self::Receipt],
        reason: &str,
    ) -> impl Future<Output = Result<usize, Self::Error>> + Send;

    /// Returns at most `most` dead letters, the oldest first.
    fn dead(&self, most: usize) -> impl Future<Output = Result<Vec<DeadLetter>, Self::Error>> + Send;

    /// Gives dead letters with these keys back to the queue, as if they had never been delivered. Returns how
    /// many there were.
    fn redrive(&self, keys: &[Arc<str>]) -> impl Future<Output = Result<usize, Self::Error>> + Send;

    /// Removes dead letters with these keys for good. Returns how many there were.
    fn purge(&self, keys: &[Arc<str>]) -> impl Future<Output = Result<usize, Self::Error>> + Send;

    /// Returns the number of messages in each state.
    fn depth(&self) -> impl Future<Output = Result<Depth, Self::Error>> + Send;

    /// Waits until there may be a message to claim. It is a hint, which may come late or never: a consumer
    /// claims from time to time as well.
    fn changed(&self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }

    /// The time between two claims where there is no message, unless a consumer sets
    /// [another](crate::QueueSource::poll_every). An engine without hints to other processes, for which a claim costs
    /// little, sets a short one.
    fn poll_period(&self) -> Duration {
        Duration::from_secs(1)
    }

    /// False for an engine without a clock, in the memory of its consumers: a lease does not run out while its
    /// holder lives, and messages are given back without a delay.
    fn has_clock(&self) -> bool {
        true
    }
}

/// A message of a [`Queue`]: the job that it belongs to, a key, and a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueMessage {
    job: Arc<str>,
    key: Arc<str>,
    body: Bytes,
}

impl QueueMessage {
    /// A message of `job` with `key`. A queue keeps one message of that key, however often it is published.
    pub fn new(job: impl Into<Arc<str>>, key: impl Into<Arc<str>>, body: impl Into<Bytes>) -> Self {
        Self { job: job.into(), key: key.into(), body: body.into() }
    }

    /// The name of the job.
    pub fn job(&self) -> &str {
        &self.job
    }

    /// The idempotency key. That of a chunk is made of the job's name, the index of its source, and its
    /// offset and length in the source.
    pub fn key(&self) -> &str {
        &self.key
    }

    pub(crate) fn shared_job(&self) -> Arc<str> {
        self.job.clone()
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

/// The result of a [claim](Queue::claim).
#[derive(Clone, Debug)]
pub enum Claims<R> {
    /// Claimed messages, at least one.
    Messages(Vec<Claim<R>>),
    /// There is no message for now.
    Empty,
    /// There will be no message any more.
    Over,
}

impl<R> Claims<R> {
    /// The claimed messages; none where there was none, for now or for good.
    pub fn into_messages(self) -> Vec<Claim<R>> {
        match self {
            Self::Messages(messages) => messages,
            Self::Empty | Self::Over => Vec::new(),
        }
    }
}

/// A claimed message.
#[derive(Clone, Debug)]
pub struct Claim<R> {
    /// The message.
    pub message: QueueMessage,
    /// The receipt of this delivery.
    pub receipt: R,
    /// The number of times that the message has been claimed, this time included, and those that were
    /// [released](Queue::release) not.
    pub deliveries: u32,
}

/// A message that is handed out no more.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeadLetter {
    /// The message.
    pub message: QueueMessage,
    /// The number of times that it was claimed.
    pub deliveries: u32,
    /// The reason that was given when it was [buried](Queue::bury).
    pub reason: Arc<str>,
}

impl DeadLetter {
    /// A dead letter.
    pub fn new(message: QueueMessage, deliveries: u32, reason: impl Into<Arc<str>>) -> Self {
        Self { message, deliveries, reason: reason.into() }
    }
}

/// The number of messages in each state: see [`Queue::depth`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Messages that can be claimed. One whose lease has run out is among them, or among `claimed`.
    pub waiting: u64,
    /// Messages that were given back, and whose delay has not passed.
    pub delayed: u64,
    /// Messages that consumers hold.
    pub claimed: u64,
    /// Messages that were acknowledged.
    pub done: u64,
    /// Dead letters.
    pub dead: u64,
}

impl fmt::Display for Depth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { waiting, delayed, claimed, done, dead } = self;
        write!(f, "{waiting} waiting, {delayed} delayed, {claimed} claimed, {done} done, {dead} dead")
    }
}
