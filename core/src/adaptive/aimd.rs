//! How many at the same time: as many as help, found by trying. Pure: it is given measurements, and decides.
//!
//! The number goes up by one at a time and down by a part of itself: additive increase, multiplicative decrease, which is
//! what makes those who share something come to share it evenly (Chiu and Jain, "Analysis of the Increase and Decrease
//! Algorithms for Congestion Avoidance in Computer Networks", 1989). Until it is first too high, it doubles (slow start;
//! Jacobson, "Congestion Avoidance and Control", 1988).
//!
//! Whether it is too high is told by latency, as in TCP Vegas (Brakmo and Peterson, 1995): the time that one piece of work
//! takes is (pieces under way) / (pieces done per second), by Little's law. While there is room, one more at the same time
//! leaves it as it is; once something is used up, be it the processors or what the work waits for, one more makes each
//! take longer, and nothing is gained. The least latency that was seen is the measure.
//!
//! The work may change. When fewer at the same time do not lower the latency, it is the work that takes longer, and the
//! measure is taken anew. The same is found out from time to time where nothing else would show it: when there was no
//! raise more often than there was one for a while, half of them are tried for a moment.

use std::time::Duration;

/// What was seen since the last decision.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// How long that is.
    pub(crate) elapsed: Duration,
    /// Pieces of work done.
    pub(crate) done: u64,
    /// How many were at it at the same time, on average.
    pub(crate) busy: usize,
    /// There is more work than those at it have in hand.
    pub(crate) waiting: bool,
}

/// What a window says of the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// More would help.
    Spare,
    /// It is right.
    Steady,
    /// Fewer would do as much.
    Congested,
}

/// A number between a least and a most.
#[derive(Clone, Debug)]
pub struct Aimd {
    min: usize,
    max: usize,
    now: usize,
    starting: bool,
}

impl Aimd {
    /// It starts with `min`.
    pub fn new(min: usize, max: usize) -> Self {
        Self { min, max, now: min, starting: true }
    }

    /// The current limit.
    pub fn now(&self) -> usize {
        self.now
    }

    /// The limit after one period of `load`.
    pub fn step(&mut self, load: Load) -> usize {
        let next = match load {
            Load::Spare if self.starting => self.now.saturating_mul(2),
            Load::Spare => self.now.saturating_add(1),
            Load::Steady => self.now,
            Load::Congested => {
                self.starting = false;
                self.now - (self.now / 4).max(1)
            }
        };
        // Not `clamp`, which panics where the least is more than the most.
        self.now = next.min(self.max).max(self.min);
        self.now
    }
}

/// Latencies up to this part of the least are taken for the same: what is measured in milliseconds is not exact.
const SAME: f64 = 1.5;
/// From this part on it is used up. In between all of it is in use, and little of it is in a queue.
const USED_UP: f64 = 2.0;
/// A latency that is still this part of the one before has not become less.
const NOT_LESS: f64 = 0.95;
/// After this many windows more without a raise than with one, half is tried.
const CALM: u32 = 32;

/// Finds a number by latency.
#[derive(Clone, Debug)]
pub(crate) struct Scale {
    number: Aimd,
    /// The least latency, in seconds.
    least: f64,
    /// How many there were in the last window, and their latency.
    last: (usize, f64),
    /// By how many the windows without a raise outnumber those with one.
    calm: u32,
    /// Half is tried: the least, until so few are at it.
    probe: Option<usize>,
}

impl Scale {
    pub(crate) fn new(min: usize, max: usize) -> Self {
        let last = (0, f64::INFINITY);
        Self { number: Aimd::new(min, max), least: f64::INFINITY, last, calm: 0, probe: None }
    }

    pub(crate) fn workers(&self) -> usize {
        self.probe.unwrap_or(self.number.now())
    }

    /// What follows from a window: the number from now on.
    pub(crate) fn observe(&mut self, window: &Window) -> usize {
        if window.done > 0 && window.busy > 0 {
            let latency = window.busy as f64 * window.elapsed.as_secs_f64() / window.done as f64;
            match self.probe {
                None => self.step(window, latency),
                Some(half) if window.busy <= half => {
                    (self.probe, self.least, self.last) = (None, latency, (window.busy, latency));
                }
                // Those that were taken off have not ended what they are at.
                Some(_) => {}
            }
        }
        self.workers()
    }

    fn step(&mut self, window: &Window, latency: f64) {
        let (before, was) = std::mem::replace(&mut self.last, (window.busy, latency));
        if window.busy < before && latency > NOT_LESS * was {
            self.least = latency;
        }
        self.least = self.least.min(latency);
        let load = if latency >= USED_UP * self.least {
            Load::Congested
        } else if latency <= SAME * self.least && window.waiting {
            Load::Spare
        } else {
            Load::Steady
        };
        self.calm = if load == Load::Spare { self.calm.saturating_sub(1) } else { self.calm + 1 };
        if self.calm < CALM {
            self.number.step(load);
            return;
        }
        self.calm = 0;
        match (self.number.now / 2).max(self.number.min) {
            half if half < self.number.now => self.probe = Some(half),
            // There cannot be fewer: it is what it takes.
            _ => self.least = latency,
        }
    }
}
