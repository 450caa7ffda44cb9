//! The assignment of threads to shards of a counter, so that many threads do not contend for one.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The number of shards: twice the cores of a small machine. Threads beyond that share a shard, which costs
/// time and nothing else.
pub(crate) const SHARDS: usize = 8;

static NEXT: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static MINE: Cell<Option<usize>> = const { Cell::new(None) };
}

/// The shard of the calling thread, below [`SHARDS`].
pub(crate) fn mine() -> usize {
    let mine = |cell: &Cell<Option<usize>>| {
        cell.get().unwrap_or_else(|| {
            // Relaxed: any number will do.
            let index = NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS;
            cell.set(Some(index));
            index
        })
    };
    MINE.try_with(mine).unwrap_or(0)
}
