//! The idle flag of a queue that gives nothing for now, read by the workers that hold events of its messages.
//!
//! A batch holds the leases of its messages until it is handed over, and a queue ends only once all leases
//! are settled. So a batch must not wait for a queue that gives nothing. The queue's source reader sets the
//! flag, and workers then hand over the events that they hold of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use event_listener::Event;

/// The time after which a claim that has returned nothing marks its queue as idle. It is longer than an
/// engine takes to answer, so a queue that has messages fills its batches. It is short enough to go unnoticed
/// at the end.
pub(crate) const SILENCE: Duration = Duration::from_millis(50);

/// The flag of one queue. Set while a claim has been silent for [`SILENCE`], and for good once no more is
/// claimed. Clear while messages come.
#[derive(Default)]
pub(crate) struct Idle(AtomicBool);

impl Idle {
    /// Sets the flag, and notifies all that wait at `changed`.
    pub(crate) fn set(&self, changed: &Event) {
        // Relaxed: `notify` fences after it, and `Leases::idle` fences in `listen` before it reads the flag.
        self.0.store(true, Ordering::Relaxed);
        changed.notify(usize::MAX);
    }

    pub(crate) fn clear(&self) {
        // Relaxed: a worker that sees this late hands over a smaller batch.
        self.0.store(false, Ordering::Relaxed);
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
