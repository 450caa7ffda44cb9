//! The path of a task's output to its handle: two channels, since the output goes one way and wakers go the
//! other.
//!
//! The end of the task drops its side of both, that of the output first. So a handle that finds no output and
//! sends a waker is always woken: the waker is dropped with the channel, or at once if the channel is already
//! closed.

use std::future::Future;
use std::pin::Pin;
use std::sync::mpsc::{Receiver, Sender, SyncSender, TryRecvError, channel, sync_channel};
use std::task::{Context, Poll, Waker};

use sweet_async_core::Join;

use crate::wake::WakeOnDrop;

/// The join handle. It gives `None` if the task was dropped without an output.
pub struct TinyJoin<T> {
    output: Receiver<T>,
    wakers: Sender<WakeOnDrop>,
    /// The waker that was sent last.
    registered: Option<Waker>,
}

/// The task's side. The fields are dropped in this order.
pub(crate) struct OutputSender<T> {
    output: SyncSender<T>,
    _wakers: Receiver<WakeOnDrop>,
}

pub(crate) fn pair<T>() -> (OutputSender<T>, TinyJoin<T>) {
    let (sender, output) = sync_channel(1);
    let (wakers, receiver) = channel();
    (OutputSender { output: sender, _wakers: receiver }, TinyJoin { output, wakers, registered: None })
}

impl<T> OutputSender<T> {
    pub(crate) fn send(self, output: T) {
        // There is room for one, so this fails only if the handle was dropped and the output is not
        // wanted.
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
        if !self.registered.as_ref().is_some_and(|registered| registered.will_wake(waker)) {
            self.registered = Some(waker.clone());
            // An error returns the waker, which is dropped here: the task has ended meanwhile, and the next
            // poll sees it.
            let _ = self.wakers.send(WakeOnDrop::new(waker));
        }
        Poll::Pending
    }
}

impl<T: Send + 'static> Join<T> for TinyJoin<T> {
    fn detach(self) {
        // The task runs to its end whether a handle waits for it or not.
    }
}
