//! All parts of the keys of one pipeline, and the errors beside them.

use std::any::Any;
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::fast::RandomState;

use super::duplicate::OnDuplicate;
use super::errors::{FirstErrors, Noted};
use super::exclusive::{Absent, Exclusive};
use super::home::{Settled, Store};
use super::part::{Item, Part};
use super::partition::Slot;
use super::shard::Shard;
use super::spot::MaybeSpot;
use crate::error::AsyncTaskError;
use crate::task::caught;

/// Where the values of a pipeline go: parts by the keys' hashes, each with one who is at it, or with none.
pub(crate) struct Partitions<K, V, P> {
    parts: Box<[Exclusive<Part<K, V, P>>]>,
    errors: Exclusive<FirstErrors<K>>,
    rule: OnDuplicate<V>,
    /// The earliest row so far that is rejected for its key.
    rejected: AtomicU64,
    pub(super) hasher: RandomState,
}

impl<K: Hash + Eq, V, P: MaybeSpot> Partitions<K, V, P> {
    /// Enough for many workers to rarely meet at one, few enough for a buffer each to stay small; a power of two.
    pub(super) const COUNT: usize = 64;

    pub(super) fn new(rule: OnDuplicate<V>, max_errors: usize) -> Self {
        Self {
            parts: (0..Self::COUNT).map(|_| Exclusive::new(Part::new())).collect(),
            errors: Exclusive::new(FirstErrors::new(max_errors)),
            rule,
            rejected: AtomicU64::new(u64::MAX),
            hasher: RandomState::default(),
        }
    }

    /// Which part a hash falls into: by bits that the tables do not look at first, the lowest and the highest.
    pub(super) fn index(hash: u64) -> usize {
        (hash >> 40) as usize % Self::COUNT
    }

    /// Moves all of `items` into part `index`, unless somebody else is at it: empty afterwards if it was free.
    pub(super) fn absorb(&self, index: usize, items: &mut Vec<Item<K, V, P>>) -> Result<(), Absent> {
        let part = self.parts.get(index).ok_or(Absent::Gone)?;
        part.with(|part| {
            let before = part.put_off();
            // From the end, so that a key whose `Hash` or `Eq` panics takes no other value with it.
            items.reverse();
            while let Some(item) = items.pop() {
                part.insert(item, &self.rule, &self.hasher);
            }
            if let OnDuplicate::Error = self.rule
                && let Some(earliest) = part.earliest_since(before)
            {
                // Relaxed: the number alone matters, and who sees it late handles a row too many.
                self.rejected.fetch_min(earliest, Ordering::Relaxed);
            }
        })
    }

    /// Puts one value straight into its part. It comes back if the pipeline has ended.
    pub(super) fn put(&self, slot: Slot<K, V, P>) -> Result<(), Slot<K, V, P>> {
        let hash = self.hasher.hash_one(&slot.key);
        let mut items = vec![Item { hash, slot }];
        if Absent::wait(|| self.absorb(Self::index(hash), &mut items)) {
            return Ok(());
        }
        items.pop().map_or(Ok(()), |item| Err(item.slot))
    }

    /// The same with one error.
    pub(super) fn note_one(&self, error: Noted<K>) -> Result<(), Noted<K>> {
        let mut errors = vec![error];
        if Absent::wait(|| self.note(&mut errors)) {
            return Ok(());
        }
        errors.pop().map_or(Ok(()), Err)
    }

    /// Moves all of `errors` to the others, unless somebody else is doing that.
    pub(super) fn note(&self, errors: &mut Vec<Noted<K>>) -> Result<(), Absent> {
        self.errors.with(|all| errors.drain(..).for_each(|noted| all.add(noted)))
    }
}

impl<K, V, P> Store<K, V> for Partitions<K, V, P>
where
    K: Hash + Eq + Send + 'static,
    V: Send + 'static,
    P: MaybeSpot,
{
    fn shard(self: Arc<Self>, pipeline: u64) -> Box<dyn Any + Send> {
        Box::new(Shard::new(pipeline, self))
    }

    fn flush(&self, shard: &mut dyn Any) -> bool {
        shard.downcast_mut::<Shard<K, V, P>>().is_none_or(Shard::flush)
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
