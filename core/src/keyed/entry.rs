//! The policy of one key, which is handed out or evicted, and never both.
//!
//! # Invariants
//!
//! - **I1** The state counts the threads that are making a handle, and has the bit `REMOVED` while an
//!   eviction is decided, and from a removal on. With the bit set, no handle is made.
//! - **I2** An eviction sets the bit only while no thread is counted. It then asks whether the policy is
//!   idle, and this answer stays true: it says that there is no other handle, and none can be made. If the
//!   policy is in use, the bit is cleared again. Of a policy that other entries have, too, nothing is asked:
//!   it is not lost with this one.
//! - **I3** The bit is changed under the lock of the table. A thread that finds it set waits for that lock,
//!   and looks again: by then, the entry is out of its bucket, or the bit is cleared.

// The numbers of its uses order nothing else, and are not part of the protocol.
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use crate::keyed::keyable::Keyable;
use crate::sync::{AtomicUsize, Ordering};

const REMOVED: usize = 1 << (usize::BITS - 1);

/// A key and its policy.
pub(super) struct Entry<K, V> {
    pub(super) hash: u64,
    pub(super) key: K,
    policy: V,
    /// The addresses of its policies, each once.
    pub(super) addresses: Box<[usize]>,
    state: AtomicUsize,
    /// The number of its last use.
    used: AtomicU64,
    /// The number of the use by which it is in the order; read and written under the lock of the table.
    rank: AtomicU64,
}

impl<K, V: Keyable> Entry<K, V> {
    pub(super) fn new(hash: u64, key: K, policy: V) -> Self {
        let mut addresses = Vec::new();
        policy.each_address(&mut |address| addresses.push(address));
        addresses.sort_unstable();
        addresses.dedup();
        let (used, rank) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { hash, key, policy, addresses: addresses.into(), state: AtomicUsize::new(0), used, rank }
    }

    /// A handle to the policy; `None` if it is removed, or an eviction is being decided.
    pub(super) fn handle(&self) -> Option<V> {
        // Relaxed: an eviction comes before or after it in the order of this atomic's changes (I1).
        let state = self.state.fetch_add(1, Ordering::Relaxed);
        let policy = (state & REMOVED == 0).then(|| self.policy.clone());
        // Release: pairs with the Acquire in `evict`.
        self.state.fetch_sub(1, Ordering::Release);
        policy
    }

    /// Marks it as removed, if it is idle at `now`, apart from the policies that other entries have, too; true
    /// if so. Under the lock of the table.
    pub(super) fn evict(&self, now: Instant, is_shared: &dyn Fn(usize) -> bool) -> bool {
        // Without the bit first: a lookup of a policy in use should not have to wait.
        if !self.policy.is_idle_apart_from(now, is_shared) {
            return false;
        }
        // Acquire: pairs with the Release in `handle`, so that a handle made there is seen below (I2).
        let marked = self.state.compare_exchange(0, REMOVED, Ordering::Acquire, Ordering::Relaxed);
        if marked.is_err() {
            return false;
        }
        if self.policy.is_idle_apart_from(now, is_shared) {
            return true;
        }
        // Relaxed: the lock orders it (I3).
        self.state.fetch_and(!REMOVED, Ordering::Relaxed);
        false
    }

    /// Marks it as removed, in use or not; gives its policy, or `None` if it was removed before. Under the
    /// lock of the table.
    pub(super) fn remove(&self) -> Option<V> {
        // Relaxed: as in `handle`, and the lock orders it (I3).
        let state = self.state.fetch_or(REMOVED, Ordering::Relaxed);
        (state & REMOVED == 0).then(|| self.policy.clone())
    }

    pub(super) fn used(&self) -> u64 {
        // Relaxed, as all that follow: a use that is seen late costs the entry its rank, and nothing else.
        self.used.load(Ordering::Relaxed)
    }

    pub(super) fn set_used(&self, number: u64) {
        self.used.store(number, Ordering::Relaxed);
    }

    pub(super) fn rank(&self) -> u64 {
        self.rank.load(Ordering::Relaxed)
    }

    pub(super) fn set_rank(&self, number: u64) {
        self.rank.store(number, Ordering::Relaxed);
    }
}
