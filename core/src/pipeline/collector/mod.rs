//! Keyed results of a pipeline.
//!
//! Each worker buffers what it collects by the key's hash and hands a full buffer to the one owner of that
//! [`Partition`], so workers share no lock and no map, and memory is bounded by the distinct keys and not by the rows.
//! An entry keeps the sequence of its event: which of two values under one key stays is decided by source order,
//! whatever the order in which they were collected.
//!
//! ```text
//! Collector (in the receiver) ─► Shard (of the worker) ─full buffer─► Partitions ─► Collection (in the final event)
//! ```

mod collection;
mod partition;
mod registry;
mod shard;

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;

pub use collection::Collection;
pub use partition::Partition;
pub(crate) use partition::Partitions;
pub(crate) use registry::Registration;
pub(crate) use shard::{Shard, with_installed};

/// Takes keyed values from a receiver, for the final event.
///
/// It is two words: made for each event, it costs nothing until it is used. It belongs to the receiver's call or
/// future; elsewhere it still works, on a slower path, until the pipeline ends.
pub struct Collector<K, V> {
    pipeline: u64,
    sequence: u64,
    types: PhantomData<fn(K, V)>,
}

impl<K, V> Collector<K, V>
where
    K: Hash + Eq + Send + 'static,
    V: Send + 'static,
{
    pub(crate) fn new(pipeline: u64, sequence: u64) -> Self {
        Self { pipeline, sequence, types: PhantomData }
    }

    /// Collects `value` under `key`. Of several values under one key, the one that is last in source order stays.
    ///
    /// A value collected after its pipeline has ended, which takes a collector that was moved out of the receiver,
    /// has nowhere to go: it is dropped, and that is reported through `tracing`.
    ///
    /// Not to be called from within a key's own `Eq`: the partition is in use there, and the call would wait for itself.
    pub fn collect(&self, key: K, value: V) {
        let Err((key, value)) = shard::push(self.pipeline, self.sequence, key, value) else { return };
        if registry::push(self.pipeline, self.sequence, key, value).is_err() {
            tracing::warn!(
                task.id = self.pipeline,
                event.sequence = self.sequence,
                "a value was collected after its pipeline had ended, and is dropped"
            );
        }
    }
}

impl<V: Send + 'static> Collector<u64, V> {
    /// Collects `value` under its event's sequence.
    pub fn collect_item(&self, value: V) {
        self.collect(self.sequence, value);
    }
}

impl<K, V> fmt::Debug for Collector<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collector").field("sequence", &self.sequence).finish_non_exhaustive()
    }
}
