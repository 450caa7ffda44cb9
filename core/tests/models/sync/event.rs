//! Stands for `event_listener::Event`, and promises less than it does: it orders nothing. A thread that
//! notifies sees a listener only if something else orders the listening first, which so has to be the task's
//! state.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use loom::sync::atomic::{AtomicUsize, Ordering};

pub(crate) struct Event(Arc<Listeners>);

#[derive(Default)]
struct Listeners {
    /// The number of listeners so far, as far as a thread sees it.
    listening: AtomicUsize,
    /// The number of those that are notified: always the first ones.
    notified: AtomicUsize,
    /// The wakers of the others, by their numbers. Not loom's mutex: no thread is stopped while it holds it.
    wakers: Mutex<HashMap<usize, Waker>>,
}

impl Listeners {
    fn with_wakers<O>(&self, f: impl FnOnce(&mut HashMap<usize, Waker>) -> O) -> O {
        f(&mut self.wakers.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Event {
    pub(crate) fn new() -> Self {
        Self(Arc::default())
    }

    pub(crate) fn listen(&self) -> EventListener {
        let number = self.0.listening.fetch_add(1, Ordering::Relaxed);
        EventListener { number, listeners: self.0.clone() }
    }

    /// Notifies all listeners that the thread sees.
    pub(crate) fn notify(&self, _: usize) {
        let seen = self.0.listening.load(Ordering::Relaxed);
        self.0.notified.fetch_max(seen, Ordering::Relaxed);
        let due = |wakers: &mut HashMap<_, _>| wakers.extract_if(|number, _| *number < seen).collect();
        let due: Vec<(usize, Waker)> = self.0.with_wakers(due);
        due.into_iter().for_each(|(_, waker)| waker.wake());
    }
}

/// Stands for `event_listener::EventListener`.
pub(crate) struct EventListener {
    number: usize,
    listeners: Arc<Listeners>,
}

impl Future for EventListener {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // A step that changes nothing, so that it comes before a notification or finds it.
        if self.listeners.notified.fetch_or(0, Ordering::Relaxed) > self.number {
            return Poll::Ready(());
        }
        self.listeners.with_wakers(|wakers| wakers.insert(self.number, cx.waker().clone()));
        Poll::Pending
    }
}
