//! The collection of one pipeline while it is being filled, whatever its values carry.

use std::any::Any;
use std::hash::Hash;
use std::sync::Arc;

use crate::collect::calls::Calls;
use crate::collect::collection::Collection;
use crate::collect::deferred_rejections::{Duplicate, Late};
use crate::collect::duplicate::OnDuplicate;
use crate::collect::errors::FirstErrors;
use crate::collect::installed::{Erased, Installed};
use crate::collect::partition::Partition;
use crate::collect::partitions::Partitions;
use crate::collect::returns::Registration;
use crate::collect::row_place::RowPlace;
use crate::outcome::names::Names;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::task::TaskId;

/// The parts of a collection behind one pointer, so that a pipeline is compiled once whatever its duplicates do.
pub(crate) trait Store<K, V>: Any + Send + Sync {
    /// What each worker collects into. Called once.
    fn shards(self: Arc<Self>, pipeline: u64, workers: &[Arc<Calls>]) -> Vec<Erased>;

    /// Ends a shard's call.
    fn end(&self, shard: &mut dyn Any, succeeded: bool);

    /// Hands over what is in a shard, but for what another worker is in the way of.
    fn flush(&self, shard: &mut dyn Any) -> Result<(), AsyncTaskError>;

    /// From now on, nothing comes from other tasks and threads.
    fn shut(&self);

    /// The earliest row so far that is rejected for its key.
    fn rejected(&self) -> u64;

    fn parts(&self) -> usize;

    /// Takes a part for good, and decides about its duplicates. What of the part can be kept is kept, also if a user's
    /// function panics.
    fn close(&self, part: usize, settled: &mut Settled<K, V>) -> Result<(), AsyncTaskError>;

    /// Takes the errors for good.
    fn errors(&self) -> Option<FirstErrors<K>>;
}

/// What the parts held.
pub(crate) struct Settled<K, V> {
    pub(crate) partitions: Vec<Partition<K, V>>,
    pub(crate) duplicates: u64,
    pub(crate) rejected: Vec<Duplicate>,
}

/// Where the workers of one pipeline bring what they collect.
pub(crate) struct Home<K, V> {
    pub(crate) pipeline: u64,
    store: Arc<dyn Store<K, V>>,
    _registration: Registration,
}

impl<K: Hash + Eq + Send + 'static, V: Send + 'static> Home<K, V> {
    pub(crate) fn open(rule: OnDuplicate<V>, max_errors: usize) -> Self {
        match rule {
            OnDuplicate::Error => Self::of(Arc::new(Partitions::<K, V, RowPlace>::new(rule, max_errors))),
            rule => Self::of(Arc::new(Partitions::<K, V, ()>::new(rule, max_errors))),
        }
    }

    fn of(store: Arc<impl Store<K, V>>) -> Self {
        // Not the task's id: a runtime may count its own tasks, and collectors of all runtimes meet.
        let pipeline = TaskId::next().as_u64().unwrap_or_default();
        let registration = Registration::new(pipeline, &store);
        Self { pipeline, store, _registration: registration }
    }

    /// What each worker collects into. Called once.
    pub(crate) fn shards(&self, workers: &[Arc<Calls>]) -> Vec<Erased> {
        self.store.clone().shards(self.pipeline, workers)
    }

    /// Ends the call of a worker whose shard is installed: what it has collected counts, or leaves nothing.
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
            self.store.end(&mut **shard, succeeded);
        }
    }

    /// Hands over what a worker still holds. What another worker is in the way of stays, for [`close`](Self::close).
    ///
    /// # Errors
    ///
    /// A panic of a key or of a merge.
    pub(crate) fn flush(&self, shard: &mut Erased) -> Result<(), AsyncTaskError> {
        self.store.flush(&mut **shard)
    }

    /// The earliest row so far that is rejected for its key.
    pub(crate) fn rejected(&self) -> u64 {
        self.store.rejected()
    }

    /// Takes over what the workers have left, which are all gone, and closes the collection: what comes later is lost.
    pub(crate) async fn close(&self, left: Vec<Erased>, names: &Names) -> (Late, Collection<K, V>) {
        let mut panic = None;
        self.store.shut();
        for mut shard in left {
            // Nobody else is at the parts: each panic has taken one entry with it, and without one, all is handed over.
            while let Err(error) = self.flush(&mut shard) {
                panic = panic.or(Some(error));
                futures_lite::future::yield_now().await;
            }
            futures_lite::future::yield_now().await;
        }
        let mut settled = Settled { partitions: Vec::new(), duplicates: 0, rejected: Vec::new() };
        for part in 0..self.store.parts() {
            if let Err(error) = self.store.close(part, &mut settled) {
                panic = panic.or(Some(error));
            }
            // A part may have much to merge.
            futures_lite::future::yield_now().await;
        }
        let Settled { partitions, duplicates, mut rejected } = settled;
        rejected.sort_by_key(|duplicate| duplicate.sequence);
        rejected.dedup_by_key(|duplicate| duplicate.sequence);
        let collection = Collection::new(partitions, duplicates, self.store.errors(), names);
        (Late { rejected, panic }, collection)
    }
}
