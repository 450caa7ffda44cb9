//! Errors that a receiver collects next to its values.

use std::fmt;

use crate::collect::row_place::RowPlace;
use crate::outcome::failure::RowError;
use crate::outcome::firsts::Firsts;
use crate::outcome::names::Names;
use sweet_async_core::error::AsyncTaskError;

/// An error that was collected under a key, with the position of its row.
#[derive(Debug)]
pub struct CollectedError<K> {
    pub(crate) key: K,
    pub(crate) row: RowError,
}

impl<K> CollectedError<K> {
    /// The key under which the error was collected.
    pub fn key(&self) -> &K {
        &self.key
    }

    /// The error, and the position of the row whose receiver collected it.
    pub fn row(&self) -> &RowError {
        &self.row
    }
}

impl<K: fmt::Debug> fmt::Display for CollectedError<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.key, self.row)
    }
}

/// A collected error that is not yet among the first errors.
pub(crate) struct Noted<K> {
    pub(crate) sequence: u64,
    pub(crate) row_place: RowPlace,
    pub(crate) key: K,
    pub(crate) error: AsyncTaskError,
}

/// The first errors in source order, and the number of all.
pub(crate) struct FirstErrors<K>(Firsts<u64, Noted<K>>);

impl<K> FirstErrors<K> {
    pub(crate) fn new(max: usize) -> Self {
        Self(Firsts::new(max))
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.count()
    }

    pub(crate) fn add(&mut self, noted: Noted<K>) {
        self.0.add(noted.sequence, noted);
    }

    pub(crate) fn into_rows(self, names: &Names) -> impl Iterator<Item = CollectedError<K>> {
        self.0.into_sorted().map(|Noted { sequence, row_place, key, error }| {
            let position = row_place.position();
            let origin = row_place.name(names);
            CollectedError { key, row: RowError { origin, position, sequence, error, raw: None } }
        })
    }
}
