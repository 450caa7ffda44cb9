//! One part of the keys while it is being filled.

use std::hash::{BuildHasher, Hash};

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::{self, OccupiedEntry};

use crate::collect::deferred_rejections::Duplicate;
use crate::collect::duplicate::OnDuplicate;
use crate::collect::parts::partition::{Entry, Partition};
use crate::collect::row_place::Places;

/// A value that is not yet in its part.
pub(crate) struct Item<K, V> {
    pub(crate) hash: u64,
    pub(crate) entry: Entry<K, V>,
}

/// The entries of one part of the keys.
pub(crate) struct Part<K, V> {
    table: HashTable<Entry<K, V>>,
    /// Values that are merged at the end, when all are there. None of them is earlier than the value that the
    /// table has under its key.
    later: Vec<Later<K, V>>,
    /// Duplicates whose rows are rejected at the end, when it is known which row was first.
    refused: Vec<Item<K, ()>>,
    pub(crate) duplicates: u64,
}

/// A value that is merged at the end.
struct Later<K, V> {
    item: Item<K, V>,
    /// True if a value of an earlier row displaced this one from the table. It then precedes all other values
    /// that its own row has collected under its key.
    displaced: bool,
}

impl<K: Hash + Eq, V> Part<K, V> {
    pub(crate) fn new() -> Self {
        Self { table: HashTable::new(), later: Vec::new(), refused: Vec::new(), duplicates: 0 }
    }

    /// Adds a value. The values of one row come in the order in which it collected them.
    #[inline]
    pub(crate) fn insert(&mut self, item: Item<K, V>, rule: &OnDuplicate<V>, hasher: &RandomState) {
        let Item { hash, entry } = item;
        match self.table.entry(hash, |old| old.key == entry.key, |old| hasher.hash_one(&old.key)) {
            hash_table::Entry::Vacant(vacant) => drop(vacant.insert(entry)),
            hash_table::Entry::Occupied(mut occupied) => {
                self.duplicates += 1;
                let old = occupied.get_mut();
                match rule {
                    // The key is replaced as well, here and below: equal keys may still differ.
                    OnDuplicate::KeepLast if entry.sequence >= old.sequence => *old = entry,
                    OnDuplicate::KeepFirst if entry.sequence < old.sequence => *old = entry,
                    OnDuplicate::KeepLast | OnDuplicate::KeepFirst => {}
                    OnDuplicate::Error if entry.sequence == old.sequence => *old = entry,
                    OnDuplicate::Error => {
                        let earlier = entry.sequence < old.sequence;
                        let entry = if earlier { std::mem::replace(old, entry) } else { entry };
                        let Entry { key, sequence, .. } = entry;
                        let entry = Entry { key, value: (), sequence };
                        self.refused.push(Item { hash, entry });
                    }
                    OnDuplicate::Merge(_) => {
                        let displaced = entry.sequence < old.sequence;
                        let entry = if displaced { std::mem::replace(old, entry) } else { entry };
                        self.later.push(Later { item: Item { hash, entry }, displaced });
                    }
                    OnDuplicate::MergeUnordered(merge) => merged(occupied, entry.value, &**merge),
                }
            }
        }
    }

    /// The earliest row among the refused ones from index `from` on.
    pub(crate) fn earliest_refused(&self, from: usize) -> Option<u64> {
        self.refused.get(from..)?.iter().map(|item| item.entry.sequence).min()
    }

    /// The number of duplicates whose rows are rejected.
    pub(crate) fn refused(&self) -> usize {
        self.refused.len()
    }

    /// Merges the deferred values. Adds the rows that are rejected to `rejected`.
    pub(crate) fn settle(&mut self, rule: &OnDuplicate<V>, places: &Places, rejected: &mut Vec<Duplicate>) {
        for Item { hash, entry } in self.refused.drain(..) {
            let Some(first) = self.table.find(hash, |old| old.key == entry.key) else { continue };
            rejected.extend(Duplicate::of(entry.sequence, first.sequence, places));
        }
        let OnDuplicate::Merge(merge) = rule else { return };
        let mut order = Vec::with_capacity(self.later.len());
        let mut later = Vec::with_capacity(self.later.len());
        for value in self.later.drain(..) {
            order.push((value.item.entry.sequence, !value.displaced, later.len()));
            later.push(Some(value));
        }
        sort(&mut order);
        for (.., index) in order {
            let Some(Later { item: Item { hash, entry }, .. }) = later.get_mut(index).and_then(Option::take)
            else {
                continue;
            };
            if let Ok(occupied) = self.table.find_entry(hash, |old| old.key == entry.key) {
                merged(occupied, entry.value, &**merge);
            }
        }
    }

    pub(crate) fn into_partition(self, hasher: &RandomState) -> Partition<K, V> {
        Partition { table: self.table, hasher: hasher.clone() }
    }
}

/// Puts the merged value into the entry. The entry is removed if `merge` panics.
fn merged<K, V>(occupied: OccupiedEntry<'_, Entry<K, V>>, value: V, merge: &dyn Fn(V, V) -> V) {
    let (Entry { key, value: old, sequence }, vacant) = occupied.remove();
    vacant.insert(Entry { key, value: merge(old, value), sequence });
}

/// Sorts places in source order. The index, which is last, keeps the values of one row in their order.
fn sort(order: &mut [(u64, bool, usize)]) {
    order.sort_unstable();
}
