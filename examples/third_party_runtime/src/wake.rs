//! A waker that cannot be forgotten: whatever becomes of it, its task hears.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

/// Wakes when it is dropped: by the one who was to wake it, or with a queue that nobody reads any more. The task that
/// is woken looks for itself what has happened.
pub(crate) struct WakeOnDrop(Option<Waker>);

impl WakeOnDrop {
    pub(crate) fn new(waker: &Waker) -> Self {
        Self(Some(waker.clone()))
    }

    /// Drops it without a sound: its task waits for this no more.
    pub(crate) fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for WakeOnDrop {
    fn drop(&mut self) {
        if let Some(waker) = self.0.take() {
            // Wakers are foreign code: one that panics must not take along the thread that others wait for.
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
    }
}
