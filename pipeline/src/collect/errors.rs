//! Errors that receivers collect next to values.

use std::any::Any;
use std::fmt;

use crate::collect::row_place::RowPlace;
use crate::outcome::firsts::Firsts;
use crate::outcome::names::Names;
use crate::outcome::row_error::RowError;
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

/// A collected error while the pipeline runs. Its key is in a box, without its type, so that the code for
/// errors is compiled once; errors are few enough for a box each.
pub(crate) struct Noted {
    pub(crate) sequence: u64,
    pub(crate) row_place: RowPlace,
    pub(crate) key: Box<dyn Any + Send>,
    pub(crate) error: AsyncTaskError,
}

impl Noted {
    fn row(self, names: &Names) -> (Box<dyn Any + Send>, RowError) {
        let Self { sequence, row_place, key, error } = self;
        let (position, origin) = (row_place.position(), row_place.name(names));
        (key, RowError { origin, position, sequence, error, raw: None })
    }
}

/// The first errors in source order, and the number of all.
pub(crate) struct FirstErrors(Firsts<u64, Noted>);

impl FirstErrors {
    pub(crate) fn new(max: usize) -> Self {
        Self(Firsts::new(max))
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.count()
    }

    /// Counts all `errors`, and keeps those that are among the first.
    pub(crate) fn add_all(&mut self, errors: &mut Vec<Noted>) {
        for noted in errors.drain(..) {
            self.0.add(noted.sequence, noted);
        }
    }

    /// The kept errors with their keys. A key that is no `K` is left out; a pipeline has no such key.
    pub(crate) fn into_rows<K: 'static>(self, names: &Names) -> Vec<CollectedError<K>> {
        let mut rows = Vec::new();
        for (key, row) in self.sorted(names) {
            rows.extend(key.downcast().ok().map(|key| CollectedError { key: *key, row }));
        }
        rows
    }

    fn sorted(self, names: &Names) -> Vec<(Box<dyn Any + Send>, RowError)> {
        self.0.into_sorted().map(|noted| noted.row(names)).collect()
    }
}
