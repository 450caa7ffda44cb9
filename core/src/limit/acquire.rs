//! Waiting for one's turn.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use atomic_waker::AtomicWaker;

use super::Limiter;
use super::queue::Key;
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
    place: Option<(Arc<Waiter>, Key)>,
    timer: Option<Pin<Box<Sleep<R>>>>,
}

// The timer is in a box, and nothing else is pinned.
impl<R: Runtime> Unpin for Acquire<R> {}

impl<R: Runtime> Acquire<R> {
    pub(super) fn new(limiter: Limiter, runtime: R) -> Self {
        Self { limiter, runtime, place: None, timer: None }
    }

    /// The first poll: comes in, or takes a place in the line.
    fn come(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), AsyncTaskError>> {
        let now = self.runtime.now();
        let mut desk = self.limiter.desk();
        if desk.queue.enter(now) {
            return Poll::Ready(Ok(()));
        }
        let waiter = Arc::new(Waiter { state: AtomicU8::new(WAITS), waker: AtomicWaker::new() });
        waiter.waker.register(cx.waker());
        let Ok(key) = desk.queue.wait(urgency().rank(), now, waiter.clone()) else {
            let (limiter, waiting) = (self.limiter.0.name.clone(), desk.queue.waiting());
            return Poll::Ready(Err(AsyncTaskError::Rejected { limiter, waiting }));
        };
        self.place = Some((waiter, key));
        drop(desk);
        // Where all wait for the rate, somebody is to keep the time.
        self.limiter.change(now, |_| ());
        Poll::Pending
    }

    /// In the line: is it this one's turn, has it become more urgent, is it to keep the time?
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), AsyncTaskError>> {
        loop {
            let Some((waiter, key)) = &mut self.place else { return Poll::Pending };
            waiter.waker.register(cx.waker());
            if waiter.is_admitted() {
                self.place = None;
                return Poll::Ready(Ok(()));
            }
            let class = urgency().rank();
            let mut desk = self.limiter.desk();
            if class != key.0 {
                *key = desk.queue.change(*key, class);
            }
            let due =
                desk.keeper.as_ref().filter(|(keeper, _)| Arc::ptr_eq(keeper, waiter)).map(|(_, due)| *due);
            drop(desk);
            let Some(due) = due else {
                self.timer = None;
                return Poll::Pending;
            };
            let timer = self.timer.get_or_insert_with(|| Box::pin(Sleep::silent(&self.runtime, Some(due))));
            std::task::ready!(timer.as_mut().poll(cx))?;
            self.timer = None;
            self.limiter.change(self.runtime.now(), |_| ());
        }
    }
}

impl<R: Runtime> Future for Acquire<R> {
    type Output = Result<Permit<R>, AsyncTaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let polled = if this.place.is_some() { this.wait(cx) } else { this.come(cx) };
        polled.map_ok(|()| this.permit())
    }
}

impl<R: Runtime> Acquire<R> {
    fn permit(&self) -> Permit<R> {
        Permit { limiter: self.limiter.clone(), runtime: self.runtime.clone() }
    }
}

impl<R: Runtime> Drop for Acquire<R> {
    fn drop(&mut self) {
        let Some((waiter, key)) = self.place.take() else { return };
        self.limiter.change(self.runtime.now(), |desk| {
            if desk.queue.leave(key).is_none() {
                // Let in, and never seen.
                desk.queue.end();
            }
            waiter.state.store(LEFT, Ordering::Release);
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
