//! The row at which a pipeline stops.

use std::sync::atomic::{AtomicU64, Ordering};

use event_listener::Event;

/// The position in source order at which a pipeline stops: the earliest row that ended it, wherever that was
/// found.
///
/// Rows before it are still handled by the workers that have them. So the row that ends a pipeline is the
/// first bad one in source order, and not the first one that a worker met.
pub(crate) struct Limit {
    first: AtomicU64,
    /// Wakes a sender that waits for a source, and a worker that waits for a retry: later rows are not
    /// wanted.
    set: Event,
}

impl Limit {
    pub(crate) fn none() -> Self {
        Self { first: AtomicU64::new(u64::MAX), set: Event::new() }
    }

    // Relaxed throughout: only the number matters, and a worker that sees it late handles a row too many.
    pub(crate) fn stop_at(&self, sequence: u64) {
        self.first.fetch_min(sequence, Ordering::Relaxed);
        self.set.notify(usize::MAX);
    }

    #[inline]
    pub(crate) fn allows(&self, sequence: u64) -> bool {
        sequence < self.first.load(Ordering::Relaxed)
    }

    pub(crate) fn is_set(&self) -> bool {
        self.first.load(Ordering::Relaxed) != u64::MAX
    }

    /// Waits until any stop is set.
    pub(crate) async fn reached(&self) {
        self.excludes(u64::MAX - 1).await;
    }

    /// Waits until the row at `sequence` is not wanted any more.
    pub(crate) async fn excludes(&self, sequence: u64) {
        while self.allows(sequence) {
            // Listen, then check again: `stop_at` stores before it notifies, and both fence.
            let set = self.set.listen();
            if self.allows(sequence) {
                set.await;
            }
        }
    }
}
