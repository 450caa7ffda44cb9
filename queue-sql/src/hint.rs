//! The hint that there may be a message: from other processes where the engine has such a thing, and else from the
//! handles of this one.

use event_listener::Event;

use crate::engine::Engine;

/// The hint of one queue.
pub struct Hint<E: Engine> {
    /// Notified when the queue has changed.
    pub(crate) event: Event,
    /// The channel that the engine notifies.
    pub(crate) channel: String,
    /// The connection that hears of it. A lock, since the one consumer that holds it listens for all: it is held for
    /// as long as that consumer waits, and taken over by another one when it is dropped.
    pub(crate) listener: async_lock::Mutex<Option<E::Listener>>,
}

impl<E: Engine> Hint<E> {
    pub(crate) fn new(channel: String) -> Self {
        Self { event: Event::new(), channel, listener: async_lock::Mutex::new(None) }
    }

    pub(crate) fn notify(&self) {
        self.event.notify(usize::MAX);
    }
}
