//! Waiting.

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
    /// Ready when its time has come; see [`RuntimeExt::sleep`](crate::RuntimeExt::sleep).
    ///
    /// # Errors
    ///
    /// [`AsyncTaskError::Shutdown`] if the runtime ended first, and its timers with it.
    ///
    /// # Cancel safety
    ///
    /// Dropping it is safe. Once made it counts from the moment of its making, polled or not.
    #[must_use = "a timer does nothing unless awaited"]
    pub struct Sleep<R: Runtime> {
        runtime: R,
        // `None` where the clock cannot count that far: it never ends.
        deadline: Option<Instant>,
        #[pin]
        timer: Option<R::Sleep>,
        // `None` where it is part of something else of the library.
        place: Option<&'static Location<'static>>,
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
        Self { runtime: runtime.clone(), deadline, timer, place: Some(Location::caller()) }
    }

    /// As `until`, for what the library waits for beside the work.
    pub fn silent(runtime: &R, deadline: Option<Instant>) -> Self {
        Self { place: None, ..Self::until(runtime, deadline) }
    }
}

impl<R: Runtime> Future for Sleep<R> {
    type Output = Result<(), AsyncTaskError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let (Some(deadline), Some(timer)) = (*this.deadline, this.timer.as_pin_mut()) else {
            this.place.inspect(|place| note(place));
            return Poll::Pending;
        };
        // Ready before its deadline, it says that the runtime has ended.
        let ended = |()| if this.runtime.now() < deadline { Err(AsyncTaskError::Shutdown) } else { Ok(()) };
        let polled = timer.poll(cx).map(ended);
        if polled.is_pending() {
            this.place.inspect(|place| note(place));
        }
        polled
    }
}

impl<R: Runtime> fmt::Debug for Sleep<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}
