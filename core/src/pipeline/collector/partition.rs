//! A part of the keys, and who may touch it.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{BuildHasher, Hash};

use concurrent_queue::{ConcurrentQueue, PopError};
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::{Entry, IntoIter, Iter};

/// A value on its way to its partition.
pub(crate) struct Item<K, V> {
    pub(crate) hash: u64,
    pub(crate) sequence: u64,
    pub(crate) key: K,
    pub(crate) value: V,
}

struct Slot<K, V> {
    key: K,
    value: V,
    sequence: u64,
}

/// The values whose keys fall into one part of the hash space.
pub struct Partition<K, V> {
    table: HashTable<Slot<K, V>>,
    duplicates: u64,
    hasher: RandomState,
}

impl<K: Hash + Eq, V> Partition<K, V> {
    fn new(hasher: RandomState) -> Self {
        Self { table: HashTable::new(), duplicates: 0, hasher }
    }

    pub(crate) fn insert(&mut self, item: Item<K, V>) {
        let Item { hash, sequence, key, value } = item;
        let hasher = &self.hasher;
        match self.table.entry(hash, |slot| slot.key == key, |slot| hasher.hash_one(&slot.key)) {
            Entry::Vacant(vacant) => drop(vacant.insert(Slot { key, value, sequence })),
            Entry::Occupied(mut occupied) => {
                self.duplicates += 1;
                let slot = occupied.get_mut();
                // Equal: one event collected the key twice, and its later value stays.
                if slot.sequence <= sequence {
                    // The key as well: keys may be equal and still be told apart.
                    *slot = Slot { key, value, sequence };
                }
            }
        }
    }

    /// The value under `key`.
    pub fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        self.table.find(hash, |slot| slot.key.borrow() == key).map(|slot| &slot.value)
    }
}

impl<K, V> Partition<K, V> {
    /// How many keys it holds.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// True if it holds none.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Its keys and values, in no particular order.
    pub fn iter(&self) -> PartitionIter<'_, K, V> {
        PartitionIter(self.table.iter())
    }

    pub(crate) fn duplicates(&self) -> u64 {
        self.duplicates
    }
}

impl<K, V> fmt::Debug for Partition<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Partition").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// Keys and values of a partition, by reference.
pub struct PartitionIter<'a, K, V>(Iter<'a, Slot<K, V>>);

impl<'a, K, V> Iterator for PartitionIter<'a, K, V> {
    type Item = (&'a K, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|slot| (&slot.key, &slot.value))
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
pub struct PartitionIntoIter<K, V>(IntoIter<Slot<K, V>>);

impl<K, V> Iterator for PartitionIntoIter<K, V> {
    type Item = (K, V);

    fn next(&mut self) -> Option<(K, V)> {
        self.0.next().map(|slot| (slot.key, slot.value))
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

/// All partitions of a pipeline, each of them in its slot or with the one who took it out.
pub(crate) struct Partitions<K, V> {
    slots: Box<[ConcurrentQueue<Partition<K, V>>]>,
    pub(crate) hasher: RandomState,
}

impl<K: Hash + Eq, V> Partitions<K, V> {
    /// Enough for many workers to rarely meet at one, few enough for a buffer each to stay small; a power of two.
    pub(crate) const COUNT: usize = 64;

    pub(crate) fn new() -> Self {
        let hasher = RandomState::default();
        let slot = || {
            let slot = ConcurrentQueue::bounded(1);
            let _ = slot.push(Partition::new(hasher.clone()));
            slot
        };
        Self { slots: (0..Self::COUNT).map(|_| slot()).collect(), hasher }
    }

    /// Which partition a hash falls into: by bits that the tables do not look at first, the lowest and the highest.
    pub(crate) fn index(hash: u64) -> usize {
        (hash >> 40) as usize % Self::COUNT
    }

    /// Moves all of `items` into partition `index`, unless somebody else is at it: empty afterwards if it was free.
    /// False if the partitions were taken for good.
    pub(crate) fn absorb(&self, index: usize, items: &mut Vec<Item<K, V>>) -> bool {
        let Some(slot) = self.slots.get(index) else { return false };
        match slot.pop() {
            Ok(partition) => {
                let mut taken = Taken { slot, partition: Some(partition) };
                if let Some(partition) = &mut taken.partition {
                    // From the end, so that a key whose `Hash` or `Eq` panics takes no other value with it.
                    items.reverse();
                    while let Some(item) = items.pop() {
                        partition.insert(item);
                    }
                }
                true
            }
            Err(PopError::Empty) => true,
            Err(PopError::Closed) => false,
        }
    }

    /// Takes all partitions out, for good: whoever comes later finds them closed.
    pub(crate) fn take(&self) -> Vec<Partition<K, V>> {
        let take = |slot: &ConcurrentQueue<Partition<K, V>>| {
            loop {
                match slot.pop() {
                    Ok(partition) => {
                        slot.close();
                        return Some(partition);
                    }
                    Err(PopError::Closed) => return None,
                    // A collector away from its worker is at it, which takes microseconds and waits for nothing.
                    Err(PopError::Empty) => std::thread::yield_now(),
                }
            }
        };
        self.slots.iter().filter_map(take).collect()
    }
}

/// A partition that is out of its slot; back it goes, also when a key's own `Hash` or `Eq` panics.
struct Taken<'a, K, V> {
    slot: &'a ConcurrentQueue<Partition<K, V>>,
    partition: Option<Partition<K, V>>,
}

impl<K, V> Drop for Taken<'_, K, V> {
    fn drop(&mut self) {
        if let Some(partition) = self.partition.take() {
            // The slot holds one, and this one came out of it.
            let _ = self.slot.push(partition);
        }
    }
}
