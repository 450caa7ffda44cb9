//! The error of a pipeline whose queue has failed.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use sweet_async_core::error::{AsyncTaskError, BoxError};
use sweet_async_core::extend::InPlace;
use sweet_async_core::internals::Fallible;

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

    /// Calls the engine of `queue`. A panic of it is an error, too.
    pub(crate) async fn of_call<T, E: Into<BoxError>, O>(
        doing: &'static str,
        queue: &Arc<str>,
        call: impl FnOnce() -> O + Send,
    ) -> Result<T, AsyncTaskError>
    where
        T: Send,
        O: Future<Output = Result<T, E>> + Send,
    {
        let called = || async { call().await.map_err(|error| Self::failure(doing, queue, error)) };
        InPlace::<_, _, _, Fallible<AsyncTaskError>>::new(called).await
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
