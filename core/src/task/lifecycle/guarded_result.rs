//! A task's result while the executor holds it.

use crate::error::AsyncTaskError;
use crate::panic::caught;

/// A task's result, as the executor holds it. If it is dropped unopened, by an executor whose handle is
/// dropped or by a handle that came too late, a panic of the value's destructor is caught.
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
