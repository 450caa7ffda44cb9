//! All partitions as one map.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};
use std::mem::{needs_drop, size_of};

use crate::collect::partition::Partition;

/// Entries from which on it pays to deal them: fewer fit into a cache.
const MANY: usize = 1 << 16;

/// Places of the map that one group fills: few enough to stay in a core's cache.
const STRETCH: usize = 1 << 14;

/// The most groups that can be dealt to at the same time without missing the cache there.
const GROUPS: usize = 512;

/// The largest entry for which moving it once more costs less than a miss.
const SMALL: usize = 64;

pub(crate) fn into_map<K: Hash + Eq, V>(partitions: Vec<Partition<K, V>>) -> HashMap<K, V> {
    let len = partitions.iter().map(Partition::len).sum();
    let mut map = HashMap::with_capacity(len);
    // A key that owns memory would be looked up there twice.
    if len < MANY || size_of::<(K, V)>() > SMALL || needs_drop::<K>() {
        map.extend(partitions.into_iter().flatten());
    } else {
        deal(partitions, &map).into_iter().for_each(|group| map.extend(group));
    }
    map
}

/// Entries by where the map will have them, so that it is filled one stretch after the other and not all over: that took
/// half the time for two million pairs of numbers.
///
/// It relies on the standard map's finding a key's place by the lowest bits of its hash, as it does today; with another
/// one it would be as slow as without.
fn deal<K: Hash, V>(partitions: Vec<Partition<K, V>>, map: &HashMap<K, V>) -> Vec<Vec<(K, V)>> {
    // As many places as the map has; it is filled to seven eighths at most.
    let places = (map.capacity() * 8 / 7).next_power_of_two();
    let groups = (places / STRETCH).clamp(1, GROUPS);
    let stretch = places / groups;
    let room = map.capacity() / groups;
    let mut dealt: Vec<Vec<_>> = (0..groups).map(|_| Vec::with_capacity(room)).collect();
    for entry in partitions.into_iter().flatten() {
        let place = map.hasher().hash_one(&entry.0) as usize & (places - 1);
        if let Some(group) = dealt.get_mut(place / stretch) {
            group.push(entry);
        }
    }
    dealt
}
