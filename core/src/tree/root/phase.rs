//! The phase of a root scope.
//!
//! ```text
//!  OPEN ── begin_closing ──► CLOSING ── close ──► CLOSED
//!    └────────────────────────────────── close ────┘
//! ```
//!
//! 1. The phase only rises: `begin_closing` moves it from `OPEN` alone, and `CLOSED` is never left.
//! 2. `OPEN` takes all work, `CLOSING` the work that something inside starts, `CLOSED` none.
//! 3. A shutdown moves the phase, and then goes through the list of tasks; a task is put into the list, and
//!    then the phase is read. So one of the two cancels it.
//! 4. A shutdown moves the phase, and then counts; a task or job counts its end, and then reads the phase. So
//!    the shutdown counts the end, or it is notified of it.
//!
//! SeqCst throughout, for 3 and 4.

use crate::sync::{AtomicU8, Ordering};
use crate::vocabulary::cancel::CancelLevel;

const OPEN: u8 = 0;
const CLOSING: u8 = 1;
const CLOSED: u8 = 2;

pub(crate) struct Phase(AtomicU8);

impl Phase {
    pub(crate) fn open() -> Self {
        Self(AtomicU8::new(OPEN))
    }

    /// From `OPEN` to `CLOSING` (1).
    pub(crate) fn begin_closing(&self) {
        let _ = self.0.compare_exchange(OPEN, CLOSING, Ordering::SeqCst, Ordering::SeqCst);
    }

    /// From any phase to `CLOSED` (1).
    pub(crate) fn close(&self) {
        self.0.store(CLOSED, Ordering::SeqCst);
    }

    pub(crate) fn is_open(&self) -> bool {
        self.0.load(Ordering::SeqCst) == OPEN
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.0.load(Ordering::SeqCst) == CLOSED
    }

    /// True if new work is taken: from outside, or from something that runs here already (2).
    pub(crate) fn admits(&self, from_inside: bool) -> bool {
        match self.0.load(Ordering::SeqCst) {
            OPEN => true,
            CLOSING => from_inside,
            _ => false,
        }
    }

    /// The level at which a listed task is cancelled; `None` while it is open.
    pub(crate) fn cancel_level(&self) -> Option<CancelLevel> {
        match self.0.load(Ordering::SeqCst) {
            OPEN => None,
            CLOSING => Some(CancelLevel::Graceful),
            _ => Some(CancelLevel::Kill),
        }
    }
}
