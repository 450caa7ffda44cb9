//! The collected values of a pipeline as one map, in the parts that its workers have filled.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::iter::{Flatten, FusedIterator};
use std::ops::Index;
use std::{slice, vec};

use crate::collect::parts::map::into_map;
use crate::collect::parts::partition::Partition;
use crate::collect::parts::partitions::part_of;

/// The keys and values that a pipeline has collected: a map, with the reading interface of a [`HashMap`].
///
/// It is made of the parts that the workers have filled, as they are: no key is hashed again, and nothing
/// is moved. A look-up hashes its key once, for the part and for the place in it. An entry takes eight
/// bytes more than in a `HashMap`. To add entries, take a `HashMap`:
/// [`into_hash_map`](Self::into_hash_map).
///
/// It can be serialized, as a map, with the feature `csv` or `json`.
pub struct Collected<K, V> {
    /// One partition for each part of the keys, in the order of the parts. There are none if nothing was ever
    /// collected.
    partitions: Vec<Partition<K, V>>,
}

impl<K, V> Collected<K, V> {
    pub(crate) fn new(partitions: Vec<Partition<K, V>>) -> Self {
        Self { partitions }
    }

    /// Returns the number of keys. Cost: one addition for each of 64 parts.
    pub fn len(&self) -> usize {
        self.partitions.iter().map(Partition::len).sum()
    }

    /// True if there are no keys.
    pub fn is_empty(&self) -> bool {
        self.partitions.iter().all(Partition::is_empty)
    }

    /// Iterates over the keys and values, in no particular order.
    pub fn iter(&self) -> CollectedIter<'_, K, V> {
        CollectedIter { entries: self.partitions.iter().flatten(), left: self.len() }
    }

    /// Iterates over the keys, in no particular order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &K> + Clone {
        self.iter().map(|(key, _)| key)
    }

    /// Iterates over the values, in no particular order.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &V> + Clone {
        self.iter().map(|(_, value)| value)
    }

    /// Iterates over the keys, and drops each value.
    pub fn into_keys(self) -> impl ExactSizeIterator<Item = K> {
        self.into_iter().map(|(key, _)| key)
    }

    /// Iterates over the values, and drops each key.
    pub fn into_values(self) -> impl ExactSizeIterator<Item = V> {
        self.into_iter().map(|(_, value)| value)
    }

    /// Returns the keys and values as they are held, for example to hand each part to a thread of its own.
    pub fn into_partitions(self) -> Vec<Partition<K, V>> {
        self.partitions
    }
}

impl<K: Hash + Eq, V> Collected<K, V> {
    /// The hash of `key`, and the index of its part. `None` if there are no parts.
    fn locate<Q: Hash + ?Sized>(&self, key: &Q) -> Option<(u64, usize)> {
        // All parts have the same hasher.
        let hash = self.partitions.first()?.hasher.hash_one(key);
        Some((hash, part_of(hash)))
    }

    /// Returns the value under `key`.
    pub fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.get_key_value(key).map(|(_, value)| value)
    }

    /// Returns the key that is equal to `key`, and its value.
    pub fn get_key_value<Q>(&self, key: &Q) -> Option<(&K, &V)>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let (hash, part) = self.locate(key)?;
        let found = self.partitions.get(part)?.table.find(hash, |entry| entry.key.borrow() == key)?;
        Some((&found.key, &found.value))
    }

    /// True if there is a value under `key`.
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.get_key_value(key).is_some()
    }

    /// Removes `key`, and returns its value.
    pub fn remove<Q>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let (hash, part) = self.locate(key)?;
        let table = &mut self.partitions.get_mut(part)?.table;
        let found = table.find_entry(hash, |entry| entry.key.borrow() == key).ok()?;
        Some(found.remove().0.value)
    }

    /// Returns the keys and values as one map of the standard library. Each key is hashed and moved once
    /// more, on this thread, which can take longer than collecting did.
    pub fn into_hash_map(self) -> HashMap<K, V> {
        into_map(self.partitions)
    }
}

impl<K, V> Default for Collected<K, V> {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl<K: Clone, V: Clone> Clone for Collected<K, V> {
    fn clone(&self) -> Self {
        Self::new(self.partitions.clone())
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for Collected<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

/// The value under a key that is known to be there. For any other key use [`get`](Collected::get).
///
/// # Panics
///
/// As the index of a [`HashMap`], if there is no such key.
impl<K, V, Q> Index<&Q> for Collected<K, V>
where
    K: Borrow<Q> + Hash + Eq,
    Q: Hash + Eq + ?Sized,
{
    type Output = V;

    fn index(&self, key: &Q) -> &V {
        match self.get(key) {
            Some(value) => value,
            // The panic of the standard map, which has no such key either.
            None => HashMap::<&Q, &V>::new().index(key),
        }
    }
}

impl<K: Hash + Eq, V: PartialEq> PartialEq for Collected<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|(key, value)| other.get(key) == Some(value))
    }
}

impl<K: Hash + Eq, V: Eq> Eq for Collected<K, V> {}

impl<K: Hash + Eq, V: PartialEq> PartialEq<HashMap<K, V>> for Collected<K, V> {
    fn eq(&self, other: &HashMap<K, V>) -> bool {
        self.len() == other.len() && self.iter().all(|(key, value)| other.get(key) == Some(value))
    }
}

#[cfg(any(feature = "csv", feature = "json"))]
impl<K: serde::Serialize, V: serde::Serialize> serde::Serialize for Collected<K, V> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self)
    }
}

/// Keys and values of a [`Collected`], by reference.
pub struct CollectedIter<'a, K, V> {
    entries: Flatten<slice::Iter<'a, Partition<K, V>>>,
    left: usize,
}

impl<'a, K, V> Iterator for CollectedIter<'a, K, V> {
    type Item = (&'a K, &'a V);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.entries.next()?;
        self.left -= 1;
        Some(entry)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }

    fn fold<B, F: FnMut(B, Self::Item) -> B>(self, init: B, f: F) -> B {
        self.entries.fold(init, f)
    }
}

impl<K, V> ExactSizeIterator for CollectedIter<'_, K, V> {}
impl<K, V> FusedIterator for CollectedIter<'_, K, V> {}

impl<K, V> Clone for CollectedIter<'_, K, V> {
    fn clone(&self) -> Self {
        Self { entries: self.entries.clone(), left: self.left }
    }
}

impl<'a, K, V> IntoIterator for &'a Collected<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = CollectedIter<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Keys and values of a [`Collected`].
pub struct CollectedIntoIter<K, V> {
    entries: Flatten<vec::IntoIter<Partition<K, V>>>,
    left: usize,
}

impl<K, V> Iterator for CollectedIntoIter<K, V> {
    type Item = (K, V);

    #[inline]
    fn next(&mut self) -> Option<(K, V)> {
        let entry = self.entries.next()?;
        self.left -= 1;
        Some(entry)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }

    fn fold<B, F: FnMut(B, (K, V)) -> B>(self, init: B, f: F) -> B {
        self.entries.fold(init, f)
    }
}

impl<K, V> ExactSizeIterator for CollectedIntoIter<K, V> {}
impl<K, V> FusedIterator for CollectedIntoIter<K, V> {}

impl<K, V> IntoIterator for Collected<K, V> {
    type Item = (K, V);
    type IntoIter = CollectedIntoIter<K, V>;

    fn into_iter(self) -> Self::IntoIter {
        let left = self.len();
        CollectedIntoIter { entries: self.partitions.into_iter().flatten(), left }
    }
}
