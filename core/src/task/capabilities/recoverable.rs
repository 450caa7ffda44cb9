//! The capability of a task to recover from its failures.

use std::future::Future;

use crate::error::AsyncTaskError;
use crate::retry::RetryStrategy;
use crate::runtime::Runtime;
use crate::task::capabilities::Handle;
use crate::task::handle::scoped_task::ScopedTask;
use crate::task::handle::task::Task;
use crate::tree::node::TaskRef;
use crate::tree::recovery::{Recovery, is_recoverable};

/// What a task does about its failures. Restarts of supervised work count as retries: those within the period of its policy.
pub trait RecoverableTask {
    /// What the task gives.
    type Value;

    /// True if the task would answer `error` with another attempt, whatever their number, or with its recovery work.
    fn can_recover_from(&self, error: &AsyncTaskError) -> bool;

    /// Runs the task's recovery work for `error`, as part of the caller.
    ///
    /// # Errors
    ///
    /// The work's; `error` itself where the task has none, or it was cancelled.
    fn recover(
        &self,
        error: AsyncTaskError,
    ) -> impl Future<Output = Result<Self::Value, AsyncTaskError>> + Send + 'static;

    /// How many attempts there may be after the first.
    fn max_retries(&self) -> u32;

    /// How many there have been after the first, since the last reset.
    fn retry_count(&self) -> u32;

    /// Counts them from zero again: as many more are permitted.
    fn reset_retry_count(&self);

    /// True if it has made all the retries that it was permitted; false of a task that has none to make.
    fn retries_exhausted(&self) -> bool {
        let most = self.max_retries();
        most > 0 && self.retry_count() >= most
    }

    /// How the wait between attempts grows; `None` where there is one attempt.
    fn retry_strategy(&self) -> Option<RetryStrategy>;
}

/// Asks what is behind a handle.
fn asked<O>(handle: &impl Handle, ask: impl FnOnce(&Recovery) -> O) -> Option<O> {
    let task: TaskRef = handle.task_ref()?;
    task.control.recovery().map(ask)
}

/// For each kind of handle that gives a value. Not for all handles at once: some give none.
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
