//! The slots of a blocking job, between the side that awaits it and the pool's thread.
//!
//! ```text
//!  closure: in its slot ── taken once: by the pool, which runs it, or by the other side, which drops it
//!  result:  OPEN ── deliver ──► DELIVERED ── fetched, or dropped by the side that awaited it
//!            └───── abandon ──► ABANDONED ── dropped by the pool
//!  parent:  notified by the side that settles first
//! ```

use crate::sync::{AtomicBool, AtomicU8, ConcurrentQueue, Ordering};

const OPEN: u8 = 0;
const DELIVERED: u8 = 1;
const ABANDONED: u8 = 2;

/// The closure and the result of a blocking job. Each is taken at most once.
pub(crate) struct Slot<F, T> {
    /// The closure, until it is taken: to be run, or to be dropped.
    work: ConcurrentQueue<F>,
    /// The result, until it is taken.
    result: ConcurrentQueue<T>,
    /// `OPEN`, then once `DELIVERED` (the result is in its slot) or `ABANDONED` (it will not be fetched).
    phase: AtomicU8,
    /// True once the task that waits for the job was notified of its end.
    settled: AtomicBool,
}

impl<F, T> Slot<F, T> {
    pub(crate) fn new(work: F) -> Self {
        let slot = ConcurrentQueue::bounded(1);
        // The slot is new and holds one, so the push cannot fail.
        let _ = slot.push(work);
        Self {
            work: slot,
            result: ConcurrentQueue::bounded(1),
            phase: AtomicU8::new(OPEN),
            settled: AtomicBool::new(false),
        }
    }

    pub(crate) fn take_work(&self) -> Option<F> {
        self.work.pop().ok()
    }

    pub(crate) fn take_result(&self) -> Option<T> {
        self.result.pop().ok()
    }

    /// Gives the result up. True if there is none yet: the pool will drop it; otherwise the caller must.
    pub(crate) fn abandon(&self) -> bool {
        // AcqRel pairs with the swap in `deliver`.
        self.phase.swap(ABANDONED, Ordering::AcqRel) != DELIVERED
    }

    /// Puts the result into its slot. False if it will not be fetched: the caller must drop it.
    pub(crate) fn deliver(&self, result: T) -> bool {
        let _ = self.result.push(result);
        self.phase.swap(DELIVERED, Ordering::AcqRel) != ABANDONED
    }

    /// True for the first caller, which notifies the task that waits.
    pub(crate) fn settle(&self) -> bool {
        // AcqRel: of the pool's thread and the awaiting side, the later one sees all that the first did.
        !self.settled.swap(true, Ordering::AcqRel)
    }
}
