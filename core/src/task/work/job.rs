//! What the two sides of a blocking job, the one that awaits it and the pool's thread, take from each other.
//!
//! ```text
//!  closure: in its slot ── whoever takes it first: the pool runs it, the other side drops it
//!  result:  OPEN ── deliver ──► DELIVERED ── fetched, or dropped by the side that awaited it
//!            └───── abandon ──► ABANDONED ── dropped by the pool
//!  parent:  told by whoever settles first
//! ```

use crate::sync::{AtomicBool, AtomicU8, ConcurrentQueue, Ordering};

const OPEN: u8 = 0;
const DELIVERED: u8 = 1;
const ABANDONED: u8 = 2;

pub(crate) struct Slot<F, T> {
    /// The closure, until somebody takes it: to run it, or to drop it.
    work: ConcurrentQueue<F>,
    /// The result, until somebody takes it.
    result: ConcurrentQueue<T>,
    /// `OPEN`, then once `DELIVERED` (the result is in its slot) or `ABANDONED` (nobody will fetch it).
    phase: AtomicU8,
    /// Whether the task that waits for the job has been told of its end.
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

    /// Leaves the result to nobody. True if there is none yet: the pool will drop it; else the caller is to.
    pub(crate) fn abandon(&self) -> bool {
        // AcqRel pairs with the swap in `deliver`.
        self.phase.swap(ABANDONED, Ordering::AcqRel) != DELIVERED
    }

    /// Puts the result into its slot. False if nobody will fetch it: the caller is to drop it.
    pub(crate) fn deliver(&self, result: T) -> bool {
        let _ = self.result.push(result);
        self.phase.swap(DELIVERED, Ordering::AcqRel) != ABANDONED
    }

    /// True for the first who calls it, who tells the task that waits.
    pub(crate) fn settle(&self) -> bool {
        // AcqRel: of the pool's thread and the awaiting side, the later one sees all that the first did.
        !self.settled.swap(true, Ordering::AcqRel)
    }
}
