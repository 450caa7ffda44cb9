//! Work on the blocking pool that may stall.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::error::{AsyncTaskError, SpawnError};
use crate::metrics::{Charge, active};
use crate::runtime::{Join, Runtime};
use crate::task::caught;

/// What is done on the blocking pool. Dropping it waits for nothing: a source may stall for ever, and a pipeline that is
/// given up must not.
pub(crate) struct Visit<T: Send + 'static, R: Runtime> {
    join: Option<R::Join<Result<T, AsyncTaskError>>>,
}

impl<T: Send + 'static, R: Runtime> Visit<T, R> {
    pub(crate) fn start(runtime: &R, work: impl FnOnce() -> T + Send + 'static) -> Result<Self, SpawnError> {
        let meter = active();
        let work = move || {
            let _charge = meter.as_ref().map(Charge::begin);
            caught(work)
        };
        Ok(Self { join: Some(runtime.spawn_blocking(work)?) })
    }
}

impl<T: Send + 'static, R: Runtime> Future for Visit<T, R> {
    type Output = Result<T, AsyncTaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(join) = &mut self.join else { return Poll::Ready(Err(AsyncTaskError::Shutdown)) };
        let answer = ready!(Pin::new(join).poll(cx));
        self.join = None;
        Poll::Ready(answer.unwrap_or(Err(AsyncTaskError::Shutdown)))
    }
}

impl<T: Send + 'static, R: Runtime> Drop for Visit<T, R> {
    fn drop(&mut self) {
        if let Some(join) = self.join.take() {
            join.detach();
        }
    }
}
