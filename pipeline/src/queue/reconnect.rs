//! The retries of an engine's calls.

use std::future::Future;
use std::time::Duration;

use sweet_async_core::{AsyncTaskError, CurrentRuntime, Retry, RetryStrategy, TaskBuilder};

/// The retries of calls of a [`Queue`](crate::Queue)'s engine whose connection was lost: a part that engines are made
/// of.
///
/// By default 40 with an exponential backoff from 20 ms to 2 s and full jitter: the waits between them are together about
/// half a minute, and at most one and a quarter. Retries need a runtime, that of the task around or the entered one: a
/// call without a runtime is tried once, without a limit.
///
/// Each error of a lost connection is a warning in `tracing`, and with the feature `metrics` one more in the counter
/// `sweet_async.queue.connections.lost`, whose label `queue.call` says what the call was doing. An attempt that is given
/// up after its [time](Self::response_timeout) is tried again without either.
#[derive(Clone, Debug)]
pub struct Reconnect {
    retry: Retry,
    response_timeout: Duration,
}

impl Default for Reconnect {
    fn default() -> Self {
        let (base, max) = (Duration::from_millis(20), Duration::from_secs(2));
        Self::new(Retry::new(40).backoff(RetryStrategy::Exponential { base, factor: 2.0, max }))
    }
}

impl Reconnect {
    /// These retries, without a limit for the time of a call.
    pub fn new(retry: Retry) -> Self {
        Self { retry, response_timeout: Duration::MAX }
    }

    /// Sets the longest time of one attempt, the making of a connection included. An attempt that takes longer is dropped,
    /// and counts as one whose connection was lost. A server that never answers is so given up after that time for each
    /// attempt.
    pub fn response_timeout(self, limit: Duration) -> Self {
        Self { response_timeout: limit, ..self }
    }

    /// Calls `call`, and again for as long as its error is of a kind that `is_lost` says true for, and there are retries
    /// left. `doing` says what it does, in errors.
    ///
    /// # Errors
    ///
    /// The outer error says that the retries are used up, and has the last error of the engine as its source; or that the
    /// task around was cancelled. The inner one is an error that is not retried.
    ///
    /// # Cancel safety
    ///
    /// A dropped future drops the attempt under way, which the engine may have carried out.
    pub async fn call<T, E, O>(
        &self,
        doing: &'static str,
        is_lost: fn(&E) -> bool,
        call: impl Fn() -> O + Send + Sync,
    ) -> Result<Result<T, E>, AsyncTaskError>
    where
        O: Future<Output = Result<T, E>> + Send,
        E: std::error::Error + Send + Sync + 'static,
        T: Send,
    {
        let Some(runtime) = CurrentRuntime::of_task().or_else(CurrentRuntime::entered) else {
            return Ok(call().await);
        };
        let attempt = || async {
            match call().await {
                Err(error) if is_lost(&error) => {
                    #[cfg(feature = "metrics")]
                    metrics::counter!("sweet_async.queue.connections.lost", "queue.call" => doing)
                        .increment(1);
                    tracing::warn!(name: "queue.connection_lost", doing, %error, "the connection to a queue's engine was lost");
                    Err(error)
                }
                settled => Ok(settled),
            }
        };
        let task = TaskBuilder::<Result<T, E>, _>::new(runtime.into_dyn()).name(doing);
        task.attempt_timeout(self.response_timeout).retry_as(self.retry.clone()).run(attempt).await
    }
}
