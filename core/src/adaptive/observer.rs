//! The controller's windows: looks at how much is under way, until enough was seen to decide.

use std::time::{Duration, Instant};

use crate::adaptive::aimd::{Scale, Window};

/// How long is looked at before the number changes: many slices, and a small part of a second.
pub const WINDOW: Duration = Duration::from_millis(10);
/// How often it is looked at meanwhile how many are busy.
const LOOKS: u32 = 2;

/// One look.
pub struct Look {
    /// When.
    pub now: Instant,
    /// Pieces of work done since ever.
    pub done: u64,
    /// How many are at it.
    pub busy: usize,
    /// There is more work than those at it have in hand.
    pub waiting: bool,
}

/// The number changes.
pub struct Change {
    /// The number until now.
    pub before: usize,
    /// The number from now on.
    pub decided: usize,
    /// What was seen.
    pub window: Window,
}

/// Decides how many, between a least and a most.
pub struct Observer {
    scale: Scale,
    since: Instant,
    done: u64,
    busy: usize,
    looks: usize,
}

impl Observer {
    /// From one look to the next.
    pub const PERIOD: Duration = Duration::from_nanos(WINDOW.as_nanos() as u64 / LOOKS as u64);

    /// An observer of a number between `min` and `max`, which begins at `min` with `done` already counted.
    pub fn new((min, max): (usize, usize), now: Instant, done: u64) -> Self {
        Self { scale: Scale::new(min, max), since: now, done, busy: 0, looks: 0 }
    }

    /// The current number.
    pub fn number(&self) -> usize {
        self.scale.workers()
    }

    /// Says what follows from a look, if anything does.
    pub fn look(&mut self, look: &Look) -> Option<Change> {
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
