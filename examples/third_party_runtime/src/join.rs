//! A task's output on its way to its handle: two channels, since the output goes one way and wakers go the other.
//!
//! The task's end drops its side of both, the output's first. So a handle that finds no output and hands over a waker
//! is woken for certain: the waker is dropped with the channel, or at once where the channel is gone already.

use std::future::Future;
use std::pin::Pin;
use std::sync::mpsc::{Receiver, Sender, SyncSender, TryRecvError, channel, sync_channel};
use std::task::{Context, Poll, Waker};

use sweet_async_core::Join;

use crate::wake::WakeOnDrop;

/// The join handle: `None` once the task was dropped without an output.
pub struct TinyJoin<T> {
    output: Receiver<T>,
    wakers: Sender<WakeOnDrop>,
    /// The waker that was handed over last.
    known: Option<Waker>,
}

/// The task's side. The fields are dropped in this order.
pub(crate) struct Outlet<T> {
    output: SyncSender<T>,
    _wakers: Receiver<WakeOnDrop>,
}

pub(crate) fn pair<T>() -> (Outlet<T>, TinyJoin<T>) {
    let (sender, output) = sync_channel(1);
    let (wakers, receiver) = channel();
    (Outlet { output: sender, _wakers: receiver }, TinyJoin { output, wakers, known: None })
}

impl<T> Outlet<T> {
    pub(crate) fn deliver(self, output: T) {
        // There is room for one, so it fails only where the handle was dropped and nobody wants the output.
        let _ = self.output.try_send(output);
    }
}

impl<T> Future for TinyJoin<T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        match self.output.try_recv() {
            Ok(output) => return Poll::Ready(Some(output)),
            Err(TryRecvError::Disconnected) => return Poll::Ready(None),
            Err(TryRecvError::Empty) => {}
        }
        let waker = cx.waker();
        if !self.known.as_ref().is_some_and(|known| known.will_wake(waker)) {
            self.known = Some(waker.clone());
            // An error hands it back, to be dropped here: the task has ended meanwhile, and the next poll sees it.
            let _ = self.wakers.send(WakeOnDrop::new(waker));
        }
        Poll::Pending
    }
}

impl<T: Send + 'static> Join<T> for TinyJoin<T> {
    fn detach(self) {
        // The task does not ask whether somebody waits for it.
    }
}
