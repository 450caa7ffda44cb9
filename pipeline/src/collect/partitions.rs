//! All parts of the keys of one pipeline, and the collected errors.

use std::any::Any;
use std::hash::{BuildHasher, Hash};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use foldhash::fast::RandomState;

use crate::collect::calls::{CallId, Calls};
use crate::collect::duplicate::OnDuplicate;
use crate::collect::errors::{FirstErrors, Noted};
use crate::collect::exclusive::Exclusive;
use crate::collect::inbox::{Inbox, RemoteEntry};
use crate::collect::installed::Erased;
use crate::collect::part::{Item, Part};
use crate::collect::partition::Entry;
use crate::collect::row_place::MaybeRowPlace;
use crate::collect::shard::Shard;
use crate::collect::store::{PartitionStore, Settled};
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::caught;

/// An inbox for each worker.
type Inboxes<K, V, P> = Box<[Arc<Inbox<K, V, P>>]>;

/// The parts of a pipeline's collection, chosen by the hash of a key. Each part has one user at a time.
pub(crate) struct Partitions<K, V, P> {
    parts: Box<[Exclusive<Part<K, V, P>>]>,
    errors: Exclusive<FirstErrors<K>>,
    /// One for each worker, once there are workers.
    inboxes: OnceLock<Inboxes<K, V, P>>,
    rule: OnDuplicate<V>,
    /// The earliest row so far that is rejected for its key; `u64::MAX` if there is none.
    rejected: AtomicU64,
    pub(crate) hasher: RandomState,
}

impl<K: Hash + Eq, V, P: MaybeRowPlace> Partitions<K, V, P> {
    /// The number of parts, a power of two: enough to make two workers rarely meet at one, few enough to keep
    /// one buffer for each small.
    pub(crate) const COUNT: usize = 64;

    pub(crate) fn new(rule: OnDuplicate<V>, max_errors: usize) -> Self {
        Self {
            parts: (0..Self::COUNT).map(|_| Exclusive::new(Part::new())).collect(),
            errors: Exclusive::new(FirstErrors::new(max_errors)),
            inboxes: OnceLock::new(),
            rule,
            rejected: AtomicU64::new(u64::MAX),
            hasher: RandomState::default(),
        }
    }

    /// The part of a hash. It uses neither the lowest nor the highest bits, which the tables use first.
    pub(crate) fn index(hash: u64) -> usize {
        (hash >> 40) as usize % Self::COUNT
    }

    /// Moves all `items` into part `index`, in their order. Returns false, and moves nothing, if another
    /// worker uses the part.
    pub(crate) fn absorb(&self, index: usize, items: &mut Vec<Item<K, V, P>>) -> bool {
        let moved = self.parts.get(index).and_then(|part| {
            part.with(|part| {
                let before = part.refused();
                // From the end, so that a key whose `Hash` or `Eq` panics loses no other value.
                let items = Reversed::new(items);
                while let Some(item) = items.0.pop() {
                    part.insert(item, &self.rule, &self.hasher);
                }
                if let Some(earliest) = part.earliest_refused(before) {
                    // Relaxed: only the number matters, and a worker that sees it late handles a row too
                    // many.
                    self.rejected.fetch_min(earliest, Ordering::Relaxed);
                }
            })
        });
        moved.is_some()
    }

    /// Sends a value that was not collected in its worker's shard to that worker's inbox. Returns it if the
    /// pipeline has ended.
    pub(crate) fn send(&self, call: CallId, entry: Entry<K, V, P>) -> Result<(), Entry<K, V, P>> {
        let hash = self.hasher.hash_one(&entry.key);
        match self.deliver(call, RemoteEntry::Value(Item { hash, entry })) {
            Some(RemoteEntry::Value(Item { entry, .. })) => Err(entry),
            _ => Ok(()),
        }
    }

    /// Sends an error, as [`send`](Self::send) does a value.
    pub(crate) fn send_error(&self, call: CallId, error: Noted<K>) -> Result<(), Noted<K>> {
        match self.deliver(call, RemoteEntry::Error(error)) {
            Some(RemoteEntry::Error(error)) => Err(error),
            _ => Ok(()),
        }
    }

    fn deliver(&self, call: CallId, entry: RemoteEntry<K, V, P>) -> Option<RemoteEntry<K, V, P>> {
        match self.inboxes.get().and_then(|inboxes| inboxes.get(call.worker())) {
            Some(inbox) => inbox.push(call, entry).err(),
            None => Some(entry),
        }
    }

    /// Moves all `errors` to the collected ones. Returns false, and moves nothing, if another worker is doing
    /// that.
    pub(crate) fn note(&self, errors: &mut Vec<Noted<K>>) -> bool {
        self.errors.with(|all| errors.drain(..).for_each(|noted| all.add(noted))).is_some()
    }
}

/// Reversed entries. Those that are left when this is dropped are in their order again.
struct Reversed<'a, T>(&'a mut Vec<T>);

impl<'a, T> Reversed<'a, T> {
    fn new(entries: &'a mut Vec<T>) -> Self {
        entries.reverse();
        Self(entries)
    }
}

impl<T> Drop for Reversed<'_, T> {
    fn drop(&mut self) {
        self.0.reverse();
    }
}

impl<K, V, P> PartitionStore<K, V> for Partitions<K, V, P>
where
    K: Hash + Eq + Send + 'static,
    V: Send + 'static,
    P: MaybeRowPlace,
{
    fn shards(self: Arc<Self>, pipeline: u64, workers: &[Arc<Calls>]) -> Vec<Erased> {
        let inboxes = workers.iter().map(|calls| Arc::new(Inbox::new(calls.clone()))).collect();
        let inboxes = self.inboxes.get_or_init(|| inboxes);
        let shard = |(calls, inbox): (&Arc<Calls>, &Arc<Inbox<K, V, P>>)| -> Erased {
            Box::new(Shard::new(pipeline, self.clone(), calls.clone(), inbox.clone()))
        };
        workers.iter().zip(inboxes).map(shard).collect()
    }

    fn end(&self, shard: &mut dyn Any, succeeded: bool) {
        if let Some(shard) = shard.downcast_mut::<Shard<K, V, P>>() {
            shard.end(succeeded);
        }
    }

    fn close_inboxes(&self) {
        self.inboxes.get().into_iter().flatten().for_each(|inbox| inbox.close());
    }

    fn flush(&self, shard: &mut dyn Any) -> Result<(), AsyncTaskError> {
        match shard.downcast_mut::<Shard<K, V, P>>() {
            Some(shard) => caught(|| shard.flush())?,
            None => Ok(()),
        }
    }

    fn rejected(&self) -> u64 {
        self.rejected.load(Ordering::Relaxed)
    }

    fn parts(&self) -> usize {
        Self::COUNT
    }

    fn close(&self, index: usize, settled: &mut Settled<K, V>) -> Result<(), AsyncTaskError> {
        let Some(mut part) = self.parts.get(index).and_then(Exclusive::take) else { return Ok(()) };
        let result = caught(|| part.settle(&self.rule, &mut settled.rejected));
        settled.duplicates += part.duplicates;
        settled.partitions.push(caught(|| part.into_partition(&self.hasher))?);
        result
    }

    fn errors(&self) -> Option<FirstErrors<K>> {
        self.errors.take()
    }
}
