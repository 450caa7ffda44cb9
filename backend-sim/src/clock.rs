//! The virtual clock. It stands still until it is set forward.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A moment of the simulation, in nanoseconds since its start: enough for 584 years.
pub(crate) type Moment = u64;

pub(crate) struct Clock {
    start: Instant,
    passed: AtomicU64,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self { start: Instant::now(), passed: AtomicU64::new(0) }
    }

    pub(crate) fn moment(&self) -> Moment {
        // Acquire: pairs with the release in `go_to`, for threads other than the one that runs the
        // simulation.
        self.passed.load(Ordering::Acquire)
    }

    pub(crate) fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.moment())
    }

    pub(crate) fn now(&self) -> Instant {
        // No platform's clock ends before this one does.
        self.start.checked_add(self.elapsed()).unwrap_or(self.start)
    }

    /// The moment of `instant`: zero if it was before the start, `None` if it is later than can be counted.
    pub(crate) fn moment_of(&self, instant: Instant) -> Option<Moment> {
        u64::try_from(instant.saturating_duration_since(self.start).as_nanos()).ok()
    }

    /// Sets the clock forward to `moment`; never back.
    pub(crate) fn go_to(&self, moment: Moment) {
        self.passed.fetch_max(moment, Ordering::AcqRel);
    }
}
