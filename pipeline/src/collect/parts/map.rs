//! The conversion of all partitions into one map.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};
use std::mem::{needs_drop, size_of};

use crate::collect::parts::partition::Partition;

/// The number of entries from which on grouping pays off: fewer fit into a cache.
const MANY: usize = 1 << 16;

/// The slots of the map that one group fills: few enough to stay in a core's cache.
const GROUP_SLOTS: usize = 1 << 14;

/// The most groups that can be filled at the same time without cache misses.
const GROUPS: usize = 512;

/// The largest entry, in bytes, for which one more move costs less than a cache miss.
const SMALL: usize = 64;

pub(crate) fn into_map<K: Hash + Eq, V>(partitions: Vec<Partition<K, V>>) -> HashMap<K, V> {
    let len = partitions.iter().map(Partition::len).sum();
    let mut map = HashMap::with_capacity(len);
    // A key that owns memory would need a second access to that memory.
    if len < MANY || size_of::<(K, V)>() > SMALL || needs_drop::<K>() {
        map.extend(partitions.into_iter().flatten());
    } else {
        group_by_slot(partitions, &map).into_iter().for_each(|group| map.extend(group));
    }
    map
}

/// Groups entries by their slots in the map, so that the map is filled one range of slots after the other
/// and not all over. Two million pairs of numbers took half the time this way.
///
/// This relies on the standard map to find a key's slot by the lowest bits of its hash, as it does today.
/// With another map it would be as slow as without.
fn group_by_slot<K: Hash, V>(partitions: Vec<Partition<K, V>>, map: &HashMap<K, V>) -> Vec<Vec<(K, V)>> {
    // The number of slots of the map, which is filled to seven eighths at most.
    let slots = (map.capacity() * 8 / 7).next_power_of_two();
    let groups = (slots / GROUP_SLOTS).clamp(1, GROUPS);
    let group_slots = slots / groups;
    let room = map.capacity() / groups;
    let mut grouped: Vec<Vec<_>> = (0..groups).map(|_| Vec::with_capacity(room)).collect();
    for entry in partitions.into_iter().flatten() {
        let slot = map.hasher().hash_one(&entry.0) as usize & (slots - 1);
        if let Some(group) = grouped.get_mut(slot / group_slots) {
            group.push(entry);
        }
    }
    grouped
}
