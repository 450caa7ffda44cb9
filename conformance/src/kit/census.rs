//! Counts what is alive.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many residents there are, and how many there have been.
#[derive(Clone, Default)]
pub(crate) struct Census(Arc<Inner>);

#[derive(Default)]
struct Inner {
    alive: AtomicUsize,
    ever: AtomicUsize,
    most: AtomicUsize,
}

impl Census {
    pub(crate) fn enter(&self) -> Resident {
        let alive = self.0.alive.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.most.fetch_max(alive, Ordering::SeqCst);
        self.0.ever.fetch_add(1, Ordering::SeqCst);
        Resident(self.clone())
    }

    pub(crate) fn alive(&self) -> usize {
        self.0.alive.load(Ordering::SeqCst)
    }

    pub(crate) fn ever(&self) -> usize {
        self.0.ever.load(Ordering::SeqCst)
    }

    /// The most that were alive at one time.
    pub(crate) fn most(&self) -> usize {
        self.0.most.load(Ordering::SeqCst)
    }
}

/// Counted until it is dropped.
pub(crate) struct Resident(Census);

impl Drop for Resident {
    fn drop(&mut self) {
        self.0.0.alive.fetch_sub(1, Ordering::SeqCst);
    }
}
