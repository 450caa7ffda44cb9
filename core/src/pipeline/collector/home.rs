//! The collection of one pipeline while it is being filled, whatever its values carry.

use std::any::Any;
use std::hash::Hash;
use std::sync::Arc;

use super::collection::Collection;
use super::duplicate::OnDuplicate;
use super::errors::FirstErrors;
use super::partition::Partition;
use super::partitions::Partitions;
use super::registry::Registration;
use super::spot::Spot;
use crate::error::AsyncTaskError;
use crate::pipeline::late::{Duplicate, Late};
use crate::task::{TaskId, caught};

/// The parts of a collection behind one pointer, so that a pipeline is compiled once whatever its duplicates do.
pub(super) trait Store<K, V>: Any + Send + Sync {
    /// What a worker collects into.
    fn shard(self: Arc<Self>, pipeline: u64) -> Box<dyn Any + Send>;

    /// Hands over what is in a shard. False if it must be called again.
    fn flush(&self, shard: &mut dyn Any) -> bool;

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
pub(super) struct Settled<K, V> {
    pub(super) partitions: Vec<Partition<K, V>>,
    pub(super) duplicates: u64,
    pub(super) rejected: Vec<Duplicate>,
}

/// Where the workers of one pipeline bring what they collect.
pub(crate) struct Home<K, V> {
    pub(crate) pipeline: u64,
    rejects: bool,
    store: Arc<dyn Store<K, V>>,
    _registration: Registration,
}

impl<K: Hash + Eq + Send + 'static, V: Send + 'static> Home<K, V> {
    pub(crate) fn open(rule: OnDuplicate<V>, max_errors: usize) -> Self {
        match rule {
            OnDuplicate::Error => Self::of(true, Arc::new(Partitions::<K, V, Spot>::new(rule, max_errors))),
            rule => Self::of(false, Arc::new(Partitions::<K, V, ()>::new(rule, max_errors))),
        }
    }

    fn of(rejects: bool, store: Arc<impl Store<K, V>>) -> Self {
        // Not the task's id: a runtime may count its own tasks, and collectors of all runtimes meet.
        let pipeline = TaskId::next().as_u64().unwrap_or_default();
        let registration = Registration::new(pipeline, &store);
        Self { pipeline, rejects, store, _registration: registration }
    }

    pub(crate) fn shard(&self) -> Box<dyn Any + Send> {
        self.store.clone().shard(self.pipeline)
    }

    /// Hands over what a worker still holds. False if it must be called again.
    pub(crate) fn flush(&self, shard: &mut Box<dyn Any + Send>) -> bool {
        self.store.flush(&mut **shard)
    }

    /// True if a row may be rejected for its key.
    pub(crate) fn rejects(&self) -> bool {
        self.rejects
    }

    /// The earliest row so far that is rejected for its key.
    pub(crate) fn rejected(&self) -> u64 {
        self.store.rejected()
    }

    /// Takes over what workers that were killed have left, and closes the collection: what comes later is lost.
    pub(crate) async fn close(
        &self,
        left: Vec<Box<dyn Any + Send>>,
        names: &[Arc<str>],
    ) -> (Late, Collection<K, V>) {
        let mut panic = None;
        for mut shard in left {
            loop {
                match caught(|| self.flush(&mut shard)) {
                    Ok(true) => break,
                    Ok(false) => futures_lite::future::yield_now().await,
                    Err(error) => {
                        panic = panic.or(Some(error));
                        break;
                    }
                }
            }
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
