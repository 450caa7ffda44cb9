//! The wait between two attempts.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;

use crate::error::AsyncTaskError;
use crate::runtime::Runtime;
use crate::task::view::context::{Cancelled, TaskContext};
use crate::time::Sleep;
use crate::tree::current::with_frame;

/// True if a deadline, of the task that is polled here or of one above it, would end the wait for another
/// attempt.
pub(crate) fn is_futile(delay: Duration) -> bool {
    with_frame(|frame| frame.task.ends_within(delay)) == Some(true)
}

pin_project! {
    /// The wait between two attempts. A cancellation of the task around ends it: its output is then false.
    /// Without a delay it yields once.
    pub struct Pause<R: Runtime> {
        #[pin]
        cancelled: Option<Cancelled>,
        #[pin]
        timer: Option<Sleep<R>>,
        yielded: bool,
    }
}

impl<R: Runtime> Pause<R> {
    /// A pause of `delay` before the next attempt.
    pub fn new(runtime: &R, delay: Duration, location: &'static Location<'static>) -> Self {
        let timer = (!delay.is_zero()).then(|| Sleep::silent(runtime, runtime.now().checked_add(delay)));
        Self { cancelled: TaskContext::current().map(|cx| cx.cancelled_at(location)), timer, yielded: false }
    }
}

impl<R: Runtime> Future for Pause<R> {
    type Output = Result<bool, AsyncTaskError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if this.cancelled.as_pin_mut().is_some_and(|cancelled| cancelled.poll(cx).is_ready()) {
            return Poll::Ready(Ok(false));
        }
        match this.timer.as_pin_mut() {
            Some(timer) => timer.poll(cx).map_ok(|()| true),
            None if *this.yielded => Poll::Ready(Ok(true)),
            None => {
                // Other tasks run first, also those that may cancel this one.
                *this.yielded = true;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}
