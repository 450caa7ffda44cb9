//! An observer for the concurrency controller: it samples the work under way until a window holds enough to
//! decide.

use std::time::{Duration, Instant};

use crate::adaptive::aimd::{Scale, Window};

/// The shortest window before a change of the number: many time slices, and a small part of a second.
pub const WINDOW: Duration = Duration::from_millis(10);
/// The number of samples in the shortest window.
const SAMPLES: u32 = 2;

/// One sample.
pub struct Sample {
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
    samples: usize,
}

impl Observer {
    /// The time from one sample to the next.
    pub const PERIOD: Duration = Duration::from_nanos(WINDOW.as_nanos() as u64 / SAMPLES as u64);

    /// An observer of a number between `min` and `max`, which begins at `min` with `done` already counted.
    pub fn new((min, max): (usize, usize), now: Instant, done: u64) -> Self {
        Self { scale: Scale::new(min, max), since: now, done, busy: 0, samples: 0 }
    }

    /// The current number.
    pub fn number(&self) -> usize {
        self.scale.workers()
    }

    /// Takes a sample; returns the change that follows from it, if there is one.
    pub fn sample(&mut self, sample: &Sample) -> Option<Change> {
        self.busy += sample.busy;
        self.samples += 1;
        let window = Window {
            elapsed: sample.now.saturating_duration_since(self.since),
            done: sample.done - self.done,
            busy: self.busy.div_ceil(self.samples),
            waiting: sample.waiting,
        };
        // If pieces take longer than a window, it goes on until each of those under way has had the time for
        // one.
        if self.samples < SAMPLES as usize || window.done < window.busy as u64 {
            return None;
        }
        (self.since, self.done, self.busy, self.samples) = (sample.now, sample.done, 0, 0);
        let before = self.scale.workers();
        let decided = self.scale.observe(&window);
        (decided != before).then_some(Change { before, decided, window })
    }
}
