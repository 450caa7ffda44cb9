//! The limit on a whole task.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use pin_project_lite::pin_project;

use super::Sleep;
use crate::error::{AsyncTaskError, TimeoutError};
use crate::runtime::{Runtime, RuntimeSource, giving_up};

/// How long work may take, and from when.
#[derive(Clone, Debug)]
pub(crate) struct TimeLimit {
    pub(crate) name: Option<Arc<str>>,
    pub(crate) limit: Duration,
    /// When the clock started, if it has: at `spawn`, else at the first poll.
    pub(crate) since: Option<Instant>,
}

pin_project! {
    /// `body`, under a limit. Without one it adds a branch to each poll.
    ///
    /// Order of a poll: first the body, since a ready value wins; then the clock. At the deadline the body is
    /// dropped before the error is given.
    pub struct Timeout<B, S: RuntimeSource> {
        #[pin]
        body: Option<B>,
        limit: Option<TimeLimit>,
        source: S,
        #[pin]
        timer: Timer<Sleep<S::Runtime>>,
    }
}

pin_project! {
    #[project = TimerProj]
    enum Timer<Z> {
        Unset,
        Never,
        Set { #[pin] sleep: Z },
    }
}

impl<B, S: RuntimeSource> Timeout<B, S> {
    pub(crate) fn new(body: B, limit: Option<TimeLimit>, source: S) -> Self {
        Self { body: Some(body), limit, source, timer: Timer::Unset }
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
        if let (Some(limit), TimerProj::Unset) = (this.limit.as_mut(), this.timer.as_mut().project())
            && limit.since.is_none()
        {
            // The first poll of work that runs in place: its time starts now.
            limit.since = Some(this.source.resolve()?.now());
        }
        let Some(mut body) = this.body.as_mut().as_pin_mut() else {
            return Poll::Ready(Err(AsyncTaskError::InvalidState(
                "this future was polled after it had ended",
            )));
        };
        if let Poll::Ready(output) = body.as_mut().poll(cx) {
            return Poll::Ready(output);
        }
        let Some(limit) = this.limit.as_mut() else { return Poll::Pending };
        if let TimerProj::Unset = this.timer.as_mut().project() {
            match limit.since.and_then(|since| since.checked_add(limit.limit)) {
                // Beyond what the clock can count: no limit.
                None => this.timer.set(Timer::Never),
                Some(_) if limit.limit.is_zero() => return Poll::Ready(Err(give_up(&mut this.body, limit))),
                Some(deadline) => {
                    let sleep = Sleep::until(&this.source.resolve()?, Some(deadline));
                    this.timer.set(Timer::Set { sleep });
                }
            }
        }
        let TimerProj::Set { sleep } = this.timer.as_mut().project() else { return Poll::Pending };
        let ended = std::task::ready!(sleep.poll(cx));
        let timeout = give_up(&mut this.body, limit);
        Poll::Ready(Err(ended.err().unwrap_or(timeout)))
    }
}

fn give_up<B>(body: &mut Pin<&mut Option<B>>, limit: &TimeLimit) -> AsyncTaskError {
    let (dropped, still_running) = giving_up(|| crate::task::caught(|| body.set(None)));
    match dropped {
        Ok(()) => TimeoutError::overall(limit.name.clone(), limit.limit, still_running),
        Err(panic) => panic,
    }
}
