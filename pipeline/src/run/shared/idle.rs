//! Queues that have nothing to give for now, as seen by the workers that hold events of their messages.
//!
//! A batch holds the leases of its messages until it is handed over, and a queue ends only once all leases are settled. So
//! a batch must not wait for a queue that gives nothing: the queue's lane says so here, and workers hand over what they hold of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use event_listener::Event;

/// How long a claim gives nothing until its queue counts as idle: longer than an engine takes to answer, so that a queue that
/// has messages fills its batches; short enough for nobody to notice at the end.
pub(crate) const SILENCE: Duration = Duration::from_millis(50);

/// A flag of one queue: set while a claim has been silent for [`SILENCE`], and for good once no more is claimed. Clear while
/// messages come.
#[derive(Default)]
pub(crate) struct Idle(AtomicBool);

impl Idle {
    /// Sets it, and wakes all that wait at `changed`.
    pub(crate) fn set(&self, changed: &Event) {
        // Relaxed: `notify` fences after it, and `Leases::idle` fences in `listen` before it looks.
        self.0.store(true, Ordering::Relaxed);
        changed.notify(usize::MAX);
    }

    pub(crate) fn clear(&self) {
        // Relaxed: a worker that sees it late hands over a smaller batch.
        self.0.store(false, Ordering::Relaxed);
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
