//! A task's retries and its recovery work, as its handles see them.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use crossbeam_utils::atomic::AtomicCell;

use crate::error::{AsyncTaskError, KeptFailure};
use crate::retry::{Retry, RetryStrategy};

/// The future of recovery work.
pub(crate) type Answer<T> = Pin<Box<dyn Future<Output = Result<T, AsyncTaskError>> + Send>>;

/// The user's work for a failure.
pub type RecoveryWork<T> = Arc<dyn Fn(AsyncTaskError) -> Answer<T> + Send + Sync>;

/// A task's retries, and its recovery work.
pub struct Recovery {
    pub(crate) retry: Option<Retry>,
    /// The number of retries since the last reset; for supervised work, of the restarts that count.
    retries: AtomicU32,
    /// The failure of the last attempt, for the error of a limit on the whole.
    last: AtomicCell<Option<Box<KeptFailure>>>,
    /// A [`RecoveryWork`] of the task's type.
    work: Option<Box<dyn Any + Send + Sync>>,
    /// The limits of supervised work: the most restarts that may count at the same time, and the wait before
    /// each.
    restarts: OnceLock<(u32, RetryStrategy)>,
}

impl Recovery {
    pub(crate) fn new<T: 'static>(retry: Option<Retry>, work: Option<RecoveryWork<T>>) -> Self {
        let work = work.map(|work| Box::new(work) as Box<dyn Any + Send + Sync>);
        Self { work, ..Self::of(retry) }
    }

    /// As `new`, without recovery work that a handle could call.
    pub(crate) fn of(retry: Option<Retry>) -> Self {
        Self {
            retry,
            retries: AtomicU32::new(0),
            last: AtomicCell::new(None),
            work: None,
            restarts: OnceLock::new(),
        }
    }

    /// Counts a retry.
    pub(crate) fn retried(&self) {
        // Relaxed, as for the whole count: the number stands for itself.
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    /// Keeps the failure of the last attempt.
    pub(crate) fn keep(&self, attempt: KeptFailure) {
        self.last.store(Some(Box::new(attempt)));
    }

    /// Notes that the work is supervised.
    pub(crate) fn restarts(&self, most: u32, strategy: RetryStrategy) {
        let _ = self.restarts.set((most, strategy));
    }

    /// Counts retries from zero again.
    pub(crate) fn reset(&self) {
        self.retries.store(0, Ordering::Relaxed);
    }

    /// Sets the number of restarts that count now.
    pub(crate) fn count(&self, restarts: u32) {
        self.retries.store(restarts, Ordering::Relaxed);
    }

    pub(crate) fn retries(&self) -> u32 {
        self.retries.load(Ordering::Relaxed)
    }

    pub(crate) fn take_last(&self) -> Option<Box<KeptFailure>> {
        self.last.take()
    }

    pub(crate) fn is_for(&self, error: &AsyncTaskError) -> bool {
        self.retry.as_ref().is_some_and(|retry| retry.is_retryable(error))
            || (self.restarts.get().is_some() && is_restartable(error))
            || (self.work.is_some() && is_recoverable(error))
    }

    pub(crate) fn most(&self) -> u32 {
        let restarts = self.restarts.get().map(|(most, _)| *most);
        self.retry.as_ref().map(Retry::max_retries).or(restarts).unwrap_or(0)
    }

    pub(crate) fn strategy(&self) -> Option<RetryStrategy> {
        let restarts = self.restarts.get().map(|(_, strategy)| *strategy);
        self.retry.as_ref().map(Retry::strategy).or(restarts)
    }

    pub(crate) fn work<T: 'static>(&self) -> Option<RecoveryWork<T>> {
        self.work.as_ref()?.downcast_ref::<RecoveryWork<T>>().cloned()
    }
}

/// True if recovery work is called for `error`: not after a cancellation or a shutdown.
pub(crate) fn is_recoverable(error: &AsyncTaskError) -> bool {
    !(error.is_cancelled() || error.is_shutdown())
}

/// False for errors that a restart of supervised work cannot mend, and for the end of the runtime.
pub(crate) fn is_restartable(error: &AsyncTaskError) -> bool {
    !(error.is_shutdown()
        || matches!(
            error,
            AsyncTaskError::InvalidConfig(_) | AsyncTaskError::NoRuntime | AsyncTaskError::AmbiguousRuntime
        ))
}
