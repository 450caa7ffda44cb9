//! The settings of a queue, before it is connected.

use std::fmt;
use std::time::Duration;

use sweet_async_pipeline::Reconnect;

use crate::arguments::base;
use crate::error::RedisQueueError;
use crate::link::Link;
use crate::queue::RedisQueue;

/// Settings of a [`RedisQueue`]: see [`RedisQueue::builder`].
#[derive(Clone)]
#[must_use = "a builder does nothing until it is connected"]
pub struct RedisQueueBuilder {
    url: String,
    name: String,
    prefix: String,
    response_timeout: Duration,
    reconnect: Reconnect,
}

impl RedisQueueBuilder {
    pub(crate) fn new(url: &str, name: &str) -> Self {
        let response_timeout = Duration::from_secs(30);
        Self {
            url: url.to_owned(),
            name: name.to_owned(),
            prefix: "sweet-async".to_owned(),
            response_timeout,
            reconnect: Reconnect::default(),
        }
    }

    /// Sets the prefix of the queue's keys on the server, `sweet-async` unless set. Queues of different prefixes are
    /// different queues.
    pub fn key_prefix(mut self, prefix: &str) -> Self {
        prefix.clone_into(&mut self.prefix);
        self
    }

    /// Sets the longest time for an answer, 30 seconds unless set. After it, the connection counts as lost. It includes
    /// the time that a body takes on the network.
    pub fn response_timeout(mut self, timeout: Duration) -> Self {
        self.response_timeout = timeout;
        self
    }

    /// Sets the retries of a call whose connection was lost, or that came while the server was loading its data.
    pub fn reconnect(mut self, reconnect: Reconnect) -> Self {
        self.reconnect = reconnect;
        self
    }

    /// Connects to the server. Nothing is written, and no attempt is made again.
    ///
    /// # Errors
    ///
    /// The address is none; the server cannot be reached within 5 seconds, refuses the login, is too old; the queue was
    /// made by another version of this library.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connection.
    pub async fn connect(self) -> Result<RedisQueue, RedisQueueError> {
        let base = base(&self.prefix, &self.name);
        let link = Link::new(&self.url, format!("{base}:changed"), self.response_timeout)?;
        let queue = RedisQueue::new(self.name.into(), base.into(), link, self.reconnect);
        queue.check().await?;
        Ok(queue)
    }
}

/// Without the address, which may have a password.
impl fmt::Debug for RedisQueueBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, prefix, response_timeout, .. } = self;
        f.debug_struct("RedisQueueBuilder")
            .field("name", name)
            .field("prefix", prefix)
            .field("response_timeout", response_timeout)
            .finish_non_exhaustive()
    }
}
