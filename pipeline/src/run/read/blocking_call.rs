//! A blocking call that starts before it is awaited.

use std::pin::Pin;
use std::task::{Context, Poll};

use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::OnPool;
use sweet_async_core::internals::Plain;
use sweet_async_core::runtime::DynRuntime;

/// A blocking job of the task that is polled here. The task ends after the job, unless a time limit leaves
/// the job running.
pub(crate) struct BlockingCall<T: Send + 'static>(
    OnPool<Box<dyn FnOnce() -> T + Send>, T, Plain, DynRuntime>,
);

impl<T: Send + 'static> BlockingCall<T> {
    /// Passes `work` to the blocking pool now.
    ///
    /// # Errors
    ///
    /// No thread is available.
    pub(crate) fn start(
        runtime: &DynRuntime,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Self, AsyncTaskError> {
        let mut job = OnPool::new(Box::new(work) as Box<dyn FnOnce() -> T + Send>, runtime.clone());
        // A refusal is not the pipeline's own: the pipeline has started, whatever the result of this call.
        job.begin().map_err(AsyncTaskError::passed_on)?;
        Ok(Self(job))
    }
}

impl<T: Send + 'static> Future for BlockingCall<T> {
    type Output = Result<T, AsyncTaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx)
    }
}
