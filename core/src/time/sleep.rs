//! Waiting.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use pin_project_lite::pin_project;

use crate::error::AsyncTaskError;
use crate::runtime::Runtime;

pin_project! {
    /// Ready when its time has come; see [`Runtime::sleep`].
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
    }
}

impl<R: Runtime> Sleep<R> {
    pub(crate) fn new(runtime: &R, duration: Duration) -> Self {
        Self::until(runtime, runtime.now().checked_add(duration))
    }

    pub(crate) fn until(runtime: &R, deadline: Option<Instant>) -> Self {
        let timer = deadline.map(|deadline| runtime.sleep_until(deadline));
        Self { runtime: runtime.clone(), deadline, timer }
    }
}

impl<R: Runtime> Future for Sleep<R> {
    type Output = Result<(), AsyncTaskError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let (Some(deadline), Some(timer)) = (*this.deadline, this.timer.as_pin_mut()) else {
            return Poll::Pending;
        };
        // Ready before its deadline, it says that the runtime has ended.
        let ended = |()| if this.runtime.now() < deadline { Err(AsyncTaskError::Shutdown) } else { Ok(()) };
        timer.poll(cx).map(ended)
    }
}

impl<R: Runtime> fmt::Debug for Sleep<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}
