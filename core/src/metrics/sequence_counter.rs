//! A sequence counter for totals that change while they are read: the reader learns whether an addition was
//! under way.
//!
//! ```text
//! writer     begin ── moves numbers from one total to another ── end
//! reader     reading ── adds the totals up ── reading: the same as before, and none under way: each
//!                                             number was in one total, and in one alone
//! ```

use crate::sync::{AtomicUsize, Ordering, fence};

/// The number of additions that have begun, and of those that have ended.
#[derive(Default)]
pub(crate) struct SequenceCounter {
    begun: AtomicUsize,
    ended: AtomicUsize,
}

impl SequenceCounter {
    /// Runs `f`, which moves numbers.
    pub(crate) fn add(&self, f: impl FnOnce()) {
        self.begun.fetch_add(1, Ordering::Relaxed);
        // Pairs with the fence in `reading`: a reader that has seen one of the numbers moved sees this
        // addition begun.
        fence(Ordering::SeqCst);
        f();
        // Release: pairs with the Acquire in `reading`: a reader that sees it ended sees all of it.
        self.ended.fetch_add(1, Ordering::Release);
    }

    /// The number of additions that have begun; `None` while one is under way. It must be called before the
    /// numbers are read, and after.
    pub(crate) fn reading(&self) -> Option<usize> {
        fence(Ordering::SeqCst);
        // The ended ones first: one that begins in between is then not taken for one that has ended.
        let ended = self.ended.load(Ordering::Acquire);
        let begun = self.begun.load(Ordering::Acquire);
        (ended == begun).then_some(begun)
    }
}
