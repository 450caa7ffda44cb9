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

use super::errors::Noted;
use super::exclusive::Absent;
use super::part::Item;
use super::partition::Slot;
use super::partitions::Partitions;
use super::spot::MaybeSpot;

/// Entries that a buffer holds before it is handed over: enough to make taking a part cheap, few enough for all
/// buffers of a worker to stay in its cache.
const FULL: usize = 256;

thread_local! {
    static INSTALLED: Cell<Option<Box<dyn Any + Send>>> = const { Cell::new(None) };
}

/// One worker's buffers, one for each part.
pub(super) struct Shard<K, V, P> {
    pipeline: u64,
    partitions: Arc<Partitions<K, V, P>>,
    buffers: Box<[Vec<Item<K, V, P>>]>,
    errors: Vec<Noted<K>>,
}

impl<K: Hash + Eq, V, P: MaybeSpot> Shard<K, V, P> {
    pub(super) fn new(pipeline: u64, partitions: Arc<Partitions<K, V, P>>) -> Self {
        let buffers = (0..Partitions::<K, V, P>::COUNT).map(|_| Vec::new()).collect();
        Self { pipeline, partitions, buffers, errors: Vec::new() }
    }

    #[inline]
    fn push(&mut self, slot: Slot<K, V, P>) {
        let hash = self.partitions.hasher.hash_one(&slot.key);
        let index = Partitions::<K, V, P>::index(hash);
        let Some(buffer) = self.buffers.get_mut(index) else { return };
        buffer.push(Item { hash, slot });
        if buffer.len().is_multiple_of(FULL) {
            // Taken by another worker: the buffer grows, and the next multiple tries again.
            let _ = self.partitions.absorb(index, buffer);
        }
    }

    #[cold]
    fn note(&mut self, error: Noted<K>) {
        self.errors.push(error);
        if self.errors.len().is_multiple_of(FULL) {
            let _ = self.partitions.note(&mut self.errors);
        }
    }

    /// Hands everything over that somebody will take. False if some of it is still to be taken.
    pub(super) fn flush(&mut self) -> bool {
        let mut all = self.errors.is_empty() || self.partitions.note(&mut self.errors) != Err(Absent::Busy);
        for (index, buffer) in self.buffers.iter_mut().enumerate().filter(|(_, buffer)| !buffer.is_empty()) {
            all &= self.partitions.absorb(index, buffer) != Err(Absent::Busy);
        }
        all
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

/// The thread's shard while it is in use. A `collect` from within a key's own `Hash` finds none and takes the slow path.
struct InUse(Option<Box<dyn Any + Send>>);

impl InUse {
    fn take() -> Self {
        let mut taken = None;
        let _ = INSTALLED.try_with(|cell| taken = cell.take());
        Self(taken)
    }

    /// It, if it is one of this pipeline and these types.
    fn of<K: 'static, V: 'static, P: 'static>(&mut self, pipeline: u64) -> Option<&mut Shard<K, V, P>> {
        let shard = self.0.as_mut()?.downcast_mut::<Shard<K, V, P>>()?;
        (shard.pipeline == pipeline).then_some(shard)
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        let shard = self.0.take();
        let _ = INSTALLED.try_with(|cell| cell.set(shard));
    }
}

/// Puts a value into the thread's shard, if that is one of this pipeline; else the value comes back.
pub(super) fn push<K, V, P>(pipeline: u64, slot: Slot<K, V, P>) -> Result<(), Slot<K, V, P>>
where
    K: Hash + Eq + Send + 'static,
    V: Send + 'static,
    P: MaybeSpot,
{
    let mut shard = InUse::take();
    match shard.of::<K, V, P>(pipeline) {
        Some(shard) => {
            shard.push(slot);
            Ok(())
        }
        None => Err(slot),
    }
}

/// Puts an error into the thread's shard, as [`push`] does with a value.
pub(super) fn note<K, V, P>(pipeline: u64, error: Noted<K>) -> Result<(), Noted<K>>
where
    K: Hash + Eq + Send + 'static,
    V: Send + 'static,
    P: MaybeSpot,
{
    let mut shard = InUse::take();
    match shard.of::<K, V, P>(pipeline) {
        Some(shard) => {
            shard.note(error);
            Ok(())
        }
        None => Err(error),
    }
}
