//! The time limit on a future: a whole, or one attempt.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use pin_project_lite::pin_project;

use crate::body::{Body, Layer};
use crate::error::{AsyncTaskError, TimeoutError, TimeoutKind};
use crate::panic::caught;
use crate::runtime::{Runtime, RuntimeSource};
use crate::time::Sleep;
use crate::tree::current::with_registered;
use crate::tree::overdue::giving_up;

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

/// The limits on one future.
#[derive(Clone, Debug, Default)]
pub(crate) struct TimeLimit {
    /// The name of the task, for errors.
    pub(crate) name: Option<Arc<str>>,
    /// The limit on the whole, where that is kept here.
    pub(crate) whole: Option<Limit>,
    /// The limit on one attempt.
    pub(crate) attempt: Option<Duration>,
}

/// A limit that counts: the time that it allows, and its end.
type Allowed = (Duration, Instant);

/// The limits of a future that has begun.
#[derive(Clone, Copy)]
struct Deadlines {
    whole: Option<Allowed>,
    attempt: Option<Allowed>,
}

impl Deadlines {
    fn of(limit: &TimeLimit, now: Instant) -> Self {
        let from = |limit: Limit| limit.from(now);
        Self { whole: limit.whole.and_then(from), attempt: limit.attempt.map(Limit::After).and_then(from) }
    }

    /// The earlier limit; on a tie the one on the whole.
    fn first(self) -> Option<Allowed> {
        match (self.whole, self.attempt) {
            (Some(whole), Some(attempt)) if attempt.1 < whole.1 => Some(attempt),
            (whole, attempt) => whole.or(attempt),
        }
    }

    /// The limit that has passed at `now`, where one has: the one on the whole comes first.
    fn passed(self, now: impl FnOnce() -> Instant) -> Option<(TimeoutKind, Duration)> {
        let whole = self.whole.map(|(allowed, end)| (TimeoutKind::Overall, allowed, end));
        let attempt = self.attempt.map(|(allowed, _)| (TimeoutKind::Attempt, allowed));
        match (whole, attempt) {
            (Some((kind, allowed, _)), None) => Some((kind, allowed)),
            (Some((kind, allowed, end)), Some(_)) if now() >= end => Some((kind, allowed)),
            (_, attempt) => attempt,
        }
    }
}

pin_project! {
    /// A limit on the time of a body. Without one it adds a branch to each poll.
    ///
    /// The order of a poll: first the body, since a ready value wins; then the clock. At the deadline the
    /// body is dropped before the error is given; if there is a shielded region in it, that waits for the end
    /// of the region.
    pub struct TimeLimiter<S, Z> {
        limit: TimeLimit,
        source: S,
        // Set at the first poll.
        deadlines: Option<Deadlines>,
        #[pin]
        timer: Timer<Z>,
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

/// A limit whose timer is part of it.
pub(crate) type InlineLimiter<S> = TimeLimiter<S, Sleep<<S as RuntimeSource>::Runtime>>;

/// A limit whose timer is in a box, once there is one: it is smaller, and can be moved.
pub(crate) type BoxedLimiter<S> = TimeLimiter<S, Pin<Box<Sleep<<S as RuntimeSource>::Runtime>>>>;

/// The timer of a limit.
pub trait LimitTimer<R: Runtime>: Future<Output = Result<(), AsyncTaskError>> {
    /// A timer for `deadline`.
    fn until(runtime: &R, deadline: Instant) -> Self;
}

impl<R: Runtime> LimitTimer<R> for Sleep<R> {
    fn until(runtime: &R, deadline: Instant) -> Self {
        Self::silent(runtime, Some(deadline))
    }
}

impl<R: Runtime> LimitTimer<R> for Pin<Box<Sleep<R>>> {
    fn until(runtime: &R, deadline: Instant) -> Self {
        Box::pin(Sleep::silent(runtime, Some(deadline)))
    }
}

impl<S, Z> TimeLimiter<S, Z> {
    pub(crate) fn new(limit: TimeLimit, source: S) -> Self {
        Self { limit, source, deadlines: None, timer: Timer::Unset, shields: 0 }
    }

    /// True if there is a limit.
    pub(crate) fn is_set(&self) -> bool {
        self.limit.whole.is_some() || self.limit.attempt.is_some()
    }
}

impl<S: RuntimeSource, Z: LimitTimer<S::Runtime>> Layer for TimeLimiter<S, Z> {
    fn poll(
        self: Pin<&mut Self>,
        mut body: Pin<&mut dyn Body>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), AsyncTaskError>> {
        let is_set = self.is_set();
        let mut this = self.project();
        if is_set && this.deadlines.is_none() {
            *this.deadlines = Some(Deadlines::of(this.limit, this.source.clock()));
        }
        let deadlines = this.deadlines.as_ref().and_then(|deadlines| Some((*deadlines, deadlines.first()?)));
        let Some((deadlines, (allowed, deadline))) = deadlines else {
            return body.poll(cx).map_err(|error| named(error, this.limit));
        };
        // A region is entered and left in a poll of its own task; a region around this one holds off other
        // limits.
        let around = shields();
        let polled = body.as_mut().poll(cx);
        match polled {
            // On a tie the limit on the whole comes before that on an attempt.
            Poll::Ready(Err(AsyncTaskError::Timeout(inner)))
                if inner.is_own_attempt() && deadlines.whole.is_some() =>
            {
                if deadlines.whole.is_some_and(|(_, end)| this.source.clock() < end) {
                    return Poll::Ready(Err(AsyncTaskError::Timeout(inner)));
                }
            }
            Poll::Ready(output) => return Poll::Ready(output.map_err(|error| named(error, this.limit))),
            Poll::Pending => {
                *this.shields = this.shields.wrapping_add(shields()).wrapping_sub(around);
                if let TimerProj::Unset = this.timer.as_mut().project() {
                    if allowed.is_zero() {
                        this.timer.set(Timer::Passed);
                    } else {
                        let runtime = or_clear(this.source.resolve(), body.as_mut())?;
                        let sleep = Z::until(&runtime, deadline);
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
        let (kind, allowed) =
            deadlines.passed(|| this.source.clock()).unwrap_or((TimeoutKind::Overall, allowed));
        let (dropped, still_running) = giving_up(|| caught(|| body.as_mut().clear()));
        dropped?;
        Poll::Ready(Err(TimeoutError::passed(this.limit.name.clone(), kind, allowed, still_running)))
    }

    fn release(self: Pin<&mut Self>) {
        self.project().timer.set(Timer::Passed);
    }
}

/// Passes `result` on. If it is an error, the time cannot be kept, and the work is dropped first.
fn or_clear<V>(result: Result<V, AsyncTaskError>, body: Pin<&mut dyn Body>) -> Result<V, AsyncTaskError> {
    result.inspect_err(|_| drop(caught(|| body.clear())))
}

/// Adds the name of the task to its error.
fn named(mut error: AsyncTaskError, limit: &TimeLimit) -> AsyncTaskError {
    if let Some(name) = &limit.name {
        error.name(name);
    }
    error
}

/// The number of shielded regions of the task that is being polled here.
fn shields() -> u32 {
    with_registered(|task| task.control.shields()).unwrap_or(0)
}
