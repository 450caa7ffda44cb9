//! What a task does about its failures, as its handles see it.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use crossbeam_utils::atomic::AtomicCell;

use super::control::TaskRef;
use super::traits::Handle;
use super::{ScopedTask, Task};
use crate::error::{AsyncTaskError, FailedAttempt};
use crate::retry::{Retry, RetryStrategy};
use crate::runtime::Runtime;

/// What the recovery work gives.
pub(crate) type Answer<T> = Pin<Box<dyn Future<Output = Result<T, AsyncTaskError>> + Send>>;

/// The user's work for a failure.
pub type RecoveryWork<T> = Arc<dyn Fn(AsyncTaskError) -> Answer<T> + Send + Sync>;

/// A task's retries, and its recovery work.
pub struct Recovery {
    pub(crate) retry: Option<Retry>,
    /// How many retries have begun, since the last reset.
    retries: AtomicU32,
    /// Why the last attempt failed, for the error of a limit on the whole.
    last: AtomicCell<Option<Box<FailedAttempt>>>,
    /// A [`RecoveryWork`] of the task's type.
    work: Option<Box<dyn Any + Send + Sync>>,
    /// Of supervised work: how many restarts may count at the same time, and the wait before each.
    restarts: OnceLock<(u32, RetryStrategy)>,
}

impl Recovery {
    pub(crate) fn new<T: 'static>(retry: Option<Retry>, work: Option<RecoveryWork<T>>) -> Self {
        let work = work.map(|work| Box::new(work) as Box<dyn Any + Send + Sync>);
        Self { work, ..Self::of(retry) }
    }

    /// Without recovery work that a handle could ask for.
    pub(crate) fn of(retry: Option<Retry>) -> Self {
        Self {
            retry,
            retries: AtomicU32::new(0),
            last: AtomicCell::new(None),
            work: None,
            restarts: OnceLock::new(),
        }
    }

    /// Another attempt follows.
    pub(crate) fn retried(&self) {
        // Relaxed, as all of the count: a number for itself.
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    /// Keeps why the last attempt failed.
    pub(crate) fn keep(&self, attempt: FailedAttempt) {
        self.last.store(Some(Box::new(attempt)));
    }

    /// It is of supervised work.
    pub(crate) fn restarts(&self, most: u32, strategy: RetryStrategy) {
        let _ = self.restarts.set((most, strategy));
    }

    /// So many restarts count now.
    pub(crate) fn count(&self, restarts: u32) {
        self.retries.store(restarts, Ordering::Relaxed);
    }

    pub(crate) fn retries(&self) -> u32 {
        self.retries.load(Ordering::Relaxed)
    }

    pub(crate) fn take_last(&self) -> Option<Box<FailedAttempt>> {
        self.last.take()
    }

    fn is_for(&self, error: &AsyncTaskError) -> bool {
        self.retry.as_ref().is_some_and(|retry| retry.is_retryable(error))
            || (self.restarts.get().is_some() && is_restartable(error))
            || (self.work.is_some() && is_recoverable(error))
    }

    fn most(&self) -> u32 {
        let restarts = self.restarts.get().map(|(most, _)| *most);
        self.retry.as_ref().map(Retry::max_retries).or(restarts).unwrap_or(0)
    }

    fn strategy(&self) -> Option<RetryStrategy> {
        let restarts = self.restarts.get().map(|(_, strategy)| *strategy);
        self.retry.as_ref().map(Retry::strategy).or(restarts)
    }

    fn work<T: 'static>(&self) -> Option<RecoveryWork<T>> {
        self.work.as_ref()?.downcast_ref::<RecoveryWork<T>>().cloned()
    }
}

/// True for what recovery work is asked about: not for what was meant to stop.
pub(crate) fn is_recoverable(error: &AsyncTaskError) -> bool {
    !(error.is_cancelled() || error.is_shutdown())
}

/// False for what starting supervised work again cannot mend, and for the end of the runtime.
pub(crate) fn is_restartable(error: &AsyncTaskError) -> bool {
    !(error.is_shutdown()
        || matches!(
            error,
            AsyncTaskError::InvalidConfig(_) | AsyncTaskError::NoRuntime | AsyncTaskError::AmbiguousRuntime
        ))
}

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
                asked(self, |recovery| recovery.retries.store(0, Ordering::Relaxed));
            }

            fn retry_strategy(&self) -> Option<RetryStrategy> {
                asked(self, Recovery::strategy).flatten()
            }
        }
    )+};
}

recoverable!(Task ScopedTask);
