//! A counter of values that are alive.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The number of residents that are alive, that there have been, and the most at one time. Clones share it.
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

    /// Returns the most that were alive at one time.
    pub(crate) fn most(&self) -> usize {
        self.0.most.load(Ordering::SeqCst)
    }
}

/// A value that is counted as alive until it is dropped.
pub(crate) struct Resident(Census);

impl Drop for Resident {
    fn drop(&mut self) {
        self.0.0.alive.fetch_sub(1, Ordering::SeqCst);
    }
}
