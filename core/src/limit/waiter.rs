//! A waiter of a limiter: its state, and the waker of its future.
//!
//! ```text
//!  WAITING ── admit ──► ADMITTED     it is out of the queue, and has a permit
//!     └────── leave ──► LEFT         it is out of the queue, without a permit
//! ```
//!
//! # Invariants
//!
//! - **I1** Each step is taken under the lock of the queue, by the thread that takes the waiter out of it. So
//!   a waiter takes one of the two, once.
//! - **I2** The state may be read without the lock. A thread that finds the waiter admitted sees everything
//!   that was done before the end that made room for it.
//! - **I3** The waker is registered before the state is read, and woken after the state was changed. So a
//!   waiter sees its admission, or is woken for it.
//! - **I4** `timed` is written and read under the lock.

use std::sync::Arc;

use crate::sync::{AtomicBool, AtomicU8, AtomicWaker, Ordering};

const WAITING: u8 = 0;
const ADMITTED: u8 = 1;
const LEFT: u8 = 2;

/// An arrival that has to wait.
pub(crate) struct Waiter {
    state: AtomicU8,
    /// True while it has a timer; false if it relies on being woken.
    timed: AtomicBool,
    pub(crate) waker: AtomicWaker,
}

impl Waiter {
    /// A waiter that is about to be put into the queue.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            state: AtomicU8::new(WAITING),
            timed: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        })
    }

    /// Notes that it was taken out of the queue with a permit. The caller wakes it (I3).
    pub(crate) fn admit(&self) {
        // Release: pairs with `is_admitted` (I2).
        self.state.store(ADMITTED, Ordering::Release);
    }

    /// Notes that it was taken out of the queue without a permit.
    pub(crate) fn leave(&self) {
        self.state.store(LEFT, Ordering::Release);
    }

    pub(crate) fn is_admitted(&self) -> bool {
        // Acquire: pairs with the Release in `admit` (I2).
        self.state.load(Ordering::Acquire) == ADMITTED
    }

    /// True if it is out of the queue.
    pub(crate) fn is_done(&self) -> bool {
        self.state.load(Ordering::Acquire) != WAITING
    }

    /// Notes whether it has a timer.
    pub(crate) fn set_timed(&self, timed: bool) {
        // Relaxed, as where it is read: the lock orders it (I4).
        self.timed.store(timed, Ordering::Relaxed);
    }

    pub(crate) fn is_timed(&self) -> bool {
        self.timed.load(Ordering::Relaxed)
    }
}
