//! The collection store of one pipeline: its collection while it is being filled.

use std::any::Any;
use std::hash::Hash;
use std::sync::Arc;

use crate::collect::calls::Calls;
use crate::collect::collection::Collection;
use crate::collect::deferred_rejections::{DeferredRejections, Duplicate};
use crate::collect::duplicate::OnDuplicate;
use crate::collect::errors::FirstErrors;
use crate::collect::installed::{Erased, Installed};
use crate::collect::partition::Partition;
use crate::collect::partitions::Partitions;
use crate::collect::registry::Registration;
use crate::collect::row_place::RowPlace;
use crate::outcome::names::Names;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::task::TaskId;

/// The parts of a collection as a trait object, so that a pipeline is compiled once for all rules for
/// duplicates.
pub(crate) trait PartitionStore<K, V>: Any + Send + Sync {
    /// Creates the shards of the workers. Called once.
    fn shards(self: Arc<Self>, pipeline: u64, workers: &[Arc<Calls>]) -> Vec<Erased>;

    /// Ends the running call of a shard.
    fn end(&self, shard: &mut dyn Any, succeeded: bool);

    /// Hands over the entries of a shard whose parts no other worker uses.
    fn flush(&self, shard: &mut dyn Any) -> Result<(), AsyncTaskError>;

    /// Closes the inboxes: no entry comes from other tasks and threads from now on.
    fn close_inboxes(&self);

    /// The earliest row so far that is rejected for its key.
    fn rejected(&self) -> u64;

    fn parts(&self) -> usize;

    /// Takes a part for good, and decides about its duplicates. The values that can be kept are kept, also if
    /// a user's function panics.
    fn close(&self, part: usize, settled: &mut Settled<K, V>) -> Result<(), AsyncTaskError>;

    /// Takes the errors for good.
    fn errors(&self) -> Option<FirstErrors<K>>;
}

/// The content of the parts.
pub(crate) struct Settled<K, V> {
    pub(crate) partitions: Vec<Partition<K, V>>,
    pub(crate) duplicates: u64,
    pub(crate) rejected: Vec<Duplicate>,
}

/// The collection store: the destination of all entries that the workers of one pipeline collect.
pub(crate) struct CollectionStore<K, V> {
    pub(crate) pipeline: u64,
    partitions: Arc<dyn PartitionStore<K, V>>,
    _registration: Registration,
}

impl<K: Hash + Eq + Send + 'static, V: Send + 'static> CollectionStore<K, V> {
    pub(crate) fn open(rule: OnDuplicate<V>, max_errors: usize) -> Self {
        match rule {
            OnDuplicate::Error => Self::of(Arc::new(Partitions::<K, V, RowPlace>::new(rule, max_errors))),
            rule => Self::of(Arc::new(Partitions::<K, V, ()>::new(rule, max_errors))),
        }
    }

    fn of(partitions: Arc<impl PartitionStore<K, V>>) -> Self {
        // Not the task's id: a runtime may count its own tasks, and the registry is shared by the collectors
        // of all runtimes.
        let pipeline = TaskId::next().as_u64().unwrap_or_default();
        let registration = Registration::new(pipeline, &partitions);
        Self { pipeline, partitions, _registration: registration }
    }

    /// Creates the shards of the workers. Called once.
    pub(crate) fn shards(&self, workers: &[Arc<Calls>]) -> Vec<Erased> {
        self.partitions.clone().shards(self.pipeline, workers)
    }

    /// Ends the call of a worker whose shard is installed: its entries count, or are removed.
    #[inline]
    pub(crate) fn end(&self, calls: &Calls, succeeded: bool) {
        if succeeded && !calls.has_waiting() {
            calls.end();
        } else {
            self.settle(succeeded);
        }
    }

    #[cold]
    #[inline(never)]
    fn settle(&self, succeeded: bool) {
        if let Some(shard) = Installed::take().any() {
            self.partitions.end(&mut **shard, succeeded);
        }
    }

    /// Hands over the entries that a worker still holds. Entries whose part another worker uses stay, for
    /// [`close`](Self::close).
    ///
    /// # Errors
    ///
    /// A panic of a key or of a merge.
    pub(crate) fn flush(&self, shard: &mut Erased) -> Result<(), AsyncTaskError> {
        self.partitions.flush(&mut **shard)
    }

    /// The earliest row so far that is rejected for its key.
    pub(crate) fn rejected(&self) -> u64 {
        self.partitions.rejected()
    }

    /// Takes over the entries that the workers have left, after all workers have ended, and closes the
    /// collection. Entries that come later are lost.
    pub(crate) async fn close(
        &self,
        shards: Vec<Erased>,
        names: &Names,
    ) -> (DeferredRejections, Collection<K, V>) {
        let mut panic = None;
        self.partitions.close_inboxes();
        for mut shard in shards {
            // The parts have no other user here. Each panic has removed one entry; without a panic, all
            // entries are handed over.
            while let Err(error) = self.flush(&mut shard) {
                panic = panic.or(Some(error));
                futures_lite::future::yield_now().await;
            }
            futures_lite::future::yield_now().await;
        }
        let mut settled = Settled { partitions: Vec::new(), duplicates: 0, rejected: Vec::new() };
        for part in 0..self.partitions.parts() {
            if let Err(error) = self.partitions.close(part, &mut settled) {
                panic = panic.or(Some(error));
            }
            // A part may have many values to merge.
            futures_lite::future::yield_now().await;
        }
        let Settled { partitions, duplicates, mut rejected } = settled;
        rejected.sort_by_key(|duplicate| duplicate.sequence);
        rejected.dedup_by_key(|duplicate| duplicate.sequence);
        let collection = Collection::new(partitions, duplicates, self.partitions.errors(), names);
        (DeferredRejections { rejected, panic }, collection)
    }
}
