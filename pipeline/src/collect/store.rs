//! The collection store of one pipeline: its parts while they are filled, and their end as a collection.

use std::hash::Hash;
use std::sync::Arc;

use crate::collect::collection::Collection;
use crate::collect::deferred_rejections::DeferredRejections;
use crate::collect::duplicate::OnDuplicate;
use crate::collect::parts::partitions::{PARTS, Partitions, Settled};
use crate::collect::registry::Registration;
use crate::collect::worker::calls::Calls;
use crate::collect::worker::inbox::Inbox;
use crate::collect::worker::installed::{Erased, Installed};
use crate::collect::worker::shard::Shard;
use crate::outcome::names::Names;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::caught;
use sweet_async_core::task::TaskId;

/// The collection store: the parts of one pipeline, registered for as long as it collects.
pub(crate) struct CollectionStore<K, V> {
    pub(crate) pipeline: u64,
    partitions: Arc<Partitions<K, V>>,
    _registration: Registration,
}

impl<K: Hash + Eq + Send + 'static, V: Send + 'static> CollectionStore<K, V> {
    pub(crate) fn open(rule: OnDuplicate<V>, max_errors: usize) -> Self {
        let partitions = Arc::new(Partitions::new(rule, max_errors));
        // Not the task's id: a runtime may count its own tasks, and the registry is shared by the collectors
        // of all runtimes.
        let pipeline = TaskId::next().as_u64().unwrap_or_default();
        let registration = Registration::new(pipeline, partitions.clone());
        Self { pipeline, partitions, _registration: registration }
    }

    /// Creates the shards of the workers. Called once.
    pub(crate) fn shards(&self, workers: &[Arc<Calls>]) -> Vec<Erased> {
        let inboxes = self.partitions.common.open(workers);
        let shard = |(calls, inbox): (&Arc<Calls>, &Arc<Inbox>)| -> Erased {
            Box::new(Shard::new(self.pipeline, self.partitions.clone(), calls.clone(), inbox.clone()))
        };
        workers.iter().zip(inboxes).map(shard).collect()
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
        if let Some(shard) = Installed::take().get::<Shard<K, V>>() {
            shard.end(succeeded);
        }
    }

    /// Hands over the entries that a worker still holds. Entries whose part another worker uses stay, for
    /// [`close`](Self::close).
    ///
    /// # Errors
    ///
    /// A panic of a key or of a merge.
    pub(crate) fn flush(&self, shard: &mut Erased) -> Result<(), AsyncTaskError> {
        match shard.downcast_mut::<Shard<K, V>>() {
            Some(shard) => caught(|| shard.flush())?,
            None => Ok(()),
        }
    }

    /// The earliest row so far that is rejected for its key.
    pub(crate) fn rejected(&self) -> u64 {
        self.partitions.common.rejected()
    }

    /// Takes over the entries that the workers still hold, and closes the collection. Called once all workers
    /// have ended. Entries that come later are dropped.
    pub(crate) async fn close(
        &self,
        shards: Vec<Erased>,
        names: &Names,
    ) -> (DeferredRejections, Collection<K, V>) {
        let mut panic = None;
        self.partitions.common.close_inboxes();
        for mut shard in shards {
            // No part has another user here, so a flush without a panic hands over all entries. The loop
            // ends, since each panic has removed an entry, or was kept from before.
            while let Err(error) = self.flush(&mut shard) {
                panic = panic.or(Some(error));
                futures_lite::future::yield_now().await;
            }
            futures_lite::future::yield_now().await;
        }
        let mut settled = Settled { partitions: Vec::new(), duplicates: 0, rejected: Vec::new() };
        let places = self.partitions.common.all_places().await;
        for part in 0..PARTS {
            if let Err(error) = self.partitions.close(part, &places, &mut settled) {
                panic = panic.or(Some(error));
            }
            // A part may have many values to merge.
            futures_lite::future::yield_now().await;
        }
        let Settled { partitions, duplicates, rejected } = settled;
        let collection = Collection::new(partitions, duplicates, self.partitions.common.errors(), names);
        (DeferredRejections::new(rejected, panic), collection)
    }
}
