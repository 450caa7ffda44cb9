//! A handle on a queue on Redis.

use std::fmt;
use std::sync::Arc;

use redis::{Cmd, Value};
use sweet_async_pipeline::Reconnect;

use crate::builder::RedisQueueBuilder;
use crate::error::RedisQueueError;
use crate::link::Link;
use crate::notices::Seen;
use crate::reply;
use crate::script::{self, Call};

/// A [`Queue`](sweet_async_pipeline::Queue) on a Redis server. A clone is a handle on the same queue, over the same
/// connection, and one more for notices once a consumer waits. Queues of the same name and prefix are the same queue, in
/// whichever process.
///
/// The connection belongs to the runtime on which it was made: the Tokio runtime of the call that made it, or smol's
/// global executor if there was none (feature `smol`). After a loss, the next call makes it anew.
///
/// # Errors
///
/// Each call returns a [`RedisQueueError`]. A call whose [connection is lost](RedisQueueError::is_connection_lost) is made
/// again ([`RedisQueueBuilder::reconnect`]). The attempt whose answer was lost may have been carried out: a `publish`
/// then says that its message was known, receipts that were settled are not held any more, and messages of a lost
/// `claim` come back after their lease.
///
/// # Cost
///
/// One round trip for each call, to a script that runs alone on the server; none for an empty list of receipts or keys.
/// The script takes O(log n) for each message, n being those in the queue. A claim also takes back the messages whose
/// lease has run out, of all jobs. It returns at most 1000 messages and, after the first one, no more once it has
/// 32 MiB of bodies. A body is copied a few times within the server: it should have a few MiB at most.
#[derive(Clone)]
pub struct RedisQueue {
    shared: Arc<Shared>,
    /// The changes that this handle knows of.
    pub(crate) seen: Seen,
}

/// The parts that all handles share.
struct Shared {
    name: Arc<str>,
    /// The beginning of the queue's keys.
    base: Arc<str>,
    link: Link,
    reconnect: Reconnect,
}

impl RedisQueue {
    /// Connects to the queue `name` on the server at `url`, like `redis://user:password@host:6379/0`. The queue is made
    /// by its first message or job.
    ///
    /// # Errors
    ///
    /// As of [`RedisQueueBuilder::connect`].
    ///
    /// # Cancel safety
    ///
    /// A dropped call has changed nothing on the server.
    pub async fn connect(url: &str, name: &str) -> Result<Self, RedisQueueError> {
        Self::builder(url, name).connect().await
    }

    /// Settings of the queue `name` on the server at `url`.
    pub fn builder(url: &str, name: &str) -> RedisQueueBuilder {
        RedisQueueBuilder::new(url, name)
    }

    pub(crate) fn new(name: Arc<str>, base: Arc<str>, link: Link, reconnect: Reconnect) -> Self {
        let seen = Seen::new(link.notices().count());
        Self { shared: Arc::new(Shared { name, base, link, reconnect }), seen }
    }

    /// Forgets a job that is over: the keys of its messages, and its dead letters. The job and its keys can be published
    /// anew. Returns false for a job that is unknown or not over, which stays as it is.
    ///
    /// A key takes memory of the server until this call. It should come once nobody publishes the job once more, and
    /// nobody asks whether it is over: a forgotten job is unknown, and so not over. A queue all of whose jobs were over
    /// stays over.
    ///
    /// # Errors
    ///
    /// The errors of the connection and of the server.
    ///
    /// # Cancel safety
    ///
    /// A dropped call may have forgotten some of the keys. The job is still sealed: the call is to be done again. If one
    /// of its dead letters is [given back](sweet_async_pipeline::Queue::redrive) meanwhile, the job is not over
    /// any more, and the result is false.
    ///
    /// # Cost
    ///
    /// One round trip for each 1000 messages that the job has had.
    pub async fn forget(&self, job: &str) -> Result<bool, RedisQueueError> {
        let call = &script::FORGET;
        let command = self.command(call, |command| command.arg(job));
        loop {
            let answer = self.call(call, &command).await?;
            match self.understood(call, reply::number(&answer))? {
                0 => return Ok(false),
                1 => {}
                _ => return Ok(true),
            }
        }
    }

    /// Connects, and compares the version of the layout.
    pub(crate) async fn check(&self) -> Result<(), RedisQueueError> {
        let call = &script::CHECK;
        self.link().send(call, self.name(), &self.command(call, |command| command)).await?;
        Ok(())
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.shared.name
    }

    pub(crate) fn base(&self) -> &Arc<str> {
        &self.shared.base
    }

    pub(crate) fn link(&self) -> &Link {
        &self.shared.link
    }

    /// Makes the command of a call.
    pub(crate) fn command(&self, call: &Call, with: impl FnOnce(&mut Cmd) -> &mut Cmd) -> Cmd {
        let mut command = call.command(self.base());
        with(&mut command);
        command
    }

    /// Carries out a call, and again where the connection was lost. All calls of the engine go through here.
    pub(crate) async fn call(&self, call: &Call, command: &Cmd) -> Result<Value, RedisQueueError> {
        let send = || self.link().send(call, self.name(), command);
        let called = self.shared.reconnect.call(call.doing, RedisQueueError::is_connection_lost, send).await;
        called.unwrap_or_else(|source| {
            let (queue, address) = (self.name().clone(), self.link().address().clone());
            Err(RedisQueueError::GivenUp { doing: call.doing, queue, address, source: source.into() })
        })
    }

    /// Takes an answer that was read; `None` is an error.
    pub(crate) fn understood<T>(&self, call: &Call, answer: Option<T>) -> Result<T, RedisQueueError> {
        answer.ok_or_else(|| RedisQueueError::Answer {
            doing: call.doing,
            queue: self.name().clone(),
            address: self.link().address().clone(),
        })
    }
}

/// Without the address, which may have a password.
impl fmt::Debug for RedisQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisQueue")
            .field("name", self.name())
            .field("server", self.link().address())
            .finish_non_exhaustive()
    }
}
