//! A part of the keys while it is being filled.

use std::hash::{BuildHasher, Hash};

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::{Entry, OccupiedEntry};

use crate::collect::deferred_rejections::Duplicate;
use crate::collect::duplicate::OnDuplicate;
use crate::collect::partition::{Partition, Slot};
use crate::collect::row_place::MaybeRowPlace;

/// A value on its way to its part.
pub(crate) struct Item<K, V, P> {
    pub(crate) hash: u64,
    pub(crate) slot: Slot<K, V, P>,
}

/// What was collected of one part of the keys.
pub(crate) struct Part<K, V, P> {
    table: HashTable<Slot<K, V, P>>,
    /// Values that are merged at the end, when all are there. None of them is earlier than what the table has under its
    /// key.
    later: Vec<Later<K, V, P>>,
    /// Duplicates whose rows are rejected at the end, when it is known which row was first.
    refused: Vec<Item<K, (), P>>,
    pub(crate) duplicates: u64,
}

/// A value that is merged at the end.
struct Later<K, V, P> {
    item: Item<K, V, P>,
    /// It stood in the table, and was there before all other values that its row has collected under its key.
    displaced: bool,
}

impl<K: Hash + Eq, V, P: MaybeRowPlace> Part<K, V, P> {
    pub(crate) fn new() -> Self {
        Self { table: HashTable::new(), later: Vec::new(), refused: Vec::new(), duplicates: 0 }
    }

    /// Adds a value. The values of one row come in the order in which it has collected them.
    #[inline]
    pub(crate) fn insert(&mut self, item: Item<K, V, P>, rule: &OnDuplicate<V>, hasher: &RandomState) {
        let Item { hash, slot } = item;
        match self.table.entry(hash, |old| old.key == slot.key, |old| hasher.hash_one(&old.key)) {
            Entry::Vacant(vacant) => drop(vacant.insert(slot)),
            Entry::Occupied(mut occupied) => {
                self.duplicates += 1;
                let old = occupied.get_mut();
                match rule {
                    // The key as well, here and below: keys may be equal and still be told apart.
                    OnDuplicate::KeepLast if slot.sequence >= old.sequence => *old = slot,
                    OnDuplicate::KeepFirst if slot.sequence < old.sequence => *old = slot,
                    OnDuplicate::KeepLast | OnDuplicate::KeepFirst => {}
                    OnDuplicate::Error if slot.sequence == old.sequence => *old = slot,
                    OnDuplicate::Error => {
                        let earlier = slot.sequence < old.sequence;
                        let slot = if earlier { std::mem::replace(old, slot) } else { slot };
                        let Slot { key, sequence, spot, .. } = slot;
                        let slot = Slot { key, value: (), sequence, spot };
                        self.refused.push(Item { hash, slot });
                    }
                    OnDuplicate::Merge(_) => {
                        let displaced = slot.sequence < old.sequence;
                        let slot = if displaced { std::mem::replace(old, slot) } else { slot };
                        self.later.push(Later { item: Item { hash, slot }, displaced });
                    }
                    OnDuplicate::MergeUnordered(merge) => merged(occupied, slot.value, &**merge),
                }
            }
        }
    }

    /// The earliest row that was refused since there were `from` of them.
    pub(crate) fn earliest_refused(&self, from: usize) -> Option<u64> {
        self.refused.get(from..)?.iter().map(|item| item.slot.sequence).min()
    }

    /// The number of duplicates whose rows are rejected.
    pub(crate) fn refused(&self) -> usize {
        self.refused.len()
    }

    /// Merges what was put off. The rows that are rejected go to `rejected`.
    pub(crate) fn settle(&mut self, rule: &OnDuplicate<V>, rejected: &mut Vec<Duplicate>) {
        for Item { hash, slot } in self.refused.drain(..) {
            let Some(first) = self.table.find(hash, |old| old.key == slot.key) else { continue };
            let (Some(spot), Some(place)) = (slot.spot.spot(), first.spot.spot()) else {
                continue;
            };
            let (sequence, first_sequence) = (slot.sequence, first.sequence);
            rejected.push(Duplicate { sequence, spot, first_sequence, first: place });
        }
        let OnDuplicate::Merge(merge) = rule else { return };
        // Stable: what one row has collected stays in its order.
        self.later.sort_by_key(|later| (later.item.slot.sequence, !later.displaced));
        for Later { item: Item { hash, slot }, .. } in self.later.drain(..) {
            if let Ok(occupied) = self.table.find_entry(hash, |old| old.key == slot.key) {
                merged(occupied, slot.value, &**merge);
            }
        }
    }

    pub(crate) fn into_partition(self, hasher: &RandomState) -> Partition<K, V> {
        Partition { table: P::strip(self.table, hasher), hasher: hasher.clone() }
    }
}

/// Puts what `merge` makes of both values into the entry; empties it if `merge` panics.
fn merged<K, V, P>(entry: OccupiedEntry<'_, Slot<K, V, P>>, value: V, merge: &dyn Fn(V, V) -> V) {
    let (Slot { key, value: old, sequence, spot }, vacant) = entry.remove();
    vacant.insert(Slot { key, value: merge(old, value), sequence, spot });
}
