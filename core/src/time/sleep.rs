//! A timer of a runtime, as a future.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use pin_project_lite::pin_project;

use crate::error::AsyncTaskError;
use crate::runtime::Runtime;
use crate::tree::current::note;

pin_project! {
    /// A timer; see [`RuntimeExt::sleep`](crate::RuntimeExt::sleep).
    ///
    /// # Errors
    ///
    /// [`AsyncTaskError::Shutdown`] if the runtime ended first, and its timers with it.
    ///
    /// # Cancel safety
    ///
    /// Dropping it is safe. It counts from the moment of its making, whether it is polled or not.
    #[must_use = "a timer does nothing unless awaited"]
    pub struct Sleep<R: Runtime> {
        runtime: R,
        // `None` where the clock cannot count that far: it never ends.
        deadline: Option<Instant>,
        #[pin]
        timer: Option<R::Sleep>,
        // Where it was made; `None` if the library itself waits with it.
        location: Option<&'static Location<'static>>,
    }
}

impl<R: Runtime> Sleep<R> {
    #[track_caller]
    pub(crate) fn new(runtime: &R, duration: Duration) -> Self {
        Self::until(runtime, runtime.now().checked_add(duration))
    }

    #[track_caller]
    pub(crate) fn until(runtime: &R, deadline: Option<Instant>) -> Self {
        let timer = deadline.map(|deadline| runtime.sleep_until(deadline));
        Self { runtime: runtime.clone(), deadline, timer, location: Some(Location::caller()) }
    }

    /// As `until`, for waits of the library itself, which are not noted as awaits of the task.
    #[doc(hidden)]
    pub fn silent(runtime: &R, deadline: Option<Instant>) -> Self {
        Self { location: None, ..Self::until(runtime, deadline) }
    }
}

impl<R: Runtime> Future for Sleep<R> {
    type Output = Result<(), AsyncTaskError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let (Some(deadline), Some(timer)) = (*this.deadline, this.timer.as_pin_mut()) else {
            this.location.inspect(|location| note(location));
            return Poll::Pending;
        };
        // A timer that is ready before its deadline says that the runtime has ended.
        let ended = |()| if this.runtime.now() < deadline { Err(AsyncTaskError::Shutdown) } else { Ok(()) };
        let polled = timer.poll(cx).map(ended);
        if polled.is_pending() {
            this.location.inspect(|location| note(location));
        }
        polled
    }
}

impl<R: Runtime> fmt::Debug for Sleep<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}
