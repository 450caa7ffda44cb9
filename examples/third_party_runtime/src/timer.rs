//! Timers: the thread that wakes at deadlines, and the future that waits for one.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use crate::mailbox::{Inbox, Mailbox};
use crate::wake::WakeOnDrop;

/// A deadline, and a number that tells timers with the same one apart.
type Key = (Instant, u64);

/// What the timer thread is told.
pub(crate) enum Message {
    Set(Key, WakeOnDrop),
    Cancel(Key),
}

/// Runs until the mailbox is closed; the wakers that are left are then dropped, which wakes them.
pub(crate) fn run(inbox: &Inbox<Message>) {
    let mut alarms = BTreeMap::<Key, WakeOnDrop>::new();
    loop {
        let next = match alarms.first_key_value() {
            Some(((deadline, _), _)) => inbox.next_within(deadline.saturating_duration_since(Instant::now())),
            None => inbox.next().map(Some),
        };
        let Some(message) = next else { return };
        let superseded = match message {
            Some(Message::Set(key, waker)) => alarms.insert(key, waker),
            Some(Message::Cancel(key)) => alarms.remove(&key),
            None => None,
        };
        if let Some(waker) = superseded {
            waker.disarm();
        }
        let now = Instant::now();
        while let Some(alarm) = alarms.first_entry()
            && alarm.key().0 <= now
        {
            drop(alarm.remove());
        }
    }
}

/// A timer. Ready at its deadline, or at once when the runtime has ended: nothing would wake it any more.
pub struct TinySleep {
    key: Key,
    timers: Mailbox<Message>,
    /// The waker that the timer thread has, or is about to use.
    known: Option<Waker>,
}

static NEXT: AtomicU64 = AtomicU64::new(0);

impl TinySleep {
    pub(crate) fn until(deadline: Instant, timers: Mailbox<Message>) -> Self {
        // Relaxed: any number will do, if it is its own.
        Self { key: (deadline, NEXT.fetch_add(1, Ordering::Relaxed)), timers, known: None }
    }
}

impl Future for TinySleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // The clock and not the thread is asked, so that it is never early, and in the past needs no thread at all.
        if self.key.0 <= Instant::now() || self.timers.is_closed() {
            self.known = None;
            return Poll::Ready(());
        }
        let waker = cx.waker();
        if !self.known.as_ref().is_some_and(|known| known.will_wake(waker)) {
            self.known = Some(waker.clone());
            // Should the runtime end at this moment, the waker is dropped with the message, and the next poll sees it.
            self.timers.send(Message::Set(self.key, WakeOnDrop::new(waker)));
        }
        Poll::Pending
    }
}

impl Drop for TinySleep {
    fn drop(&mut self) {
        // Most timers are limits that are never reached: they are not to wait for their deadline in memory.
        if self.known.is_some() {
            self.timers.send(Message::Cancel(self.key));
        }
    }
}
