//! The thread that wakes tasks at deadlines, and the future that waits for one.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use crate::mailbox::{Inbox, Mailbox};
use crate::wake::WakeOnDrop;

/// A deadline, and a number that distinguishes timers with the same deadline.
type Key = (Instant, u64);

/// A message to the timer thread.
pub(crate) enum Message {
    Set(Key, WakeOnDrop),
    Cancel(Key),
}

/// Runs until the mailbox is closed. The wakers that are left are then dropped, which wakes their tasks.
pub(crate) fn run(inbox: &Inbox<Message>) {
    let mut timers = BTreeMap::<Key, WakeOnDrop>::new();
    loop {
        let next = match timers.first_key_value() {
            Some(((deadline, _), _)) => inbox.next_within(deadline.saturating_duration_since(Instant::now())),
            None => inbox.next().map(Some),
        };
        let Some(message) = next else { return };
        let superseded = match message {
            Some(Message::Set(key, waker)) => timers.insert(key, waker),
            Some(Message::Cancel(key)) => timers.remove(&key),
            None => None,
        };
        if let Some(waker) = superseded {
            waker.disarm();
        }
        let now = Instant::now();
        while let Some(timer) = timers.first_entry()
            && timer.key().0 <= now
        {
            drop(timer.remove());
        }
    }
}

/// A timer. Ready at its deadline, or at once if the runtime has ended, since nothing would wake it any more.
pub struct TinySleep {
    key: Key,
    timers: Mailbox<Message>,
    /// The waker that the timer thread has, or is about to have.
    registered: Option<Waker>,
}

static NEXT: AtomicU64 = AtomicU64::new(0);

impl TinySleep {
    pub(crate) fn until(deadline: Instant, timers: Mailbox<Message>) -> Self {
        // Relaxed: the number only has to be unique.
        Self { key: (deadline, NEXT.fetch_add(1, Ordering::Relaxed)), timers, registered: None }
    }
}

impl Future for TinySleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // The clock decides and not the thread: the timer is never early, and one in the past needs no
        // thread.
        if self.key.0 <= Instant::now() || self.timers.is_closed() {
            self.registered = None;
            return Poll::Ready(());
        }
        let waker = cx.waker();
        if !self.registered.as_ref().is_some_and(|registered| registered.will_wake(waker)) {
            self.registered = Some(waker.clone());
            // If the runtime ends at this moment, the waker is dropped with the message, and the next poll
            // sees it.
            self.timers.send(Message::Set(self.key, WakeOnDrop::new(waker)));
        }
        Poll::Pending
    }
}

impl Drop for TinySleep {
    fn drop(&mut self) {
        // Most timers are limits that are never reached. They must not stay in memory until their deadline.
        if self.registered.is_some() {
            self.timers.send(Message::Cancel(self.key));
        }
    }
}
