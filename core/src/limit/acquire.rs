//! Waiting for one's turn.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use atomic_waker::AtomicWaker;

use super::queue::Key;
use super::{Limiter, TaskPriority};
use crate::error::AsyncTaskError;
use crate::runtime::Runtime;
use crate::sync::{AtomicU8, Ordering};
use crate::task::{caught, urgency};
use crate::time::Sleep;

const WAITS: u8 = 0;
const ADMITTED: u8 = 1;
const LEFT: u8 = 2;

/// One who waits.
pub(super) struct Waiter {
    /// Changed only while the desk is locked.
    state: AtomicU8,
    waker: AtomicWaker,
}

impl Waiter {
    pub(super) fn admit(&self) {
        // Release pairs with the acquire of the one who waits: what ended to let it in happened before.
        self.state.store(ADMITTED, Ordering::Release);
    }

    fn is_admitted(&self) -> bool {
        self.state.load(Ordering::Acquire) == ADMITTED
    }

    /// True if it waits no more.
    pub(super) fn is_done(&self) -> bool {
        self.state.load(Ordering::Acquire) != WAITS
    }

    fn leave(&self) {
        self.state.store(LEFT, Ordering::Release);
    }

    pub(super) fn wake(&self) {
        // A waker may be foreign code; its panic is not to become that of the one who left.
        let _ = caught(|| self.waker.wake());
    }
}

/// Ready with a place. Dropped before that, it leaves the line; let in and not seen, it gives the place on.
#[must_use = "a place is had only by awaiting"]
pub(crate) struct Acquire<R: Runtime> {
    limiter: Limiter,
    runtime: R,
    place: Place,
    timer: Option<Pin<Box<Sleep<R>>>>,
}

enum Place {
    Outside,
    InLine(Arc<Waiter>, Key),
    Inside,
}

// The timer is in a box, and nothing else is pinned.
impl<R: Runtime> Unpin for Acquire<R> {}

impl<R: Runtime> Acquire<R> {
    pub(super) fn new(limiter: Limiter, runtime: R) -> Self {
        Self { limiter, runtime, place: Place::Outside, timer: None }
    }

    /// Comes in, or takes a place in the line: in the first poll, if nobody has called this before.
    pub(crate) fn come(&mut self, urgency: TaskPriority) -> Result<(), AsyncTaskError> {
        let now = self.runtime.now();
        // Also lets in those whose time has come by now, so that none of them is in line any more.
        if self.limiter.change(now, |desk| desk.queue.enter(now)) {
            self.place = Place::Inside;
            return Ok(());
        }
        let waiter = Arc::new(Waiter { state: AtomicU8::new(WAITS), waker: AtomicWaker::new() });
        let place = self.limiter.change(now, |desk| {
            if desk.queue.enter(now) {
                return Ok(Place::Inside);
            }
            let place = desk.queue.wait(urgency.number(), now, waiter.clone());
            place.map(|key| Place::InLine(waiter.clone(), key)).map_err(|_| desk.queue.waiting())
        });
        self.place = place.map_err(|waiting| {
            let limiter = self.limiter.0.name.clone();
            AsyncTaskError::Rejected { limiter, waiting }
        })?;
        Ok(())
    }

    /// In the line: is it this one's turn, has it become more urgent, is it to keep the time?
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), AsyncTaskError>> {
        loop {
            let Place::InLine(waiter, key) = &mut self.place else { return Poll::Ready(Ok(())) };
            waiter.waker.register(cx.waker());
            if waiter.is_admitted() {
                return Poll::Ready(Ok(()));
            }
            let class = urgency().number();
            let mut desk = self.limiter.desk();
            if class != key.0 {
                *key = desk.queue.change(*key, class);
            }
            let keeper = desk.keeper.as_ref().filter(|(keeper, _)| Arc::ptr_eq(keeper, waiter));
            let due = keeper.map(|(_, due)| *due);
            drop(desk);
            let Some(due) = due else {
                self.timer = None;
                return Poll::Pending;
            };
            let timer = self.timer.get_or_insert_with(|| Box::pin(Sleep::silent(&self.runtime, Some(due))));
            ready!(timer.as_mut().poll(cx))?;
            self.timer = None;
            self.limiter.change(self.runtime.now(), |_| ());
        }
    }
}

impl<R: Runtime> Future for Acquire<R> {
    type Output = Result<Permit<R>, AsyncTaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if matches!(self.place, Place::Outside) {
            self.come(urgency())?;
        }
        ready!(self.wait(cx))?;
        self.place = Place::Outside;
        Poll::Ready(Ok(Permit { limiter: self.limiter.clone(), runtime: self.runtime.clone() }))
    }
}

impl<R: Runtime> Drop for Acquire<R> {
    fn drop(&mut self) {
        let place = std::mem::replace(&mut self.place, Place::Outside);
        if matches!(place, Place::Outside) {
            return;
        }
        self.limiter.change(self.runtime.now(), |desk| match &place {
            Place::InLine(waiter, key) if desk.queue.leave(*key).is_some() => waiter.leave(),
            // Let in, and never seen.
            _ => desk.queue.end(),
        });
    }
}

/// A place among those that are under way, until dropped.
#[must_use = "dropped, the place is given on"]
pub(crate) struct Permit<R: Runtime> {
    limiter: Limiter,
    runtime: R,
}

impl<R: Runtime> Drop for Permit<R> {
    fn drop(&mut self) {
        self.limiter.change(self.runtime.now(), |desk| desk.queue.end());
    }
}
