//! The wait for a permit of a limiter, and the permit.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use crate::error::AsyncTaskError;
use crate::limit::Limiter;
use crate::limit::wait_queue::Position;
use crate::runtime::RuntimeSource;
use crate::time::Sleep;
use crate::tree::priority::urgency;
use crate::vocabulary::priority::TaskPriority;

/// A timer, and the time for which it is armed.
type Timer<S> = (Instant, Pin<Box<Sleep<<S as RuntimeSource>::Runtime>>>);

/// A future of a permit. If it is dropped before it is ready, it leaves the queue; if it was admitted
/// meanwhile, the permit goes to the next waiter.
#[must_use = "a permit is had only by awaiting"]
pub struct Acquire<S: RuntimeSource> {
    limiter: Limiter,
    source: S,
    /// `None` before it has entered the limiter, and after it was ready.
    position: Option<Position>,
    timer: Option<Timer<S>>,
}

// The timer is in a box, and nothing else is pinned.
impl<S: RuntimeSource> Unpin for Acquire<S> {}

impl<S: RuntimeSource> Acquire<S> {
    pub(super) fn new(limiter: Limiter, source: S) -> Self {
        Self { limiter, source, position: None, timer: None }
    }

    /// Takes a permit, or enters the queue. The first poll does so, if nothing has called this before.
    pub(crate) fn enter(&mut self, urgency: TaskPriority) -> Result<(), AsyncTaskError> {
        let entered = self.limiter.0.wait_queue.enter(urgency.number(), || self.source.clock());
        self.position = Some(entered.map_err(|waiting| {
            let limiter = self.limiter.0.name.clone();
            AsyncTaskError::Rejected { limiter, waiting }
        })?);
        Ok(())
    }

    /// One poll in the queue: checks whether the waiter is admitted, updates its urgency, and arms the timer
    /// for the next check.
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), AsyncTaskError>> {
        let wait_queue = &self.limiter.0.wait_queue;
        loop {
            let Some(Position::Queued(waiter, key)) = &mut self.position else { return Poll::Ready(Ok(())) };
            waiter.waker.register(cx.waker());
            if waiter.is_admitted() {
                return Poll::Ready(Ok(()));
            }
            let due = wait_queue.update((waiter, key), urgency().number(), self.source.clock());
            let Some(due) = due else {
                self.timer = None;
                return Poll::Pending;
            };
            // A timer that is armed for an earlier time is kept: the next check is then.
            if self.timer.as_ref().is_none_or(|(at, _)| *at > due) {
                let runtime = self.source.resolve()?;
                self.timer = Some((due, Box::pin(Sleep::silent(&runtime, Some(due)))));
            }
            let Some((_, timer)) = &mut self.timer else { return Poll::Pending };
            ready!(timer.as_mut().poll(cx))?;
            self.timer = None;
            wait_queue.keep_time(waiter, self.source.clock());
        }
    }
}

impl<S: RuntimeSource> Future for Acquire<S> {
    type Output = Result<Permit<S>, AsyncTaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.position.is_none() {
            self.enter(urgency())?;
        }
        ready!(self.wait(cx))?;
        self.position = None;
        Poll::Ready(Ok(Permit::new(self.limiter.clone(), self.source.clone())))
    }
}

impl<S: RuntimeSource> Drop for Acquire<S> {
    fn drop(&mut self) {
        if let Some(position) = self.position.take() {
            self.limiter.0.wait_queue.leave(&position, || self.source.clock());
        }
    }
}

/// The right to be under way under a limiter, until dropped.
#[must_use = "dropped, the permit is given on"]
pub struct Permit<S: RuntimeSource> {
    limiter: Limiter,
    source: S,
}

impl<S: RuntimeSource> Permit<S> {
    /// The permit of an arrival that was admitted.
    pub(super) fn new(limiter: Limiter, source: S) -> Self {
        Self { limiter, source }
    }
}

impl<S: RuntimeSource> Drop for Permit<S> {
    fn drop(&mut self) {
        self.limiter.0.wait_queue.leave(&Position::Inside, || self.source.clock());
    }
}

/// As a [`Permit`], while the limiter is at hand.
#[must_use = "dropped, the permit is given on"]
pub(crate) struct Entered<'a, S: RuntimeSource> {
    limiter: &'a Limiter,
    source: &'a S,
    is_passed_on: bool,
}

impl<'a, S: RuntimeSource> Entered<'a, S> {
    /// The permit of an arrival that was admitted.
    pub(super) fn new(limiter: &'a Limiter, source: &'a S) -> Self {
        Self { limiter, source, is_passed_on: false }
    }

    /// The permit of work that goes on.
    pub(crate) fn into_permit(mut self) -> Permit<S> {
        let permit = Permit::new(self.limiter.clone(), self.source.clone());
        self.is_passed_on = true;
        permit
    }
}

impl<S: RuntimeSource> Drop for Entered<'_, S> {
    fn drop(&mut self) {
        if !self.is_passed_on {
            self.limiter.0.wait_queue.leave(&Position::Inside, || self.source.clock());
        }
    }
}
