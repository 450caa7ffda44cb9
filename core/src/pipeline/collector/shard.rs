//! What one worker has collected and not handed over yet.
//!
//! While a worker polls its receiver, its shard is in a thread-local, where the receiver's [`Collector`] finds it; in
//! between it is in a slot that the pipeline owns, so that a worker that is killed loses nothing it was given.
//!
//! [`Collector`]: super::Collector

use std::any::Any;
use std::cell::Cell;
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use super::partition::{Item, Partitions};

/// Entries that a buffer holds before it is handed over: enough to make taking a partition cheap, few enough for all
/// buffers of a worker to stay in its cache.
const FULL: usize = 256;

thread_local! {
    static INSTALLED: Cell<Option<Box<dyn Any + Send>>> = const { Cell::new(None) };
}

/// One worker's buffers, one for each partition.
pub(crate) struct Shard<K, V> {
    pipeline: u64,
    partitions: Arc<Partitions<K, V>>,
    buffers: Box<[Vec<Item<K, V>>]>,
}

impl<K: Hash + Eq, V> Shard<K, V> {
    pub(crate) fn new(pipeline: u64, partitions: Arc<Partitions<K, V>>) -> Self {
        let buffers = (0..Partitions::<K, V>::COUNT).map(|_| Vec::new()).collect();
        Self { pipeline, partitions, buffers }
    }

    fn push(&mut self, sequence: u64, key: K, value: V) {
        let hash = self.partitions.hasher.hash_one(&key);
        let index = Partitions::<K, V>::index(hash);
        let Some(buffer) = self.buffers.get_mut(index) else { return };
        buffer.push(Item { hash, sequence, key, value });
        if buffer.len() % FULL == 0 {
            // Taken by another worker: the buffer grows, and the next multiple tries again.
            self.partitions.absorb(index, buffer);
        }
    }

    /// Hands everything over that is free to take it. True if nothing is left.
    pub(crate) fn flush(&mut self) -> bool {
        let mut left = false;
        for (index, buffer) in self.buffers.iter_mut().enumerate().filter(|(_, buffer)| !buffer.is_empty()) {
            self.partitions.absorb(index, buffer);
            left |= !buffer.is_empty();
        }
        !left
    }
}

/// Swaps the thread's shard, and back when dropped.
struct Swap<'a> {
    shard: &'a mut Option<Box<dyn Any + Send>>,
    outer: Option<Box<dyn Any + Send>>,
}

impl Drop for Swap<'_> {
    fn drop(&mut self) {
        let outer = self.outer.take();
        let _ = INSTALLED.try_with(|cell| *self.shard = cell.replace(outer));
    }
}

/// Runs `f` with `shard` as the thread's own.
pub(crate) fn with_installed<O>(shard: &mut Option<Box<dyn Any + Send>>, f: impl FnOnce() -> O) -> O {
    let outer = INSTALLED.try_with(|cell| cell.replace(shard.take())).unwrap_or(None);
    let swap = Swap { shard, outer };
    let output = f();
    drop(swap);
    output
}

/// Puts a value into the thread's shard, if that is one of this pipeline; else the value comes back.
pub(crate) fn push<K, V>(pipeline: u64, sequence: u64, key: K, value: V) -> Result<(), (K, V)>
where
    K: Hash + Eq + Send + 'static,
    V: Send + 'static,
{
    let mut taken = None;
    // While it is out, a `collect` from within a key's own `Hash` finds none and takes the slow path.
    let _ = INSTALLED.try_with(|cell| taken = cell.take());
    let mut back = PutBack(taken);
    match back.0.as_mut().and_then(|shard| shard.downcast_mut::<Shard<K, V>>()) {
        Some(shard) if shard.pipeline == pipeline => {
            shard.push(sequence, key, value);
            Ok(())
        }
        _ => Err((key, value)),
    }
}

struct PutBack(Option<Box<dyn Any + Send>>);

impl Drop for PutBack {
    fn drop(&mut self) {
        let shard = self.0.take();
        let _ = INSTALLED.try_with(|cell| cell.set(shard));
    }
}
