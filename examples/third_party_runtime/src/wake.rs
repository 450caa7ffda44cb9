//! A waker that cannot be lost: it wakes its task when it is dropped.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

/// Wakes when it is dropped: by the thread that is to wake it, or with a queue that is not read any more. The
/// woken task finds out by itself what has happened.
pub(crate) struct WakeOnDrop(Option<Waker>);

impl WakeOnDrop {
    pub(crate) fn new(waker: &Waker) -> Self {
        Self(Some(waker.clone()))
    }

    /// Drops the waker without a wake: its task does not wait for this any more.
    pub(crate) fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for WakeOnDrop {
    fn drop(&mut self) {
        if let Some(waker) = self.0.take() {
            // Wakers are foreign code. The panic of one must not end the thread that others wait for.
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
    }
}
