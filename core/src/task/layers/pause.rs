//! The step from a failed attempt to the next, for all work that is tried again but
//! supervised work, which has a rule of its own: the decision and the wait.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;

use crate::error::{AsyncTaskError, RetriesError};
use crate::panic::caught;
use crate::retry::Retry;
use crate::runtime::Runtime;
use crate::task::view::context::{Cancelled, TaskContext};
use crate::time::Sleep;
use crate::tree::current::with_task;

/// Decides on attempt `number`, which has failed with `error`, after `retries` retries that count; `chance`
/// gives 64 random bits. Returns the wait before the next attempt and the error again, or the error of the
/// whole: no attempt follows where `retry` permits none, where cancellation of the task around has been
/// requested, and where the wait would end after a deadline.
pub fn next_attempt(
    retry: &Retry,
    error: AsyncTaskError,
    number: u32,
    retries: u32,
    chance: impl FnOnce() -> u64,
) -> Result<(Duration, AsyncTaskError), AsyncTaskError> {
    // The functions of the user are called in it.
    let (delay, error) = caught(|| retry.follow(error, number, retries, chance))??;
    if TaskContext::current().is_some_and(|cx| cx.is_cancelled()) {
        return Err(error);
    }
    if is_futile(delay) {
        return Err(RetriesError::out_of_time(number, error));
    }
    tracing::debug!(
        task.attempt = number,
        ?delay,
        error = format_args!("{error:#}"),
        "attempt failed; another follows"
    );
    caught(|| retry.notify(number, delay, &error))?;
    Ok((delay, error))
}

/// True if a deadline, of the task that is polled here or of one above it, would end the wait for another
/// attempt.
pub(crate) fn is_futile(delay: Duration) -> bool {
    with_task(|task| task.ends_within(delay)) == Some(true)
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
