//! All parts of one pipeline's keys, its collected errors, and the inboxes of its workers.

use std::any::Any;
use std::hash::{BuildHasher, Hash};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use concurrent_queue::ConcurrentQueue;
use foldhash::fast::RandomState;

use crate::collect::deferred_rejections::Duplicate;
use crate::collect::duplicate::OnDuplicate;
use crate::collect::errors::{FirstErrors, Noted};
use crate::collect::parts::exclusive::Exclusive;
use crate::collect::parts::part::{Item, Part};
use crate::collect::parts::partition::{Entry, Partition};
use crate::collect::row_place::{Placed, Places, RowPlace};
use crate::collect::worker::calls::{CallId, Calls};
use crate::collect::worker::inbox::Inbox;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::caught;

/// The parts of a pipeline's collection, chosen by the hash of a key. Each part has one user at a time.
pub(crate) struct Partitions<K, V> {
    parts: Vec<Exclusive<Part<K, V>>>,
    rule: OnDuplicate<V>,
    pub(crate) common: Common,
}

/// The data of a collection that are the same for all types of keys and values.
pub(crate) struct Common {
    errors: Exclusive<FirstErrors>,
    /// One inbox for each worker; empty until the workers are known.
    inboxes: OnceLock<Box<[Arc<Inbox>]>>,
    /// True if the places of all rows are kept: where a duplicate is an error, the error names both rows.
    pub(crate) keeps_places: bool,
    /// The places that the ended workers have handed over.
    places: ConcurrentQueue<Vec<Placed>>,
    /// The earliest row so far that is rejected for its key; `u64::MAX` if there is none.
    rejected: AtomicU64,
    pub(crate) hasher: RandomState,
}

/// The number of parts, a power of two: enough to make two workers rarely meet at one, few enough to keep one
/// buffer for each small.
pub(crate) const PARTS: usize = 64;

/// The part of a hash. It uses neither the lowest nor the highest bits: the table of the part uses these.
#[inline]
pub(crate) fn part_of(hash: u64) -> usize {
    (hash >> 40) as usize % PARTS
}

impl Common {
    fn new(max_errors: usize, keeps_places: bool) -> Self {
        Self {
            errors: Exclusive::new(FirstErrors::new(max_errors)),
            inboxes: OnceLock::new(),
            keeps_places,
            places: ConcurrentQueue::unbounded(),
            rejected: AtomicU64::new(u64::MAX),
            hasher: RandomState::default(),
        }
    }

    /// Moves all `errors` to the collected ones. Returns false, and moves nothing, if another worker adds its
    /// own at this moment.
    pub(crate) fn note(&self, errors: &mut Vec<Noted>) -> bool {
        self.errors.with(|all| all.add_all(errors)).is_some()
    }

    /// Takes the places of a worker that has ended.
    pub(crate) fn take_places(&self, places: Vec<Placed>) {
        // Unbounded, and never closed.
        let _ = self.places.push(places);
    }

    /// Puts an entry into the inbox of the worker that made the call. Returns it if the pipeline has ended.
    fn deliver(&self, call: CallId, entry: Box<dyn Any + Send>) -> Result<(), Box<dyn Any + Send>> {
        match self.inboxes.get().and_then(|inboxes| inboxes.get(call.worker())) {
            Some(inbox) => inbox.push(call, entry),
            None => Err(entry),
        }
    }

    /// Makes the inboxes of the workers. Called once.
    pub(crate) fn open(&self, workers: &[Arc<Calls>]) -> &[Arc<Inbox>] {
        let inboxes = || workers.iter().map(|calls| Arc::new(Inbox::new(calls.clone()))).collect();
        self.inboxes.get_or_init(inboxes)
    }

    /// Closes the inboxes: entries of other tasks and threads are refused from now on.
    pub(crate) fn close_inboxes(&self) {
        self.inboxes.get().into_iter().flatten().for_each(|inbox| inbox.close());
    }

    /// The earliest row so far that is rejected for its key.
    pub(crate) fn rejected(&self) -> u64 {
        self.rejected.load(Ordering::Relaxed)
    }

    fn reject(&self, earliest: u64) {
        // Relaxed: only the number matters, and a worker that sees it late handles a row too many.
        self.rejected.fetch_min(earliest, Ordering::Relaxed);
    }

    /// Takes the places of all rows, which are complete once all workers have ended; none, if no row is
    /// rejected for its key.
    pub(crate) async fn all_places(&self) -> Places {
        let mut all = Places::default();
        if self.rejected() != u64::MAX {
            for places in self.places.try_iter() {
                all.add(places);
                // A worker may have many of them.
                futures_lite::future::yield_now().await;
            }
        }
        all
    }

    /// Takes the errors for good.
    pub(crate) fn errors(&self) -> Option<FirstErrors> {
        self.errors.take()
    }
}

impl<K: Hash + Eq + Send + 'static, V: Send + 'static> Partitions<K, V> {
    pub(crate) fn new(rule: OnDuplicate<V>, max_errors: usize) -> Self {
        let common = Common::new(max_errors, matches!(rule, OnDuplicate::Error));
        let mut parts = Vec::with_capacity(PARTS);
        parts.resize_with(PARTS, || Exclusive::new(Part::new()));
        Self { parts, rule, common }
    }

    /// Moves all `items` into part `index`, in their order. Returns false, and moves nothing, if another
    /// worker uses the part.
    pub(crate) fn absorb(&self, index: usize, items: &mut Vec<Item<K, V>>) -> bool {
        let moved = self.parts.get(index).and_then(|part| {
            part.with(|part| {
                let before = part.refused();
                // Popped one by one: a key whose `Hash` or `Eq` panics loses no other value. Reversed, so
                // that the first is popped first.
                let items = Reversed::new(items);
                while let Some(item) = items.0.pop() {
                    part.insert(item, &self.rule, &self.common.hasher);
                }
                if let Some(earliest) = part.earliest_refused(before) {
                    self.common.reject(earliest);
                }
            })
        });
        moved.is_some()
    }

    /// Sends a value to the inbox of the worker that made the call: it was collected on another thread or in
    /// another task. Returns it if the pipeline has ended.
    pub(crate) fn send(&self, call: CallId, entry: Entry<K, V>, place: RowPlace) -> Result<(), Entry<K, V>> {
        let hash = self.common.hasher.hash_one(&entry.key);
        let entry: RemoteValue<K, V> = (Item { hash, entry }, place);
        match self.common.deliver(call, Box::new(entry)).map_err(|refused| refused.downcast()) {
            Err(Ok(refused)) => {
                let (Item { entry, .. }, _): RemoteValue<K, V> = *refused;
                Err(entry)
            }
            _ => Ok(()),
        }
    }

    /// Sends an error, as [`send`](Self::send) does a value.
    pub(crate) fn send_error(&self, call: CallId, error: Noted) -> Result<(), Noted> {
        match self.common.deliver(call, Box::new(error)).map_err(|refused| refused.downcast()) {
            Err(Ok(error)) => Err(*error),
            _ => Ok(()),
        }
    }

    /// Takes a part for good, and settles its duplicates.
    ///
    /// # Errors
    ///
    /// The panic of a user's function. The values that can be kept are kept all the same.
    pub(crate) fn close(
        &self,
        index: usize,
        places: &Places,
        settled: &mut Settled<K, V>,
    ) -> Result<(), AsyncTaskError> {
        // A worker that was left running at the time limit may still use its part. An empty one takes its
        // place: the index of a part is that of its keys.
        let mut part = self.parts.get(index).and_then(Exclusive::take).unwrap_or_else(Part::new);
        let result = caught(|| part.settle(&self.rule, places, &mut settled.rejected));
        settled.duplicates += part.duplicates;
        settled.partitions.push(part.into_partition(&self.common.hasher));
        result
    }
}

/// A value for an inbox, with the place of its row.
pub(crate) type RemoteValue<K, V> = (Item<K, V>, RowPlace);

/// The content of the parts that were closed.
pub(crate) struct Settled<K, V> {
    pub(crate) partitions: Vec<Partition<K, V>>,
    pub(crate) duplicates: u64,
    pub(crate) rejected: Vec<Duplicate>,
}

/// Reversed entries. The entries that are left when this is dropped are in their order again.
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
