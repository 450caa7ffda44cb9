//! Timers on the ambient runtime.

use std::future::{Future, poll_fn};
use std::mem;
use std::task::Poll;
use std::time::Duration;

use sweet_async_core::time::Interval;

use crate::{Ambient, AmbientRuntime, AsyncTaskError, RuntimeSource as _};
use sweet_async_core::RuntimeExt as _;

/// Waits for `duration`, from now. A duration that is too long to count never ends.
///
/// # Errors
///
/// [`AsyncTaskError::NoRuntime`] or [`AsyncTaskError::AmbiguousRuntime`] where no runtime is found;
/// [`AsyncTaskError::Shutdown`] if the runtime ends first.
///
/// # Cancel safety
///
/// Dropping the future ends the wait, and has no other effect.
#[track_caller]
pub fn sleep(duration: Duration) -> impl Future<Output = Result<(), AsyncTaskError>> + Send {
    // Not in a closure, which would be the caller that a report names.
    let sleep = match Ambient.resolve() {
        Ok(runtime) => Ok(runtime.sleep(duration)),
        Err(error) => Err(error),
    };
    async move { sleep?.await }
}

/// An interval that ticks now, and then every `period`.
///
/// # Errors
///
/// [`AsyncTaskError::InvalidConfig`] for a period of zero; [`AsyncTaskError::NoRuntime`] or
/// [`AsyncTaskError::AmbiguousRuntime`] where no runtime is found.
pub fn interval(period: Duration) -> Result<Interval<AmbientRuntime>, AsyncTaskError> {
    Interval::new(&Ambient.resolve()?, period)
}

/// Lets other tasks run, and goes on when the executor polls this task again. It may be dropped at any time.
pub async fn yield_now() {
    let mut has_yielded = false;
    poll_fn(|cx| {
        if mem::replace(&mut has_yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
