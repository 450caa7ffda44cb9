//! A task's result on its way through the executor.

use crate::error::AsyncTaskError;
use crate::panic::caught;

/// A task's result, as the executor holds it. Whoever drops it unopened, an executor for a handle that is gone or a
/// handle that came too late, is not to suffer from a value whose destructor panics.
pub(crate) struct GuardedResult<T>(Option<Result<T, AsyncTaskError>>);

impl<T> GuardedResult<T> {
    pub(crate) fn new(result: Result<T, AsyncTaskError>) -> Self {
        Self(Some(result))
    }

    pub(crate) fn open(mut self) -> Result<T, AsyncTaskError> {
        self.0.take().unwrap_or(Err(AsyncTaskError::Shutdown))
    }
}

impl<T> Drop for GuardedResult<T> {
    fn drop(&mut self) {
        if let Some(result) = self.0.take() {
            let _ = caught(|| drop(result));
        }
    }
}
