//! Everything that was collected, once the pipeline has ended.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;

use super::Partition;

/// Everything that a pipeline's receivers collected.
pub struct Collection<K, V> {
    partitions: Vec<Partition<K, V>>,
}

impl<K, V> Collection<K, V> {
    pub(crate) fn new(partitions: Vec<Partition<K, V>>) -> Self {
        Self { partitions }
    }

    /// How many distinct keys there are.
    pub fn len(&self) -> usize {
        self.partitions.iter().map(Partition::len).sum()
    }

    /// True if nothing was collected.
    pub fn is_empty(&self) -> bool {
        self.partitions.iter().all(Partition::is_empty)
    }

    pub(crate) fn duplicates(&self) -> u64 {
        self.partitions.iter().map(Partition::duplicates).sum()
    }

    /// The keys and values as they are held: no key is hashed again, nothing is copied.
    pub fn into_partitions(self) -> Vec<Partition<K, V>> {
        self.partitions
    }
}

impl<K: Hash + Eq, V> Collection<K, V> {
    /// The keys and values as one map; each key is hashed and moved once more.
    pub fn collected(self) -> HashMap<K, V> {
        let mut all = HashMap::with_capacity(self.len());
        all.extend(self.partitions.into_iter().flatten());
        all
    }
}

impl<K, V> fmt::Debug for Collection<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collection").field("len", &self.len()).finish_non_exhaustive()
    }
}
