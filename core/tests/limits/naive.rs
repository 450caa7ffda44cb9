//! A naive wait queue: one list, searched each time.

use std::time::Instant;

use super::queue::Limits;

/// A waiter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiting {
    pub(crate) who: u64,
    pub(crate) class: u8,
    pub(crate) since: Instant,
}

/// The wait queue with its limits. Times are in nanoseconds from `start`.
pub(crate) struct Naive {
    pub(crate) limits: Limits,
    pub(crate) start: Instant,
    pub(crate) under_way: usize,
    pub(crate) line: Vec<Waiting>,
    /// The tokens of the bucket, in nanoseconds of the rate, as of `as_of`.
    pub(crate) filled: u128,
    pub(crate) as_of: u128,
}

impl Naive {
    pub(crate) fn new(limits: Limits, start: Instant) -> Self {
        let filled = limits.rate.map_or(0, |rate| rate.gap.as_nanos() * u128::from(rate.burst));
        Self { limits, start, under_way: 0, line: Vec::new(), filled, as_of: 0 }
    }

    /// True if one more may begin.
    pub(crate) fn is_open(&mut self, now: Instant) -> bool {
        let at = now.duration_since(self.start).as_nanos();
        if let Some(rate) = self.limits.rate {
            let full = rate.gap.as_nanos() * u128::from(rate.burst);
            self.filled = (self.filled + (at - self.as_of)).min(full);
            self.as_of = at;
            if self.filled < rate.gap.as_nanos() {
                return false;
            }
        }
        self.limits.permits.is_none_or(|permits| self.under_way < permits)
    }

    pub(crate) fn admit(&mut self) {
        self.under_way += 1;
        self.filled -= self.limits.rate.map_or(0, |rate| rate.gap.as_nanos());
    }

    pub(crate) fn next(&mut self, now: Instant) -> Option<u64> {
        let aged = |one: &Waiting| {
            let waited = now.duration_since(one.since).as_nanos();
            u128::from(one.class).saturating_sub(waited / self.limits.ageing.as_nanos())
        };
        let first = self.line.iter().min_by_key(|one| (aged(one), one.who))?.who;
        if !self.is_open(now) {
            return None;
        }
        self.line.retain(|one| one.who != first);
        self.admit();
        Some(first)
    }
}
