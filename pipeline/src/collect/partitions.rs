//! All parts of the keys of one pipeline, and the errors beside them.

use std::any::Any;
use std::hash::{BuildHasher, Hash};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use foldhash::fast::RandomState;

use crate::collect::calls::{CallId, Calls};
use crate::collect::duplicate::OnDuplicate;
use crate::collect::errors::{FirstErrors, Noted};
use crate::collect::exclusive::Exclusive;
use crate::collect::inbox::{Inbox, Stray};
use crate::collect::installed::Erased;
use crate::collect::part::{Item, Part};
use crate::collect::partition::Slot;
use crate::collect::row_place::MaybeRowPlace;
use crate::collect::shard::Shard;
use crate::collect::store::{Settled, Store};
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::caught;

/// An inbox for each worker.
type Inboxes<K, V, P> = Box<[Arc<Inbox<K, V, P>>]>;

/// Where the values of a pipeline go: parts by the keys' hashes, each with one who is at it, or with none.
pub(crate) struct Partitions<K, V, P> {
    parts: Box<[Exclusive<Part<K, V, P>>]>,
    errors: Exclusive<FirstErrors<K>>,
    /// Of each worker, once there are workers.
    inboxes: OnceLock<Inboxes<K, V, P>>,
    rule: OnDuplicate<V>,
    /// The earliest row so far that is rejected for its key.
    rejected: AtomicU64,
    pub(crate) hasher: RandomState,
}

impl<K: Hash + Eq, V, P: MaybeRowPlace> Partitions<K, V, P> {
    /// Enough for many workers to rarely meet at one, few enough for a buffer each to stay small; a power of two.
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

    /// Which part a hash falls into: by bits that the tables do not look at first, the lowest and the highest.
    pub(crate) fn index(hash: u64) -> usize {
        (hash >> 40) as usize % Self::COUNT
    }

    /// Moves all of `items` into part `index`, in their order. False, and nothing is moved, if somebody else is at it.
    pub(crate) fn absorb(&self, index: usize, items: &mut Vec<Item<K, V, P>>) -> bool {
        let moved = self.parts.get(index).and_then(|part| {
            part.with(|part| {
                let before = part.refused();
                // From the end, so that a key whose `Hash` or `Eq` panics takes no other value with it.
                let items = Reversed::new(items);
                while let Some(item) = items.0.pop() {
                    part.insert(item, &self.rule, &self.hasher);
                }
                if let Some(earliest) = part.earliest_refused(before) {
                    // Relaxed: the number alone matters, and who sees it late handles a row too many.
                    self.rejected.fetch_min(earliest, Ordering::Relaxed);
                }
            })
        });
        moved.is_some()
    }

    /// Puts a value that was not collected into its worker's shard on the way to it. It comes back if the pipeline has
    /// ended.
    pub(crate) fn send(&self, call: CallId, slot: Slot<K, V, P>) -> Result<(), Slot<K, V, P>> {
        let hash = self.hasher.hash_one(&slot.key);
        match self.deliver(call, Stray::Value(Item { hash, slot })) {
            Some(Stray::Value(Item { slot, .. })) => Err(slot),
            _ => Ok(()),
        }
    }

    /// The same with an error.
    pub(crate) fn send_error(&self, call: CallId, error: Noted<K>) -> Result<(), Noted<K>> {
        match self.deliver(call, Stray::Error(error)) {
            Some(Stray::Error(error)) => Err(error),
            _ => Ok(()),
        }
    }

    fn deliver(&self, call: CallId, stray: Stray<K, V, P>) -> Option<Stray<K, V, P>> {
        match self.inboxes.get().and_then(|inboxes| inboxes.get(call.worker())) {
            Some(inbox) => inbox.push(call, stray).err(),
            None => Some(stray),
        }
    }

    /// Moves all of `errors` to the others. False, and nothing is moved, if somebody else is doing that.
    pub(crate) fn note(&self, errors: &mut Vec<Noted<K>>) -> bool {
        self.errors.with(|all| errors.drain(..).for_each(|noted| all.add(noted))).is_some()
    }
}

/// Entries from the last to the first; what is left of them is in its order again when this is dropped.
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

impl<K, V, P> Store<K, V> for Partitions<K, V, P>
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

    fn shut(&self) {
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
