//! One part of the keys, as it is handed over at the end.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{BuildHasher, Hash};

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::{IntoIter, Iter};

/// A value in its table, with the sequence of its event.
#[derive(Clone)]
pub(crate) struct Entry<K, V> {
    pub(crate) key: K,
    pub(crate) value: V,
    pub(crate) sequence: u64,
}

/// The values whose keys fall into one part of the hash space.
#[derive(Clone)]
pub struct Partition<K, V> {
    pub(crate) table: HashTable<Entry<K, V>>,
    pub(crate) hasher: RandomState,
}

impl<K: Hash + Eq, V> Partition<K, V> {
    /// Returns the value under `key`.
    pub fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        self.table.find(hash, |entry| entry.key.borrow() == key).map(|entry| &entry.value)
    }
}

impl<K, V> Partition<K, V> {
    /// Returns the number of keys.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// True if there are no keys.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Iterates over the keys and values, in no particular order.
    pub fn iter(&self) -> PartitionIter<'_, K, V> {
        PartitionIter(self.table.iter())
    }
}

impl<K, V> fmt::Debug for Partition<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Partition").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// Keys and values of a partition, by reference.
pub struct PartitionIter<'a, K, V>(Iter<'a, Entry<K, V>>);

impl<K, V> Clone for PartitionIter<'_, K, V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<'a, K, V> Iterator for PartitionIter<'a, K, V> {
    type Item = (&'a K, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|entry| (&entry.key, &entry.value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<'a, K, V> IntoIterator for &'a Partition<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = PartitionIter<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Keys and values of a partition.
pub struct PartitionIntoIter<K, V>(IntoIter<Entry<K, V>>);

impl<K, V> Iterator for PartitionIntoIter<K, V> {
    type Item = (K, V);

    fn next(&mut self) -> Option<(K, V)> {
        self.0.next().map(|entry| (entry.key, entry.value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<K, V> IntoIterator for Partition<K, V> {
    type Item = (K, V);
    type IntoIter = PartitionIntoIter<K, V>;

    fn into_iter(self) -> Self::IntoIter {
        PartitionIntoIter(self.table.into_iter())
    }
}
