//! An observer for the concurrency controller that has no timer: each change of the number of pieces under way
//! is reported to it. It serves a limiter, which has no task that could take samples.
//!
//! Why no samples? The only moments at which a limiter could take one are those at which work begins or ends,
//! and these are not like others. A caller that comes once an hour would find one piece under way at each of
//! them, and the hour in between would count as the time that its work takes. So each number of pieces counts
//! for as long as it lasted. The sum is the time of all pieces together, and by Little's law this sum divided
//! by the number of ends is the time that one piece takes.
//!
//! Time in which nothing is under way adds nothing to the sum, nor to the length of a window. A window may
//! therefore begin before an idle hour and end after it, and is as good as any other.

use std::time::{Duration, Instant};

use crate::adaptive::aimd::{Scale, Window};
use crate::adaptive::observer::{Change, WINDOW};

/// The number of ends in a window for each piece under way. A window cuts the pieces that are under way when
/// it begins or ends, so that its measure is wrong by up to one part in this number. Fewer ends would let a
/// light load seem to change its latency, where it only changes its timing.
const ENDS: u128 = 4;

/// Decides the number, between a minimum and a maximum.
pub(crate) struct EventObserver {
    scale: Scale,
    /// The time up to which it has measured; `None` before the first event.
    as_of: Option<Instant>,
    /// The length of the window: the time in which something was under way.
    active: Duration,
    /// The part of it in which more work waited for a higher number.
    waited: Duration,
    /// The time of all pieces together, in nanoseconds.
    worked: u128,
    /// The number of pieces that have ended in the window.
    done: u64,
}

impl EventObserver {
    /// An observer of a number between `min` and `max`, which begins at `min`.
    pub(crate) fn new((min, max): (usize, usize)) -> Self {
        let (active, waited) = (Duration::ZERO, Duration::ZERO);
        Self { scale: Scale::new(min, max), as_of: None, active, waited, worked: 0, done: 0 }
    }

    /// Takes the time since the last event into account, in which `busy` pieces were under way. `waiting` is
    /// true if there was more work, and only a higher number would have let it begin.
    pub(crate) fn pass(&mut self, now: Instant, busy: usize, waiting: bool) {
        let passed = self.as_of.map_or(Duration::ZERO, |as_of| now.saturating_duration_since(as_of));
        // The latest event may have read the clock before another.
        self.as_of = self.as_of.max(Some(now));
        if busy == 0 {
            return;
        }
        self.active = self.active.saturating_add(passed);
        self.worked = self.worked.saturating_add(passed.as_nanos().saturating_mul(busy as u128));
        if waiting {
            self.waited = self.waited.saturating_add(passed);
        }
    }

    /// Counts a piece that has ended.
    pub(crate) fn end(&mut self) {
        self.done = self.done.saturating_add(1);
    }

    /// The change of the number that follows from the window, if the window is long enough and there is one.
    pub(crate) fn decide(&mut self) -> Option<Change> {
        let (active, worked) = (self.active.as_nanos(), self.worked);
        let ends = u128::from(self.done).saturating_mul(active);
        if self.active < WINDOW || ends < worked.saturating_mul(ENDS) {
            return None;
        }
        // Of time that is longer than zero, with at least one piece under way.
        let busy = worked.div_ceil(active.max(1)).max(1);
        let window = Window {
            // The number under way is rounded; its product with this is the time of all pieces.
            elapsed: Duration::from_nanos(u64::try_from(worked / busy).unwrap_or(u64::MAX)),
            done: self.done,
            busy: usize::try_from(busy).unwrap_or(usize::MAX),
            waiting: self.waited >= self.active / 2,
        };
        (self.active, self.waited, self.worked, self.done) = (Duration::ZERO, Duration::ZERO, 0, 0);
        let before = self.scale.workers();
        let decided = self.scale.observe(&window);
        (decided != before).then_some(Change { before, decided, window })
    }
}
