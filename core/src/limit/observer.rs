//! The controller's windows: looks at how much is under way, until enough was seen to decide.

use std::time::{Duration, Instant};

use super::aimd::{Scale, Window};

/// How long is looked at before the number changes: many slices, and a small part of a second.
pub(crate) const WINDOW: Duration = Duration::from_millis(10);
/// How often it is looked at meanwhile how many are busy.
const LOOKS: u32 = 2;

/// One look.
pub(crate) struct Look {
    pub(crate) now: Instant,
    /// Pieces of work done since ever.
    pub(crate) done: u64,
    /// How many are at it.
    pub(crate) busy: usize,
    /// There is more work than those at it have in hand.
    pub(crate) waiting: bool,
}

/// The number changes.
pub(crate) struct Change {
    pub(crate) before: usize,
    pub(crate) decided: usize,
    pub(crate) window: Window,
}

/// Decides how many, between a least and a most.
pub(crate) struct Observer {
    scale: Scale,
    since: Instant,
    done: u64,
    busy: usize,
    looks: usize,
}

impl Observer {
    /// From one look to the next.
    pub(crate) const PERIOD: Duration = Duration::from_nanos(WINDOW.as_nanos() as u64 / LOOKS as u64);

    pub(crate) fn new((min, max): (usize, usize), now: Instant, done: u64) -> Self {
        Self { scale: Scale::new(min, max), since: now, done, busy: 0, looks: 0 }
    }

    pub(crate) fn number(&self) -> usize {
        self.scale.workers()
    }

    /// Says what follows from a look, if anything does.
    pub(crate) fn look(&mut self, look: &Look) -> Option<Change> {
        self.busy += look.busy;
        self.looks += 1;
        let window = Window {
            elapsed: look.now.saturating_duration_since(self.since),
            done: look.done - self.done,
            busy: self.busy.div_ceil(self.looks),
            waiting: look.waiting,
        };
        // Where pieces take longer than a window, each of those at it should have had the time for one.
        if self.looks < LOOKS as usize || window.done < window.busy as u64 {
            return None;
        }
        (self.since, self.done, self.busy, self.looks) = (look.now, look.done, 0, 0);
        let before = self.scale.workers();
        let decided = self.scale.observe(&window);
        (decided != before).then_some(Change { before, decided, window })
    }
}
