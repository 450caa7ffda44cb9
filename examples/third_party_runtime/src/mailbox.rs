//! The channel to a thread that owns something. Its senders can close it.
//!
//! A message is read, or it is dropped when its reader ends; none stays in the channel. A sender that waits
//! for an answer can therefore put a value into the message whose drop notifies it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// The sending end. A handle: it keeps nothing running.
pub(crate) struct Mailbox<M>(Arc<Shared<M>>);

struct Shared<M> {
    sender: Sender<Envelope<M>>,
    closed: AtomicBool,
}

enum Envelope<M> {
    Message(M),
    Close,
}

/// The receiving end.
pub(crate) struct Inbox<M>(Receiver<Envelope<M>>);

pub(crate) fn mailbox<M>() -> (Mailbox<M>, Inbox<M>) {
    let (sender, receiver) = channel();
    (Mailbox(Arc::new(Shared { sender, closed: AtomicBool::new(false) })), Inbox(receiver))
}

// Not derived: that would require messages to be `Clone`.
impl<M> Clone for Mailbox<M> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<M> Mailbox<M> {
    /// Sends a message. False if the mailbox is closed; the message is then dropped.
    pub(crate) fn send(&self, message: M) -> bool {
        !self.is_closed() && self.0.sender.send(Envelope::Message(message)).is_ok()
    }

    /// Closes the mailbox. Messages that were sent before are still read.
    pub(crate) fn close(&self) {
        // Release: pairs with the Acquire in `is_closed`. The flag is set first, so that a waiter that is
        // woken by the end of the reader sees it.
        self.0.closed.store(true, Ordering::Release);
        let _ = self.0.sender.send(Envelope::Close);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.0.closed.load(Ordering::Acquire)
    }
}

impl<M> Inbox<M> {
    /// Waits for the next message; `None` once the mailbox is closed.
    pub(crate) fn next(&self) -> Option<M> {
        match self.0.recv() {
            Ok(Envelope::Message(message)) => Some(message),
            Ok(Envelope::Close) | Err(_) => None,
        }
    }

    /// As [`next`](Self::next); `Some(None)` if no message comes within `limit`.
    pub(crate) fn next_within(&self, limit: Duration) -> Option<Option<M>> {
        match self.0.recv_timeout(limit) {
            Ok(Envelope::Message(message)) => Some(Some(message)),
            Err(RecvTimeoutError::Timeout) => Some(None),
            Ok(Envelope::Close) | Err(RecvTimeoutError::Disconnected) => None,
        }
    }
}
