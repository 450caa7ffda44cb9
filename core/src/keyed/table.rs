//! The entries of a `Keyed`: a hash table that is read without a lock, and the order of their last uses.
//!
//! A bucket is an immutable list, which is replaced as a whole. The number of entries is bounded, so the
//! number of buckets is fixed. One lock guards all changes of the table, which come with new keys alone.
//!
//! Code of the user's runs outside of the lock: the comparison of keys, on the list of a bucket as it was
//! read, and the destructors of keys and policies, which are handed out of the lock. An entry is added only
//! if its bucket is still the list in which its key was not found.
//!
//! # The order of uses
//!
//! Each use has a number, and an entry has that of its last use. The order holds each entry at the number of
//! some earlier use, since a use takes no lock. An eviction therefore first moves the entries that were used
//! since. The first that was not is the least recently used: all others are at a later number, or were used
//! later.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use arc_swap::{ArcSwapOption, Guard};

use crate::keyed::entry::Entry;
use crate::keyed::keyable::Keyable;
use crate::sync::{Mutex, MutexGuard, Ordering};

/// The greatest number of buckets: with a million keys, a lookup compares some 60 hashes.
const MOST_BUCKETS: usize = 1 << 14;

/// The entries of a bucket.
type Bucket<K, V> = Vec<Arc<Entry<K, V>>>;

/// A bucket as it was at some time; `None` if it was empty.
pub(super) type Seen<K, V> = Option<Arc<Bucket<K, V>>>;

/// All entries.
struct Order<K, V> {
    /// The entries by the numbers of their uses.
    by_use: BTreeMap<u64, Arc<Entry<K, V>>>,
    /// For each address of a policy, the number of entries that have it.
    holders: BTreeMap<usize, usize>,
}

impl<K, V> Order<K, V> {
    /// Counts the policies of an entry.
    fn hold(&mut self, entry: &Entry<K, V>) {
        for address in &entry.addresses {
            *self.holders.entry(*address).or_default() += 1;
        }
    }

    /// Counts them out again.
    fn release(&mut self, entry: &Entry<K, V>) {
        for address in &entry.addresses {
            if let Some(holders) = self.holders.get_mut(address) {
                *holders -= 1;
                if *holders == 0 {
                    self.holders.remove(address);
                }
            }
        }
    }
}

/// The result of an insertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Insertion {
    Done,
    /// The bucket has changed, and may hold an equal key.
    Changed,
    /// There are as many entries as there may be, and all of them are in use.
    Full,
}

pub(super) struct Table<K, V> {
    buckets: Box<[ArcSwapOption<Bucket<K, V>>]>,
    /// The lock is taken for new keys, for removals, and to look at all entries. It is no lock-free
    /// structure: the bound, the order and a bucket have to change together.
    order: Mutex<Order<K, V>>,
    /// The number of the last use.
    uses: AtomicU64,
    max: usize,
}

impl<K, V: Keyable> Table<K, V> {
    pub(super) fn new(max: usize) -> Self {
        let buckets = max.clamp(1, MOST_BUCKETS).next_power_of_two();
        let buckets = (0..buckets).map(|_| ArcSwapOption::empty()).collect();
        let order = Order { by_use: BTreeMap::new(), holders: BTreeMap::new() };
        Self { buckets, order: Mutex::new(order), uses: AtomicU64::new(0), max }
    }

    pub(super) fn max(&self) -> usize {
        self.max
    }

    pub(super) fn len(&self) -> usize {
        self.lock().by_use.len()
    }

    fn lock(&self) -> MutexGuard<'_, Order<K, V>> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of buckets is a power of two, so there always is one.
    fn bucket(&self, hash: u64) -> Option<&ArcSwapOption<Bucket<K, V>>> {
        let last = self.buckets.len().saturating_sub(1) as u64;
        self.buckets.get(usize::try_from(hash & last).unwrap_or(0))
    }

    fn next_use(&self) -> u64 {
        // Relaxed: each caller gets a number of its own.
        self.uses.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The policy of a key, which counts as used. Else the bucket in which it is not.
    pub(super) fn find(&self, hash: u64, is_key: impl Fn(&K) -> bool) -> Result<V, Seen<K, V>> {
        let Some(bucket) = self.bucket(hash) else { return Err(None) };
        loop {
            let seen = bucket.load();
            let Some(entry) = entry_of(&seen, hash, &is_key) else { return Err(Guard::into_inner(seen)) };
            let handle = entry.handle();
            // The last that was used stays so, and nothing is written that other threads read.
            if handle.is_some() && entry.used() != self.uses.load(Ordering::Relaxed) {
                entry.set_used(self.next_use());
            }
            // This may be the last to hold keys that were removed, whose destructors are foreign code.
            drop(seen);
            match handle {
                Some(policy) => return Ok(policy),
                // See I3 of `entry`.
                None => drop(self.lock()),
            }
        }
    }

    /// Adds `entry`, unless its bucket is no longer as it was `seen`. Where the table is full, the least
    /// recently used of the entries that are idle at `now` makes room. The buckets as they were are added to
    /// `replaced`: the caller drops them, and with them what was evicted.
    pub(super) fn insert(
        &self,
        entry: &Arc<Entry<K, V>>,
        seen: &Seen<K, V>,
        now: Instant,
        replaced: &mut Vec<Seen<K, V>>,
    ) -> Insertion {
        let Some(bucket) = self.bucket(entry.hash) else { return Insertion::Full };
        let mut order = self.lock();
        if !is_same(&bucket.load(), seen) {
            return Insertion::Changed;
        }
        // First, so that a policy that it has in common with another entry is seen to be shared.
        order.hold(entry);
        if order.by_use.len() >= self.max {
            let Some(evicted) = self.evict(&mut order, now) else {
                order.release(entry);
                return Insertion::Full;
            };
            order.release(&evicted);
            replaced.push(self.unlink(&evicted));
        }
        let number = self.next_use();
        entry.set_used(number);
        entry.set_rank(number);
        order.by_use.insert(number, entry.clone());
        let mut entries = bucket.load().as_deref().cloned().unwrap_or_default();
        entries.push(entry.clone());
        replaced.push(bucket.swap(Some(Arc::new(entries))));
        Insertion::Done
    }

    /// Takes the least recently used entry that is idle out of the order. One that is in use counts as used
    /// now.
    fn evict(&self, order: &mut Order<K, V>, now: Instant) -> Option<Arc<Entry<K, V>>> {
        // After it are entries that were looked at, or used meanwhile.
        let horizon = self.next_use();
        let Order { by_use, holders } = order;
        let is_shared = |address: usize| holders.get(&address).is_some_and(|holders| *holders > 1);
        while let Some(first) = by_use.first_entry().filter(|first| *first.key() < horizon) {
            let (rank, entry) = first.remove_entry();
            let mut used = entry.used();
            if used <= rank {
                if entry.evict(now, &is_shared) {
                    return Some(entry);
                }
                used = self.next_use();
                entry.set_used(used);
            }
            entry.set_rank(used);
            by_use.insert(used, entry);
        }
        None
    }

    /// Takes an entry out of its bucket, under the lock. Returns the bucket as it was, with the entry in it,
    /// so that neither is dropped here.
    fn unlink(&self, entry: &Arc<Entry<K, V>>) -> Seen<K, V> {
        let bucket = self.bucket(entry.hash)?;
        let before = bucket.load();
        let others = before.iter().flat_map(|entries| entries.iter());
        let left: Bucket<K, V> = others.filter(|other| !Arc::ptr_eq(other, entry)).cloned().collect();
        drop(before);
        bucket.swap((!left.is_empty()).then(|| Arc::new(left)))
    }

    /// Removes a key, in use or not; returns its policy.
    pub(super) fn remove(&self, hash: u64, is_key: impl Fn(&K) -> bool) -> Option<V> {
        let seen = self.bucket(hash)?.load_full();
        let entry = entry_of(&seen, hash, &is_key)?;
        let mut order = self.lock();
        // It may have been removed meanwhile.
        let policy = entry.remove()?;
        order.by_use.remove(&entry.rank());
        order.release(entry);
        let replaced = self.unlink(entry);
        // In this order: the destructors of keys are foreign code, and may panic.
        drop(order);
        drop((replaced, seen));
        Some(policy)
    }

    /// All entries, the least recently used first.
    pub(super) fn entries(&self) -> Vec<Arc<Entry<K, V>>> {
        let mut entries: Vec<_> = self.lock().by_use.values().cloned().collect();
        // Asked once for each: it may change meanwhile.
        entries.sort_by_cached_key(|entry| entry.used());
        entries
    }
}

/// The entry of a key in a bucket.
fn entry_of<K, V>(seen: &Seen<K, V>, hash: u64, is_key: impl Fn(&K) -> bool) -> Option<&Arc<Entry<K, V>>> {
    let mut entries = seen.iter().flat_map(|entries| entries.iter());
    entries.find(|entry| entry.hash == hash && is_key(&entry.key))
}

fn is_same<K, V>(one: &Seen<K, V>, other: &Seen<K, V>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => Arc::ptr_eq(one, other),
        (None, None) => true,
        _ => false,
    }
}
