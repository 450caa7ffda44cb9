//! Counts of beginnings and ends, by many threads that do not contend.

use crossbeam_utils::CachePadded;

use crate::sync::shard::{SHARDS, mine};
use crate::sync::{AtomicUsize, Ordering};
use crate::tree::ending::Ending;

/// Beginnings and ends. Both only grow, and the ends are read before the beginnings. So a reader never finds
/// fewer than are alive; if the two sums are equal, nothing was alive at the moment between the two readings.
#[derive(Default)]
pub(crate) struct Counts {
    shards: [CachePadded<Shard>; SHARDS],
}

#[derive(Default)]
struct Shard {
    begun: AtomicUsize,
    completed: AtomicUsize,
    failed: AtomicUsize,
    cancelled: AtomicUsize,
}

/// The numbers of tasks on an executor, and of their ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TaskStatistics {
    /// All tasks that were spawned.
    pub spawned: usize,
    /// Tasks that gave a value.
    pub completed: usize,
    /// Tasks that failed: an error, a panic, a timeout.
    pub failed: usize,
    /// Tasks that were cancelled.
    pub cancelled: usize,
    /// Tasks that have not ended.
    pub live: usize,
}

impl Counts {
    fn shard(&self) -> &Shard {
        let [first, ..] = &self.shards;
        self.shards.get(mine()).unwrap_or(first)
    }

    pub(crate) fn begin(&self) {
        // SeqCst, as everything here: see `alive`, and the phase of the root scope, which is read beside it.
        self.shard().begun.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn end(&self, ending: Ending) {
        let shard = self.shard();
        let count = match ending {
            Ending::Completed => &shard.completed,
            Ending::Failed | Ending::TimedOut => &shard.failed,
            Ending::Cancelled => &shard.cancelled,
        };
        count.fetch_add(1, Ordering::SeqCst);
    }

    /// Ends first, then beginnings: see the type.
    pub(crate) fn read(&self) -> TaskStatistics {
        let completed = self.sum(|shard| &shard.completed);
        let failed = self.sum(|shard| &shard.failed);
        let cancelled = self.sum(|shard| &shard.cancelled);
        let spawned = self.begun();
        let live = spawned.wrapping_sub(completed).wrapping_sub(failed).wrapping_sub(cancelled);
        TaskStatistics { spawned, completed, failed, cancelled, live }
    }

    pub(crate) fn begun(&self) -> usize {
        self.sum(|shard| &shard.begun)
    }

    pub(crate) fn ended(&self) -> usize {
        let sum = |count| self.sum(count);
        let (completed, failed) = (sum(|shard| &shard.completed), sum(|shard| &shard.failed));
        completed.wrapping_add(failed).wrapping_add(sum(|shard| &shard.cancelled))
    }

    pub(crate) fn alive(&self) -> usize {
        let ended = self.ended();
        self.begun().wrapping_sub(ended)
    }

    fn sum(&self, count: fn(&Shard) -> &AtomicUsize) -> usize {
        let add =
            |sum: usize, shard: &CachePadded<Shard>| sum.wrapping_add(count(shard).load(Ordering::SeqCst));
        self.shards.iter().fold(0, add)
    }
}
