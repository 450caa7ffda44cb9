//! The time limit on a future: a whole, or one attempt.

use std::future::Future as _;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use pin_project_lite::pin_project;

use crate::body::{Body, Layer, Layered};
use crate::error::{AsyncTaskError, TimeoutError, TimeoutKind};
use crate::panic::caught;
use crate::runtime::{Runtime, RuntimeSource};
use crate::time::Sleep;
use crate::tree::current::{giving_up, with_registered};

/// A time limit on work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// A time from the start.
    After(Duration),
    /// An instant.
    At(Instant),
}

impl Limit {
    /// The limit as a time, for work that begins `now`, and the deadline; `None` if there is none, or none
    /// that a clock can count to.
    pub(crate) fn from(self, now: Instant) -> Option<(Duration, Instant)> {
        match self {
            Self::After(Duration::MAX) => None,
            Self::After(limit) => now.checked_add(limit).map(|deadline| (limit, deadline)),
            Self::At(deadline) => Some((deadline.saturating_duration_since(now), deadline)),
        }
    }
}

/// The limit on one future.
#[derive(Clone, Debug)]
pub(crate) struct TimeLimit {
    pub(crate) name: Option<Arc<str>>,
    pub(crate) kind: TimeoutKind,
    /// `None` if there is only a name, for the errors of the work.
    pub(crate) limit: Option<Limit>,
}

pin_project! {
    /// A limit on the time of a body. Without one it adds a branch to each poll.
    ///
    /// The order of a poll: first the body, since a ready value wins; then the clock. At the deadline the
    /// body is dropped before the error is given; if there is a shielded region in it, that waits for the end
    /// of the region.
    pub struct TimeLimiter<S: RuntimeSource> {
        limit: Option<TimeLimit>,
        source: S,
        // Set at the first poll.
        deadline: Option<(Duration, Instant)>,
        #[pin]
        timer: Timer<Sleep<S::Runtime>>,
        // The number of shielded regions that are under way within the body.
        shields: u32,
    }
}

pin_project! {
    #[project = TimerProj]
    enum Timer<Z> {
        Unset,
        Set { #[pin] sleep: Z },
        Passed,
    }
}

impl<S: RuntimeSource> TimeLimiter<S> {
    pub(crate) fn new(limit: Option<TimeLimit>, source: S) -> Self {
        Self { limit, source, deadline: None, timer: Timer::Unset, shields: 0 }
    }

    /// True if there is a limit.
    pub(crate) fn is_set(&self) -> bool {
        self.limit.as_ref().is_some_and(|limit| limit.limit.is_some())
    }
}

impl<S: RuntimeSource> Layer for TimeLimiter<S> {
    fn poll(
        self: Pin<&mut Self>,
        mut body: Pin<&mut dyn Body>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), AsyncTaskError>> {
        let mut this = self.project();
        if let (Some(TimeLimit { limit, .. }), None) = (this.limit.as_mut(), this.deadline.as_ref())
            && let Some(allowed) = *limit
        {
            let runtime = or_clear(this.source.resolve(), body.as_mut())?;
            *this.deadline = allowed.from(runtime.now());
            if this.deadline.is_none() {
                *limit = None;
            }
        }
        let (Some(limit), Some((allowed, deadline))) = (this.limit.as_ref(), *this.deadline) else {
            return body.poll(cx).map_err(|error| named(error, this.limit.as_ref()));
        };
        // A region is entered and left in a poll of its own task; a region around this one holds off other
        // limits.
        let around = shields();
        let polled = body.as_mut().poll(cx);
        *this.shields = this.shields.wrapping_add(shields()).wrapping_sub(around);
        match polled {
            // On a tie the limit on the whole comes before that on an attempt.
            Poll::Ready(Err(AsyncTaskError::Timeout(inner)))
                if inner.is_own_attempt() && limit.kind != TimeoutKind::Attempt =>
            {
                if this.source.resolve()?.now() < deadline {
                    return Poll::Ready(Err(AsyncTaskError::Timeout(inner)));
                }
            }
            Poll::Ready(output) => return Poll::Ready(output.map_err(|error| named(error, Some(limit)))),
            Poll::Pending => {
                if let TimerProj::Unset = this.timer.as_mut().project() {
                    if allowed.is_zero() {
                        this.timer.set(Timer::Passed);
                    } else {
                        let runtime = or_clear(this.source.resolve(), body.as_mut())?;
                        let sleep = Sleep::silent(&runtime, Some(deadline));
                        this.timer.set(Timer::Set { sleep });
                    }
                }
                if let TimerProj::Set { sleep } = this.timer.as_mut().project() {
                    or_clear(std::task::ready!(sleep.poll(cx)), body.as_mut())?;
                    this.timer.set(Timer::Passed);
                }
                if *this.shields > 0 {
                    return Poll::Pending;
                }
            }
        }
        let (dropped, still_running) = giving_up(|| caught(|| body.as_mut().clear()));
        dropped?;
        Poll::Ready(Err(TimeoutError::passed(limit.name.clone(), limit.kind, allowed, still_running)))
    }

    fn release(self: Pin<&mut Self>) {
        self.project().timer.set(Timer::Passed);
    }
}

pin_project! {
    /// The limits on work in place that is no task of its own: on the whole, and on its one attempt.
    pub struct TimeLimits<S: RuntimeSource> {
        #[pin]
        whole: TimeLimiter<S>,
        #[pin]
        attempt: TimeLimiter<S>,
    }
}

impl<S: RuntimeSource> TimeLimits<S> {
    pub(crate) fn new(whole: TimeLimiter<S>, attempt: TimeLimiter<S>) -> Self {
        Self { whole, attempt }
    }
}

impl<S: RuntimeSource> Layer for TimeLimits<S> {
    fn poll(
        self: Pin<&mut Self>,
        body: Pin<&mut dyn Body>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), AsyncTaskError>> {
        let this = self.project();
        let inner = pin!(Layered { layer: this.attempt, body });
        this.whole.poll(inner, cx)
    }

    fn release(self: Pin<&mut Self>) {
        let this = self.project();
        this.attempt.release();
        this.whole.release();
    }
}

/// Passes `result` on. If it is an error, the time cannot be kept, and the work is dropped first.
fn or_clear<V>(result: Result<V, AsyncTaskError>, body: Pin<&mut dyn Body>) -> Result<V, AsyncTaskError> {
    result.inspect_err(|_| drop(caught(|| body.clear())))
}

/// Adds the name of the task to its error.
fn named(mut error: AsyncTaskError, limit: Option<&TimeLimit>) -> AsyncTaskError {
    if let Some(name) = limit.and_then(|limit| limit.name.as_ref()) {
        error.name(name);
    }
    error
}

/// The number of shielded regions of the task that is being polled here.
fn shields() -> u32 {
    with_registered(|task| task.control.shields()).unwrap_or(0)
}
