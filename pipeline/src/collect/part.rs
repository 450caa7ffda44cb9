//! One part of the keys while it is being filled.

use std::hash::{BuildHasher, Hash};

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::{self, OccupiedEntry};

use crate::collect::deferred_rejections::Duplicate;
use crate::collect::duplicate::OnDuplicate;
use crate::collect::partition::{Entry, Partition};
use crate::collect::row_place::MaybeRowPlace;

/// A value that is not yet in its part.
pub(crate) struct Item<K, V, P> {
    pub(crate) hash: u64,
    pub(crate) entry: Entry<K, V, P>,
}

/// The entries of one part of the keys.
pub(crate) struct Part<K, V, P> {
    table: HashTable<Entry<K, V, P>>,
    /// Values that are merged at the end, when all are there. None of them is earlier than the value that the
    /// table has under its key.
    later: Vec<Later<K, V, P>>,
    /// Duplicates whose rows are rejected at the end, when it is known which row was first.
    refused: Vec<Item<K, (), P>>,
    pub(crate) duplicates: u64,
}

/// A value that is merged at the end.
struct Later<K, V, P> {
    item: Item<K, V, P>,
    /// True if a value of an earlier row displaced this one from the table. It then precedes all other values
    /// that its own row has collected under its key.
    displaced: bool,
}

impl<K: Hash + Eq, V, P: MaybeRowPlace> Part<K, V, P> {
    pub(crate) fn new() -> Self {
        Self { table: HashTable::new(), later: Vec::new(), refused: Vec::new(), duplicates: 0 }
    }

    /// Adds a value. The values of one row come in the order in which it collected them.
    #[inline]
    pub(crate) fn insert(&mut self, item: Item<K, V, P>, rule: &OnDuplicate<V>, hasher: &RandomState) {
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
                        let Entry { key, sequence, row_place, .. } = entry;
                        let entry = Entry { key, value: (), sequence, row_place };
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
    pub(crate) fn settle(&mut self, rule: &OnDuplicate<V>, rejected: &mut Vec<Duplicate>) {
        for Item { hash, entry } in self.refused.drain(..) {
            let Some(first) = self.table.find(hash, |old| old.key == entry.key) else { continue };
            let (Some(row_place), Some(first_place)) =
                (entry.row_place.row_place(), first.row_place.row_place())
            else {
                continue;
            };
            let (sequence, first_sequence) = (entry.sequence, first.sequence);
            rejected.push(Duplicate { sequence, row_place, first_sequence, first: first_place });
        }
        let OnDuplicate::Merge(merge) = rule else { return };
        // The sort is stable: the values of one row keep their order.
        self.later.sort_by_key(|later| (later.item.entry.sequence, !later.displaced));
        for Later { item: Item { hash, entry }, .. } in self.later.drain(..) {
            if let Ok(occupied) = self.table.find_entry(hash, |old| old.key == entry.key) {
                merged(occupied, entry.value, &**merge);
            }
        }
    }

    pub(crate) fn into_partition(self, hasher: &RandomState) -> Partition<K, V> {
        Partition { table: P::strip(self.table, hasher), hasher: hasher.clone() }
    }
}

/// Puts the merged value into the entry. The entry is removed if `merge` panics.
fn merged<K, V, P>(occupied: OccupiedEntry<'_, Entry<K, V, P>>, value: V, merge: &dyn Fn(V, V) -> V) {
    let (Entry { key, value: old, sequence, row_place }, vacant) = occupied.remove();
    vacant.insert(Entry { key, value: merge(old, value), sequence, row_place });
}
