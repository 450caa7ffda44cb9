//! A controller for the number of pieces of work that are under way at the same time: it finds, by trial, how
//! many are of use. It is pure: it is given measurements, and decides.
//!
//! The number rises by one at a time and falls by a part of itself: additive increase, multiplicative
//! decrease. By this rule, the users of a shared resource converge on even shares (Chiu and Jain, "Analysis
//! of the Increase and Decrease Algorithms for Congestion Avoidance in Computer Networks", 1989). Until it is
//! first too high, the number doubles (slow start; Jacobson, "Congestion Avoidance and Control", 1988).
//!
//! Latency shows whether the number is too high, as in TCP Vegas (Brakmo and Peterson, 1995). By Little's
//! law, the time that one piece of work takes is (pieces under way) / (pieces done per second). While
//! capacity is left, one more piece at the same time does not change this latency. Once a resource is used
//! up, be it the processors or something that the work waits for, one more piece makes each take longer, and
//! nothing is gained. The measure is the least latency that was seen.
//!
//! The work may change. If a lower number does not lower the latency, the work itself takes longer, and the
//! measure is taken anew. Where nothing else would show this, it is checked from time to time: once windows
//! without a raise outnumber those with one by `CALM`, half of the number is tried for a moment.
//!
//! If half of the number does as much as all of it, half is the number from then on. Otherwise the measure,
//! taken anew at a number that is too high itself, would let the number drift upwards, trial by trial.

use std::time::Duration;

/// The measurements since the last decision.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// The time since the last decision.
    pub(crate) elapsed: Duration,
    /// The number of pieces of work done in that time.
    pub(crate) done: u64,
    /// The number of pieces of work under way at the same time, on average.
    pub(crate) busy: usize,
    /// True if there is more work than is under way.
    pub(crate) waiting: bool,
}

/// The assessment of the number that a window gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// A higher number would help.
    Spare,
    /// The number is right.
    Steady,
    /// A lower number would do as much.
    Congested,
}

/// A number between a minimum and a maximum, with additive increase and multiplicative decrease.
#[derive(Clone, Debug)]
pub struct Aimd {
    min: usize,
    max: usize,
    now: usize,
    starting: bool,
}

impl Aimd {
    /// Starts at `min`.
    pub fn new(min: usize, max: usize) -> Self {
        Self { min, max, now: min, starting: true }
    }

    /// The current number.
    pub fn now(&self) -> usize {
        self.now
    }

    /// Changes the number by one period of `load`, and returns it.
    pub fn step(&mut self, load: Load) -> usize {
        let next = match load {
            // From zero, where that is the minimum, to one.
            Load::Spare if self.starting => self.now.saturating_mul(2).max(1),
            Load::Spare => self.now.saturating_add(1),
            Load::Steady => self.now,
            Load::Congested => {
                self.starting = false;
                self.now.saturating_sub((self.now / 4).max(1))
            }
        };
        // Not `clamp`, which panics if the minimum is greater than the maximum.
        self.now = next.min(self.max).max(self.min);
        self.now
    }
}

/// Latencies up to this multiple of the least count as equal to it: measurements in milliseconds are not
/// exact.
const SAME: f64 = 1.5;
/// From this multiple of the least on, the resource is used up. In between, all of it is in use, and little
/// work is queued.
const USED_UP: f64 = 2.0;
/// A latency that is still at least this part of the one before has not become less.
const NOT_LESS: f64 = 0.95;
/// Half of the number is tried once windows without a raise outnumber those with one by this many.
const CALM: u32 = 32;

/// Finds the number by latency.
#[derive(Clone, Debug)]
pub(crate) struct Scale {
    number: Aimd,
    /// The least latency, in seconds.
    least: f64,
    /// The number of pieces under way in the last window, and their latency.
    last: (usize, f64),
    /// The number by which windows without a raise outnumber those with one.
    calm: u32,
    /// The number to try, until no more than that are under way; `None` while no trial is under way.
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

    /// Takes a window into account; returns the number from now on.
    pub(crate) fn observe(&mut self, window: &Window) -> usize {
        if window.done > 0 && window.busy > 0 {
            let latency = window.busy as f64 * window.elapsed.as_secs_f64() / window.done as f64;
            match self.probe {
                None => self.step(window, latency),
                Some(half) if window.busy <= half => {
                    let (before, was) = self.last;
                    // By Little's law, the number under way divided by the latency is the throughput. Where
                    // no more than half were under way before, the number has not limited them.
                    if before > half && window.busy as f64 * was >= before as f64 * latency {
                        (self.number.now, self.number.starting) = (half, false);
                    }
                    (self.probe, self.least, self.last) = (None, latency, (window.busy, latency));
                }
                // The work that is above the number has not ended yet.
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
            // The number cannot be halved: the work takes this long.
            _ => self.least = latency,
        }
    }
}
