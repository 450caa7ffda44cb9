//! How many have begun and how many have ended, counted by many threads without getting in each other's way.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Twice the cores of a small machine: threads beyond that share a shard, which costs time and nothing else.
const SHARDS: usize = 8;

static NEXT_SHARD: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static SHARD: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Beginnings and ends. Both only grow, so that reading the ends first and the beginnings after them can never make
/// out fewer than are alive: if the two sums agree, nothing was alive at the moment between the two readings.
#[derive(Default)]
pub(super) struct Counts {
    shards: [Shard; SHARDS],
}

/// On a cache line of its own, and on the next, which processors fetch along.
#[derive(Default)]
#[repr(align(128))]
struct Shard {
    begun: AtomicUsize,
    ended: AtomicUsize,
}

impl Counts {
    fn shard(&self) -> &Shard {
        let mine = |cell: &Cell<Option<usize>>| {
            cell.get().unwrap_or_else(|| {
                // Relaxed: any number will do.
                let index = NEXT_SHARD.fetch_add(1, Ordering::Relaxed) % SHARDS;
                cell.set(Some(index));
                index
            })
        };
        let [first, ..] = &self.shards;
        self.shards.get(SHARD.try_with(mine).unwrap_or(0)).unwrap_or(first)
    }

    pub(super) fn begin(&self) {
        // SeqCst, as everything here: see `alive`, and the phase of the root scope, which is read beside it.
        self.shard().begun.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn end(&self) {
        self.shard().ended.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn begun(&self) -> usize {
        self.sum(|shard| &shard.begun)
    }

    pub(super) fn ended(&self) -> usize {
        self.sum(|shard| &shard.ended)
    }

    pub(super) fn alive(&self) -> usize {
        let ended = self.ended();
        self.begun().wrapping_sub(ended)
    }

    fn sum(&self, count: fn(&Shard) -> &AtomicUsize) -> usize {
        let add = |sum: usize, shard| sum.wrapping_add(count(shard).load(Ordering::SeqCst));
        self.shards.iter().fold(0, add)
    }
}
