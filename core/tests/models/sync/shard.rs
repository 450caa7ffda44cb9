//! The shard that a thread counts on: stands for `core/src/sync/shard.rs`, and lets the models choose.

use std::cell::Cell;

/// Two shards show everything that more would.
pub(crate) const SHARDS: usize = 2;

loom::thread_local! {
    static MINE: Cell<usize> = Cell::new(0);
}

pub(crate) fn sit_at(shard: usize) {
    MINE.with(|mine| mine.set(shard));
}

pub(crate) fn mine() -> usize {
    MINE.with(Cell::get)
}
