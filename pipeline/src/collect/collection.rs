//! The collected values and errors of a pipeline that has ended.

use std::borrow::Borrow;
use std::fmt;
use std::hash::Hash;

use crate::collect::collected::{Collected, CollectedIter};
use crate::collect::errors::CollectedError;
use crate::collect::errors::FirstErrors;
use crate::collect::parts::partition::Partition;
use crate::outcome::final_event::FinalEvent;
use crate::outcome::names::Names;

/// All values and errors that a pipeline's receivers have collected.
pub struct Collection<K, V> {
    collected: Collected<K, V>,
    errors: Vec<CollectedError<K>>,
    error_count: u64,
    duplicates: u64,
    summary: FinalEvent,
}

impl<K, V> Collection<K, V> {
    pub(crate) fn new(
        partitions: Vec<Partition<K, V>>,
        duplicates: u64,
        errors: Option<FirstErrors>,
        names: &Names,
    ) -> Self
    where
        K: 'static,
    {
        let error_count = errors.as_ref().map_or(0, FirstErrors::count);
        let errors = errors.map(|errors| errors.into_rows(names)).unwrap_or_default();
        let collected = Collected::new(partitions);
        Self { collected, errors, error_count, duplicates, summary: FinalEvent::default() }
    }

    /// The collection of a pipeline that never started.
    pub(crate) fn nothing() -> Self
    where
        K: 'static,
    {
        Self::new(Vec::new(), 0, None, &Names::default())
    }

    pub(crate) fn with_summary(self, summary: FinalEvent) -> Self {
        Self { summary, ..self }
    }

    /// The summary of the pipeline, also where the final event is an error.
    pub fn summary(&self) -> &FinalEvent {
        &self.summary
    }

    pub(crate) fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// Returns the number of distinct keys.
    pub fn len(&self) -> usize {
        self.collected.len()
    }

    /// True if no value was collected.
    pub fn is_empty(&self) -> bool {
        self.collected.is_empty()
    }

    /// The errors that receivers have collected: the first in source order, at most
    /// [`max_errors`](crate::PipelineBuilder::max_errors) of them.
    pub fn errors(&self) -> &[CollectedError<K>] {
        &self.errors
    }

    /// Returns the number of errors that receivers have collected. It is exact, however many of them are
    /// kept.
    pub fn error_count(&self) -> u64 {
        self.error_count
    }

    /// Iterates over the keys and values, in no particular order.
    pub fn iter(&self) -> CollectedIter<'_, K, V> {
        self.collected.iter()
    }

    /// Returns the keys and values as a map, as they are held: no key is hashed again, and nothing is copied.
    /// For a map of the standard library: [`Collected::into_hash_map`].
    pub fn collected(self) -> Collected<K, V> {
        self.collected
    }

    /// Returns the parts of the map: [`Collected::into_partitions`].
    pub fn into_partitions(self) -> Vec<Partition<K, V>> {
        self.collected.into_partitions()
    }
}

impl<K: Hash + Eq, V> Collection<K, V> {
    /// Returns the value under `key`.
    pub fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.collected.get(key)
    }
}

impl<'a, K, V> IntoIterator for &'a Collection<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = CollectedIter<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<K, V> fmt::Debug for Collection<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collection").field("len", &self.len()).finish_non_exhaustive()
    }
}
