//! Waiting for one's turn.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use crate::error::AsyncTaskError;
use crate::limit::Limiter;
use crate::limit::wait_queue::Place;
use crate::runtime::Runtime;
use crate::time::Sleep;
use crate::tree::priority::urgency;
use crate::vocabulary::priority::TaskPriority;

/// Ready with a place. Dropped before that, it leaves the line; let in and not seen, it gives the place on.
#[must_use = "a place is had only by awaiting"]
pub struct Acquire<R: Runtime> {
    limiter: Limiter,
    runtime: R,
    /// `None` before it has come, and after it was ready.
    place: Option<Place>,
    timer: Option<(Instant, Pin<Box<Sleep<R>>>)>,
}

// The timer is in a box, and nothing else is pinned.
impl<R: Runtime> Unpin for Acquire<R> {}

impl<R: Runtime> Acquire<R> {
    pub(super) fn new(limiter: Limiter, runtime: R) -> Self {
        Self { limiter, runtime, place: None, timer: None }
    }

    /// Comes in, or takes a place in the line: in the first poll, if nobody has called this before.
    pub(crate) fn come(&mut self, urgency: TaskPriority) -> Result<(), AsyncTaskError> {
        let came = self.limiter.0.wait_queue.come(urgency.number(), self.runtime.now());
        self.place = Some(came.map_err(|waiting| {
            let limiter = self.limiter.0.name.clone();
            AsyncTaskError::Rejected { limiter, waiting }
        })?);
        Ok(())
    }

    /// In the line: is it this one's turn, has it become more urgent, when is it to look again?
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), AsyncTaskError>> {
        let wait_queue = &self.limiter.0.wait_queue;
        loop {
            let Some(Place::InLine(waiter, key)) = &mut self.place else { return Poll::Ready(Ok(())) };
            waiter.waker.register(cx.waker());
            if waiter.is_admitted() {
                return Poll::Ready(Ok(()));
            }
            let due = wait_queue.look((waiter, key), urgency().number(), self.runtime.now());
            let Some(due) = due else {
                self.timer = None;
                return Poll::Pending;
            };
            // One that is set for earlier looks again then.
            if self.timer.as_ref().is_none_or(|(at, _)| *at > due) {
                self.timer = Some((due, Box::pin(Sleep::silent(&self.runtime, Some(due)))));
            }
            let Some((_, timer)) = &mut self.timer else { return Poll::Pending };
            ready!(timer.as_mut().poll(cx))?;
            self.timer = None;
            wait_queue.keep_time(waiter, self.runtime.now());
        }
    }
}

impl<R: Runtime> Future for Acquire<R> {
    type Output = Result<Permit<R>, AsyncTaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.place.is_none() {
            self.come(urgency())?;
        }
        ready!(self.wait(cx))?;
        self.place = None;
        Poll::Ready(Ok(Permit { limiter: self.limiter.clone(), runtime: self.runtime.clone() }))
    }
}

impl<R: Runtime> Drop for Acquire<R> {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            self.limiter.0.wait_queue.leave(&place, self.runtime.now());
        }
    }
}

/// A place among those that are under way, until dropped.
#[must_use = "dropped, the place is given on"]
pub struct Permit<R: Runtime> {
    limiter: Limiter,
    runtime: R,
}

impl<R: Runtime> Drop for Permit<R> {
    fn drop(&mut self) {
        self.limiter.0.wait_queue.leave(&Place::Inside, self.runtime.now());
    }
}
