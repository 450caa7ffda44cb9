//! Errors that a receiver collects beside its values.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::fmt;
use std::sync::Arc;

use super::spot::Spot;
use crate::error::AsyncTaskError;
use crate::pipeline::RowError;

/// An error that was collected under a key, with the place of its row.
#[derive(Debug)]
pub struct CollectedError<K> {
    pub(crate) key: K,
    pub(crate) row: RowError,
}

impl<K> CollectedError<K> {
    /// The key that it was collected under.
    pub fn key(&self) -> &K {
        &self.key
    }

    /// The error, and where the row stands whose receiver collected it.
    pub fn row(&self) -> &RowError {
        &self.row
    }
}

impl<K: fmt::Debug> fmt::Display for CollectedError<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.key, self.row)
    }
}

/// An error on its way to the others.
pub(crate) struct Noted<K> {
    pub(crate) sequence: u64,
    pub(crate) spot: Spot,
    pub(crate) key: K,
    pub(crate) error: AsyncTaskError,
}

/// The first errors in source order, and how many there were.
pub(crate) struct FirstErrors<K> {
    max: usize,
    pub(crate) count: u64,
    /// The last of them on top.
    kept: BinaryHeap<Ranked<K>>,
}

impl<K> FirstErrors<K> {
    pub(super) fn new(max: usize) -> Self {
        Self { max, count: 0, kept: BinaryHeap::new() }
    }

    pub(super) fn add(&mut self, noted: Noted<K>) {
        let ranked = Ranked { rank: (noted.sequence, self.count), noted };
        self.count += 1;
        if self.kept.len() < self.max {
            self.kept.push(ranked);
        } else if let Some(mut last) = self.kept.peek_mut().filter(|last| ranked.rank < last.rank) {
            *last = ranked;
        }
    }

    pub(super) fn into_rows(self, names: &[Arc<str>]) -> impl Iterator<Item = CollectedError<K>> {
        self.kept.into_sorted_vec().into_iter().map(|Ranked { noted, .. }| {
            let Noted { sequence, spot, key, error } = noted;
            let position = spot.position();
            let origin = names.get(position.source()).cloned().unwrap_or_default();
            CollectedError { key, row: RowError { origin, position, sequence, error, raw: None } }
        })
    }
}

/// An error by the sequence of its row, and by its coming within that.
struct Ranked<K> {
    rank: (u64, u64),
    noted: Noted<K>,
}

impl<K> PartialEq for Ranked<K> {
    fn eq(&self, other: &Self) -> bool {
        self.rank == other.rank
    }
}

impl<K> Eq for Ranked<K> {}

impl<K> PartialOrd for Ranked<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<K> Ord for Ranked<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank.cmp(&other.rank)
    }
}
