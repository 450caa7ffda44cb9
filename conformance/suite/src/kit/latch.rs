//! A flag that is set once and can be waited for, from tasks and from threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use event_listener::{Event, Listener as _};

/// A flag that is set once. Clones are the same latch.
#[derive(Clone, Default)]
pub(crate) struct Latch(Arc<Inner>);

#[derive(Default)]
struct Inner {
    set: AtomicBool,
    event: Event,
}

impl Latch {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn set(&self) {
        // SeqCst throughout: this is test code, and a listener is to see either the flag or the notification.
        self.0.set.store(true, Ordering::SeqCst);
        self.0.event.notify(usize::MAX);
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.set.load(Ordering::SeqCst)
    }

    pub(crate) async fn wait(&self) {
        while !self.is_set() {
            let listener = self.0.event.listen();
            if self.is_set() {
                return;
            }
            listener.await;
        }
    }

    /// As [`wait`](Self::wait), on a thread that may block.
    pub(crate) fn wait_blocking(&self) {
        while !self.is_set() {
            let listener = self.0.event.listen();
            if self.is_set() {
                return;
            }
            listener.wait();
        }
    }

    /// Returns a guard that sets the latch when it is dropped: the mark of a destructor.
    pub(crate) fn on_drop(&self) -> SetOnDrop {
        SetOnDrop(self.clone())
    }
}

/// A guard that sets its latch when it is dropped.
pub(crate) struct SetOnDrop(Latch);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.set();
    }
}
