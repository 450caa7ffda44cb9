//! The lowest-ranked of many values.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// The values of the lowest ranks, up to a number of them. Of equal ranks the one that was added earlier
/// counts as lower.
///
/// Cost: below that number, a value is appended. Above it, a value that is too late costs one comparison, and
/// one that displaces another costs a logarithm of the number. The order of arrival makes no other
/// difference.
pub(crate) struct Firsts<R, T> {
    most: usize,
    count: u64,
    /// Fewer than `most`, in order of arrival; empty from then on.
    few: Vec<Ranked<R, T>>,
    /// Exactly `most`, with the highest rank on top.
    full: BinaryHeap<Ranked<R, T>>,
}

impl<R: Ord, T> Firsts<R, T> {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, count: 0, few: Vec::new(), full: BinaryHeap::new() }
    }

    pub(crate) fn add(&mut self, rank: R, value: T) {
        let ranked = Ranked { rank, arrival: self.count, value };
        self.count += 1;
        if let Some(mut last) = self.full.peek_mut() {
            if ranked < *last {
                *last = ranked;
            }
        } else if self.most > 0 {
            self.few.push(ranked);
            if self.few.len() == self.most {
                self.full = std::mem::take(&mut self.few).into();
            }
        }
    }

    /// The number of values that were added.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The kept values, the lowest rank first.
    pub(crate) fn into_sorted(self) -> impl Iterator<Item = T> {
        let mut all = self.few;
        all.append(&mut self.full.into_vec());
        all.sort();
        all.into_iter().map(|ranked| ranked.value)
    }
}

impl<R: Ord, T> Default for Firsts<R, T> {
    fn default() -> Self {
        Self::new(0)
    }
}

struct Ranked<R, T> {
    rank: R,
    arrival: u64,
    value: T,
}

impl<R: Ord, T> PartialEq for Ranked<R, T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<R: Ord, T> Eq for Ranked<R, T> {}

impl<R: Ord, T> PartialOrd for Ranked<R, T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<R: Ord, T> Ord for Ranked<R, T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank.cmp(&other.rank).then(self.arrival.cmp(&other.arrival))
    }
}
