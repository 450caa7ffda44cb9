//! A flag that is set once and can be waited for, from tasks and from threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use event_listener::{Event, Listener as _};

/// Set once; clones are the same latch.
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
        // SeqCst throughout: this is a test, and the listener below is to see the flag or the notification.
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

    /// Sets the latch when dropped: the mark of a destructor.
    pub(crate) fn on_drop(&self) -> SetOnDrop {
        SetOnDrop(self.clone())
    }
}

/// Sets its latch when dropped.
pub(crate) struct SetOnDrop(Latch);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.set();
    }
}
