//! The limit on a whole task.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use pin_project_lite::pin_project;

use crate::error::{AsyncTaskError, TimeoutError, TimeoutKind};
use crate::panic::caught;
use crate::runtime::{Runtime, RuntimeSource};
use crate::time::Sleep;
use crate::tree::current::{giving_up, with_frame};

/// How long work may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// So long after the start.
    After(Duration),
    /// At this instant.
    At(Instant),
}

impl Limit {
    /// The limit in time for work that begins `now`, and the deadline; `None` where there is none, or none that a clock
    /// can count to.
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
    /// `None` where there is only a name, for the errors of the work.
    pub(crate) limit: Option<Limit>,
}

pin_project! {
    /// `body`, under a limit. Without one it adds a branch to each poll.
    ///
    /// Order of a poll: first the body, since a ready value wins; then the clock. At the deadline the body is
    /// dropped before the error is given, unless there is a shielded region in it: then at the region's end.
    pub struct Timeout<B, S: RuntimeSource> {
        #[pin]
        body: Option<B>,
        limit: Option<TimeLimit>,
        source: S,
        // Set at the first poll.
        deadline: Option<(Duration, Instant)>,
        #[pin]
        timer: Timer<Sleep<S::Runtime>>,
        // How many shielded regions there are within the body.
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

impl<B, S: RuntimeSource> Timeout<B, S> {
    pub(crate) fn new(body: B, limit: Option<TimeLimit>, source: S) -> Self {
        Self { body: Some(body), limit, source, deadline: None, timer: Timer::Unset, shields: 0 }
    }
}

impl<B, T, S> Future for Timeout<B, S>
where
    B: Future<Output = Result<T, AsyncTaskError>>,
    S: RuntimeSource,
{
    type Output = Result<T, AsyncTaskError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let (Some(TimeLimit { limit, .. }), None) = (this.limit.as_mut(), this.deadline.as_ref())
            && let Some(allowed) = *limit
        {
            *this.deadline = allowed.from(this.source.resolve()?.now());
            if this.deadline.is_none() {
                *limit = None;
            }
        }
        let Some(body) = this.body.as_mut().as_pin_mut() else {
            return Poll::Ready(Err(AsyncTaskError::InvalidState(
                "this future was polled after it had ended",
            )));
        };
        let (Some(limit), Some((allowed, deadline))) = (this.limit.as_ref(), *this.deadline) else {
            return body.poll(cx).map_err(|error| named(error, this.limit.as_ref()));
        };
        // A region is entered and left in a poll of what it is in; one that this is in itself holds off other limits.
        let around = shields();
        let polled = body.poll(cx);
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
                        let sleep = Sleep::silent(&this.source.resolve()?, Some(deadline));
                        this.timer.set(Timer::Set { sleep });
                    }
                }
                if let TimerProj::Set { sleep } = this.timer.as_mut().project() {
                    std::task::ready!(sleep.poll(cx))
                        .inspect_err(|_| drop(caught(|| this.body.set(None))))?;
                    this.timer.set(Timer::Passed);
                }
                if *this.shields > 0 {
                    return Poll::Pending;
                }
            }
        }
        let (dropped, still_running) = giving_up(|| caught(|| this.body.set(None)));
        dropped?;
        Poll::Ready(Err(TimeoutError::passed(limit.name.clone(), limit.kind, allowed, still_running)))
    }
}

/// The error with the name of the task that it is of.
fn named(mut error: AsyncTaskError, limit: Option<&TimeLimit>) -> AsyncTaskError {
    if let Some(name) = limit.and_then(|limit| limit.name.as_ref()) {
        error.name(name);
    }
    error
}

/// How many shielded regions of the task that is being polled here are under way.
fn shields() -> u32 {
    with_frame(|frame| frame.task.control.shields()).unwrap_or(0)
}
