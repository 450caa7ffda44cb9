//! The row at which a pipeline stops, and the number of events after which it does.

use std::sync::atomic::{AtomicU64, Ordering, fence};

use event_listener::Event;

/// The position in source order at which a pipeline stops: the earliest row that ended it, wherever that was
/// found.
///
/// Rows before it are still handled by the workers that have them. So the row that ends a pipeline is the
/// first bad one in source order, and not the first one that a worker met. A pipeline that has enough ends in
/// the same way, after the row that was the last one wanted: the earlier of the two decides.
pub(crate) struct Limit {
    first: AtomicU64,
    /// The row after the last one that was wanted, where the pipeline has enough; `u64::MAX` otherwise.
    enough: AtomicU64,
    /// Set where at most a number of events is handed out.
    taking: Option<Taking>,
    /// Wakes a sender that waits for a source, and a worker that waits for a retry: later rows are not
    /// wanted.
    set: Event,
}

/// The number of events that may be handed out.
struct Taking {
    left: AtomicU64,
    /// The highest sequence of an event that was handed out, or was to be.
    last: AtomicU64,
}

impl Limit {
    /// A limit that is not reached. With `most`, it is reached once as many events were handed out.
    pub(crate) fn new(most: Option<u64>) -> Self {
        let taking = most.map(|most| Taking { left: AtomicU64::new(most), last: AtomicU64::new(0) });
        let first = if most == Some(0) { 0 } else { u64::MAX };
        Self { first: AtomicU64::new(first), enough: AtomicU64::new(first), taking, set: Event::new() }
    }

    // Relaxed throughout, unless said otherwise: only the number matters, and a worker that sees it late
    // handles a row too many.
    pub(crate) fn stop_at(&self, sequence: u64) {
        // Release: pairs with the fence in `has_enough`.
        self.first.fetch_min(sequence, Ordering::Release);
        self.set.notify(usize::MAX);
    }

    /// Ends the pipeline after the row at `sequence`, as a success.
    pub(crate) fn end_after(&self, sequence: u64) {
        let end = sequence.saturating_add(1);
        // Before the stop: a worker that sees the stop sees the reason for it.
        self.enough.fetch_min(end, Ordering::Relaxed);
        self.stop_at(end);
    }

    /// Returns the row after the last one that was wanted, if the pipeline has enough.
    pub(crate) fn enough(&self) -> Option<u64> {
        Some(self.enough.load(Ordering::Relaxed)).filter(|end| *end != u64::MAX)
    }

    #[inline]
    pub(crate) fn allows(&self, sequence: u64) -> bool {
        sequence < self.first.load(Ordering::Relaxed)
    }

    /// Takes one of the events that may be handed out. Returns false if there is none left.
    #[inline]
    pub(crate) fn take(&self, sequence: u64) -> bool {
        match &self.taking {
            None => true,
            Some(taking) => self.take_of(taking, sequence),
        }
    }

    fn take_of(&self, taking: &Taking, sequence: u64) -> bool {
        taking.last.fetch_max(sequence, Ordering::Relaxed);
        // Acquire and release: the last one that takes sees the sequences of all that took before.
        let one = |left: u64| left.checked_sub(1);
        let left = taking.left.fetch_update(Ordering::AcqRel, Ordering::Relaxed, one);
        if left == Ok(1) {
            self.end_after(taking.last.load(Ordering::Relaxed));
        }
        left.is_ok()
    }

    /// True once as many events were handed out as are wanted.
    pub(crate) fn has_taken_all(&self) -> bool {
        self.taking.as_ref().is_some_and(|taking| taking.left.load(Ordering::Relaxed) == 0)
    }

    /// True if the pipeline has stopped since it has enough. For a worker that has seen the stop.
    #[cfg_attr(not(feature = "json"), allow(dead_code, reason = "for values that are published, as JSON"))]
    pub(crate) fn has_enough(&self) -> bool {
        // Acquire: the stop was seen by a relaxed load.
        fence(Ordering::Acquire);
        self.has_taken_all() || self.enough().is_some()
    }

    pub(crate) fn is_set(&self) -> bool {
        self.first.load(Ordering::Relaxed) != u64::MAX
    }

    /// Waits until any stop is set.
    pub(crate) async fn reached(&self) {
        self.until(|| self.is_set()).await;
    }

    /// Waits until the row at `sequence`, which was handed out, is not wanted any more.
    pub(crate) async fn excludes(&self, sequence: u64) {
        self.until(|| !self.allows(sequence)).await;
    }

    /// Waits until the row at `sequence`, which was not handed out, is not wanted.
    pub(crate) async fn refuses(&self, sequence: u64) {
        self.until(|| !self.allows(sequence) || self.has_taken_all()).await;
    }

    async fn until(&self, is_true: impl Fn() -> bool) {
        while !is_true() {
            // Listen, then check again: `stop_at` stores before it notifies, and both fence.
            let set = self.set.listen();
            if !is_true() {
                set.await;
            }
        }
    }
}
