//! The capability of a task to recover from its failures.

use std::future::Future;

use crate::error::AsyncTaskError;
use crate::retry::RetryStrategy;
use crate::runtime::Runtime;
use crate::task::capabilities::Handle;
use crate::task::handle::scoped_task::ScopedTask;
use crate::task::handle::task::Task;
use crate::tree::extras::recovery::{Recovery, is_recoverable};
use crate::tree::node::TaskRef;

/// A task with retries or recovery work. Restarts of supervised work count as retries, those within the
/// period of its policy.
pub trait RecoverableTask {
    /// The type of the task's value.
    type Value;

    /// True if `error` leads to another attempt, whatever the number of attempts so far, or to the recovery
    /// work.
    fn can_recover_from(&self, error: &AsyncTaskError) -> bool;

    /// Runs the task's recovery work for `error`, as part of the caller.
    ///
    /// # Errors
    ///
    /// The error of the recovery work; `error` itself if the task has none, or if `error` is a cancellation
    /// or a shutdown.
    ///
    /// # Cancel safety
    ///
    /// A dropped future drops the recovery work.
    fn recover(
        &self,
        error: AsyncTaskError,
    ) -> impl Future<Output = Result<Self::Value, AsyncTaskError>> + Send + 'static;

    /// The greatest number of attempts after the first.
    fn max_retries(&self) -> u32;

    /// The number of attempts after the first, since the last reset.
    fn retry_count(&self) -> u32;

    /// Counts retries from zero again: as many as at first are permitted once more.
    fn reset_retry_count(&self);

    /// True if all permitted retries were made; false for a task without retries.
    fn retries_exhausted(&self) -> bool {
        let most = self.max_retries();
        most > 0 && self.retry_count() >= most
    }

    /// The growth of the wait between attempts; `None` if there is only one attempt.
    fn retry_strategy(&self) -> Option<RetryStrategy>;
}

/// Calls `ask` with the recovery record of the handle's task, if it has one.
fn asked<O>(handle: &impl Handle, ask: impl FnOnce(&Recovery) -> O) -> Option<O> {
    let task: TaskRef = handle.task_ref()?;
    task.control.recovery().map(ask)
}

/// Implements the trait for each kind of handle that gives a value. Not for all handles at once: some give
/// none.
macro_rules! recoverable {
    ($($handle:ident)+) => {$(
        impl<T: Send + 'static, R: Runtime> RecoverableTask for $handle<T, R> {
            type Value = T;

            fn can_recover_from(&self, error: &AsyncTaskError) -> bool {
                asked(self, |recovery| recovery.is_for(error)) == Some(true)
            }

            fn recover(
                &self,
                error: AsyncTaskError,
            ) -> impl Future<Output = Result<T, AsyncTaskError>> + Send + 'static {
                let work = asked(self, Recovery::work::<T>).flatten();
                async move {
                    match work {
                        Some(work) if is_recoverable(&error) => work(error).await,
                        _ => Err(error),
                    }
                }
            }

            fn max_retries(&self) -> u32 {
                asked(self, Recovery::most).unwrap_or(0)
            }

            fn retry_count(&self) -> u32 {
                asked(self, Recovery::retries).unwrap_or(0)
            }

            fn reset_retry_count(&self) {
                asked(self, Recovery::reset);
            }

            fn retry_strategy(&self) -> Option<RetryStrategy> {
                asked(self, Recovery::strategy).flatten()
            }
        }
    )+};
}

recoverable!(Task ScopedTask);
