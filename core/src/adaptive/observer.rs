//! An observer for the concurrency controller: it samples the work under way until a window holds enough to
//! decide.

use std::time::{Duration, Instant};

use crate::adaptive::aimd::{Scale, Window};

/// The shortest window before a change of the number: many time slices, and a small part of a second.
pub const WINDOW: Duration = Duration::from_millis(10);
/// The number of samples in the shortest window.
const LOOKS: u32 = 2;

/// One sample.
pub struct Look {
    /// The time at which it was taken.
    pub now: Instant,
    /// The number of pieces of work done since the start.
    pub done: u64,
    /// The number of pieces of work under way.
    pub busy: usize,
    /// True if there is more work than is under way.
    pub waiting: bool,
}

/// A change of the number.
pub struct Change {
    /// The number until now.
    pub before: usize,
    /// The number from now on.
    pub decided: usize,
    /// The measurements that led to the change.
    pub window: Window,
}

/// Decides the number, between a minimum and a maximum.
pub struct Observer {
    scale: Scale,
    since: Instant,
    done: u64,
    busy: usize,
    looks: usize,
}

impl Observer {
    /// The time from one sample to the next.
    pub const PERIOD: Duration = Duration::from_nanos(WINDOW.as_nanos() as u64 / LOOKS as u64);

    /// An observer of a number between `min` and `max`, which begins at `min` with `done` already counted.
    pub fn new((min, max): (usize, usize), now: Instant, done: u64) -> Self {
        Self { scale: Scale::new(min, max), since: now, done, busy: 0, looks: 0 }
    }

    /// The current number.
    pub fn number(&self) -> usize {
        self.scale.workers()
    }

    /// Takes a sample; returns the change that follows from it, if there is one.
    pub fn look(&mut self, look: &Look) -> Option<Change> {
        self.busy += look.busy;
        self.looks += 1;
        let window = Window {
            elapsed: look.now.saturating_duration_since(self.since),
            done: look.done - self.done,
            busy: self.busy.div_ceil(self.looks),
            waiting: look.waiting,
        };
        // If pieces take longer than a window, it goes on until each of those under way has had the time for
        // one.
        if self.looks < LOOKS as usize || window.done < window.busy as u64 {
            return None;
        }
        (self.since, self.done, self.busy, self.looks) = (look.now, look.done, 0, 0);
        let before = self.scale.workers();
        let decided = self.scale.observe(&window);
        (decided != before).then_some(Change { before, decided, window })
    }
}
