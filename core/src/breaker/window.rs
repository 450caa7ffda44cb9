//! A sliding window over the calls of a closed breaker, as a value: a call that has ended changes it.
//!
//! ```text
//!   Calls(5)     ● ○ ○ ● ○ ◄─ a call         the oldest call leaves when a sixth comes
//!   Time(10 s)   2 0 0 5 1 7 0 0 3 4 ◄─      the sums of ten slices, of 1 s each; the oldest slice leaves
//!                                            when an eleventh begins
//! ```
//!
//! # Invariants
//!
//! - **W1** The window holds calls of one era. The first call of a later era empties it, and a call of an
//!   earlier era does not count.
//! - **W2** `counts` is the sum of the calls that the window holds.
//! - **W3** A window of `n` calls holds at most `n` calls, and a window of time at most [`SLICES`] slices:
//!   after `new`, nothing is allocated.
//!
//! Both kinds of window, the minimum of calls and the rate of slow calls are those of resilience4j; Polly
//! has slices of a tenth.

use std::collections::VecDeque;
use std::num::NonZeroU64;
use std::time::{Duration, Instant};

/// The calls over which a circuit breaker takes its rates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BreakerWindow {
    /// The last calls that have ended: so many of them, from 1 to 1 000 000.
    Calls(u32),
    /// The calls that have ended within this time, which must be longer than zero. The window moves on in
    /// steps of a tenth: a call counts for at least nine tenths of the time, and for no longer than all of
    /// it.
    Time(Duration),
}

/// The number of slices of a window of time.
const SLICES: u64 = 10;

/// The limits on the calls of a window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Limits {
    /// The number of failures in a row.
    pub(crate) failures: Option<u32>,
    /// The number of calls in the window from which its rates count.
    pub(crate) minimum: u32,
    /// The share of failures.
    pub(crate) failure_rate: Option<f64>,
    /// The share of slow calls.
    pub(crate) slow_rate: Option<f64>,
}

/// A call that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) has_failed: bool,
    pub(crate) is_slow: bool,
}

/// The sum of several calls. A failure may be slow as well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) calls: u64,
    pub(crate) failures: u64,
    pub(crate) slow: u64,
}

impl Counts {
    pub(crate) fn of(call: Call) -> Self {
        Self { calls: 1, failures: u64::from(call.has_failed), slow: u64::from(call.is_slow) }
    }

    fn add(&mut self, more: Self) {
        self.calls += more.calls;
        self.failures += more.failures;
        self.slow += more.slow;
    }

    fn remove(&mut self, gone: Self) {
        self.calls = self.calls.saturating_sub(gone.calls);
        self.failures = self.failures.saturating_sub(gone.failures);
        self.slow = self.slow.saturating_sub(gone.slow);
    }
}

#[derive(Debug)]
pub(crate) struct Window {
    era: u64,
    /// The failures since the last success, also those that have left the window.
    failures_in_a_row: u32,
    counts: Counts,
    contents: Contents,
}

#[derive(Debug)]
enum Contents {
    Calls {
        calls: VecDeque<Call>,
        most: usize,
    },
    /// `start` is the end of the first call: the slices are counted from it.
    Time {
        slices: VecDeque<Slice>,
        width: NonZeroU64,
        start: Option<Instant>,
    },
}

/// The calls that have ended in one slice of time.
#[derive(Clone, Copy, Debug)]
struct Slice {
    number: u64,
    counts: Counts,
}

/// The nanoseconds of `duration`, up to 584 years.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl Window {
    pub(crate) fn new(window: BreakerWindow) -> Self {
        let contents = match window {
            BreakerWindow::Calls(most) => {
                let most = usize::try_from(most).unwrap_or(usize::MAX);
                Contents::Calls { calls: VecDeque::with_capacity(most), most }
            }
            BreakerWindow::Time(length) => {
                let width = NonZeroU64::new(nanos(length) / SLICES).unwrap_or(NonZeroU64::MIN);
                Contents::Time { slices: VecDeque::with_capacity(SLICES as usize), width, start: None }
            }
        };
        Self { era: 0, failures_in_a_row: 0, counts: Counts::default(), contents }
    }

    /// Empties it for the calls of `era`, unless it is of that era already, or of a later one (W1).
    pub(crate) fn begin(&mut self, era: u64) {
        if era <= self.era {
            return;
        }
        (self.era, self.failures_in_a_row, self.counts) = (era, 0, Counts::default());
        match &mut self.contents {
            Contents::Calls { calls, .. } => calls.clear(),
            Contents::Time { slices, start, .. } => {
                slices.clear();
                *start = None;
            }
        }
    }

    /// Records a call that was admitted in `era` and has ended at `now`, which a window of calls does not
    /// look at. True if a limit is reached.
    pub(crate) fn record(&mut self, era: u64, call: Call, now: Option<Instant>, limits: &Limits) -> bool {
        self.begin(era);
        if era != self.era {
            return false;
        }
        self.failures_in_a_row = if call.has_failed { self.failures_in_a_row.saturating_add(1) } else { 0 };
        match &mut self.contents {
            Contents::Calls { calls, most } => {
                if calls.len() >= *most
                    && let Some(oldest) = calls.pop_front()
                {
                    self.counts.remove(Counts::of(oldest));
                }
                calls.push_back(call);
            }
            Contents::Time { slices, width, start } => {
                let number = match now {
                    Some(now) => nanos(now.saturating_duration_since(*start.get_or_insert(now))) / *width,
                    None => 0,
                };
                // Of two calls that end at nearly the same time, the later may be recorded first.
                let number = slices.back().map_or(number, |newest| newest.number.max(number));
                let is_over = |slice: &Slice| slice.number.saturating_add(SLICES) <= number;
                while let Some(oldest) = slices.front().copied().filter(is_over) {
                    slices.pop_front();
                    self.counts.remove(oldest.counts);
                }
                match slices.back_mut() {
                    Some(newest) if newest.number == number => newest.counts.add(Counts::of(call)),
                    _ => slices.push_back(Slice { number, counts: Counts::of(call) }),
                }
            }
        }
        self.counts.add(Counts::of(call));
        self.has_reached(limits)
    }

    fn has_reached(&self, limits: &Limits) -> bool {
        if limits.failures.is_some_and(|most| self.failures_in_a_row >= most) {
            return true;
        }
        let Counts { calls, failures, slow } = self.counts;
        // Not `part >= rate * calls`, by which 7 of 100 would be less than 0.07.
        let reaches =
            |part: u64, rate: Option<f64>| rate.is_some_and(|rate| part as f64 / calls as f64 >= rate);
        calls >= u64::from(limits.minimum)
            && (reaches(failures, limits.failure_rate) || reaches(slow, limits.slow_rate))
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    pub(crate) fn failures_in_a_row(&self) -> u32 {
        self.failures_in_a_row
    }
}
