//! Additions to an account that is read meanwhile: who reads knows whether any was under way.
//!
//! ```text
//! who adds      begin ── moves numbers from one account to another ── end
//! who reads     reading ── adds the accounts up ── reading: the same as before, and none under way: each number was in
//!                                                  one account, and in one alone
//! ```

use crate::sync::{AtomicUsize, Ordering, fence};

/// How many additions have begun, and how many have ended.
#[derive(Default)]
pub(crate) struct Ledger {
    begun: AtomicUsize,
    ended: AtomicUsize,
}

impl Ledger {
    /// Runs `f`, which moves numbers.
    pub(crate) fn add(&self, f: impl FnOnce()) {
        self.begun.fetch_add(1, Ordering::Relaxed);
        // Pairs with the fence of `reading`: who has seen one of the numbers moved sees this addition begun.
        fence(Ordering::SeqCst);
        f();
        // Release pairs with the acquire of `reading`: who sees it ended sees all of it.
        self.ended.fetch_add(1, Ordering::Release);
    }

    /// How many additions have begun; `None` while one is under way. To be called before numbers are read, and after.
    pub(crate) fn reading(&self) -> Option<usize> {
        fence(Ordering::SeqCst);
        // Ended first: one that begins in between is then not taken for one that has ended.
        let ended = self.ended.load(Ordering::Acquire);
        let begun = self.begun.load(Ordering::Acquire);
        (ended == begun).then_some(begun)
    }
}
