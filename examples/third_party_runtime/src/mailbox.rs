//! The way to a thread that owns something: a channel that its senders can close.
//!
//! A message is read, or it is dropped when its reader ends; none is left lying about. Whoever waits for an answer can
//! therefore put something into the message that tells it of a drop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// Where messages are sent to. A handle: it keeps nothing running.
pub(crate) struct Mailbox<M>(Arc<Shared<M>>);

struct Shared<M> {
    sender: Sender<Letter<M>>,
    closed: AtomicBool,
}

enum Letter<M> {
    Message(M),
    Close,
}

/// Where they are read.
pub(crate) struct Inbox<M>(Receiver<Letter<M>>);

pub(crate) fn mailbox<M>() -> (Mailbox<M>, Inbox<M>) {
    let (sender, receiver) = channel();
    (Mailbox(Arc::new(Shared { sender, closed: AtomicBool::new(false) })), Inbox(receiver))
}

// Not derived: that would ask messages to be `Clone`.
impl<M> Clone for Mailbox<M> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<M> Mailbox<M> {
    /// False if nobody reads any more; the message is then dropped.
    pub(crate) fn send(&self, message: M) -> bool {
        !self.is_closed() && self.0.sender.send(Letter::Message(message)).is_ok()
    }

    /// What was sent before is still read.
    pub(crate) fn close(&self) {
        // Release pairs with the acquire of `is_closed`. The flag first: whoever is woken by the reader's end sees it.
        self.0.closed.store(true, Ordering::Release);
        let _ = self.0.sender.send(Letter::Close);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.0.closed.load(Ordering::Acquire)
    }
}

impl<M> Inbox<M> {
    /// The next message; `None` once the mailbox is closed.
    pub(crate) fn next(&self) -> Option<M> {
        match self.0.recv() {
            Ok(Letter::Message(message)) => Some(message),
            Ok(Letter::Close) | Err(_) => None,
        }
    }

    /// As [`next`](Self::next), or `Some(None)` if none comes in time.
    pub(crate) fn next_within(&self, limit: Duration) -> Option<Option<M>> {
        match self.0.recv_timeout(limit) {
            Ok(Letter::Message(message)) => Some(Some(message)),
            Err(RecvTimeoutError::Timeout) => Some(None),
            Ok(Letter::Close) | Err(RecvTimeoutError::Disconnected) => None,
        }
    }
}
