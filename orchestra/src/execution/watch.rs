//! Waiting for changes, at no cost to the threads that make them while nothing waits.

use std::sync::atomic::{AtomicUsize, Ordering};

use event_listener::Event;

use sweet_async_core::extend::notify_all;

/// Changes of one kind that can be waited for.
pub(crate) struct Watch {
    changed: Event,
    /// The number of listeners, so that a change without any costs a load.
    listeners: AtomicUsize,
}

impl Watch {
    pub(crate) fn new() -> Self {
        Self { changed: Event::new(), listeners: AtomicUsize::new(0) }
    }

    /// Notifies the listeners of a change.
    pub(crate) fn notify(&self) {
        // SeqCst: pairs with `until`. The thread that makes a change stores it before this load.
        if self.listeners.load(Ordering::SeqCst) > 0 {
            notify_all(&self.changed);
        }
    }

    /// Waits until `done` is true. It is called at first and after each change.
    pub(crate) async fn until(&self, mut done: impl FnMut() -> bool) {
        struct Listens<'a>(&'a AtomicUsize);
        impl Drop for Listens<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::SeqCst);
            }
        }
        if done() {
            return;
        }
        self.listeners.fetch_add(1, Ordering::SeqCst);
        let _listens = Listens(&self.listeners);
        loop {
            let listener = self.changed.listen();
            if done() {
                return;
            }
            listener.await;
        }
    }
}
