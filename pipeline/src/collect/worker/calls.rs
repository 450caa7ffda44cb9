//! The calls of a receiver by their numbers. Entries of a call count once the call has succeeded.
//!
//! Each attempt of an event that is retried is a call; a batch is one call. A worker makes one call after the
//! other.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crossbeam_utils::CachePadded;

/// The bits of a number that count a worker's calls. The bits above them are the worker's index.
const CALL_BITS: u32 = 47;

/// Flag of a state: set before the first call, and from a call's outcome until the next call starts. No call
/// is running while it is set.
const ENDED: u64 = 1 << 63;

/// The number of one call among those of a pipeline. [`Default`] is the number of no call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CallId(u64);

impl CallId {
    /// The index of the worker that made the call.
    pub(crate) fn worker(self) -> usize {
        (self.0 >> CALL_BITS) as usize
    }

    fn follows(self, other: Self) -> bool {
        self.0 == other.0 + 1
    }
}

/// The calls of one worker. Padded, so that no two workers write to the same cache line.
pub(crate) struct Calls(CachePadded<Numbers>);

struct Numbers {
    /// The number of the last call, with [`ENDED`] once it has an outcome.
    ///
    /// Relaxed throughout: it is accessed by the worker alone, and by the coordinator once the worker has
    /// ended.
    state: AtomicU64,
    /// The number of entries that came from other tasks and threads and have not reached the worker's
    /// buffers.
    ///
    /// Relaxed throughout: an entry that was made before something that the worker has waited for is counted
    /// before it as well, and the entries themselves pass through a queue.
    waiting: AtomicUsize,
}

impl Calls {
    /// The calls of the worker at `index`. There are at most 2^16 workers.
    pub(crate) fn of_worker(index: usize) -> Self {
        let state = ENDED | ((index as u64) << CALL_BITS);
        Self(CachePadded::new(Numbers { state: AtomicU64::new(state), waiting: AtomicUsize::new(0) }))
    }

    /// Starts the worker's next call.
    #[inline]
    pub(crate) fn begin(&self) -> CallId {
        let call = (self.0.state.load(Ordering::Relaxed) & !ENDED) + 1;
        self.0.state.store(call, Ordering::Relaxed);
        CallId(call)
    }

    /// Notes that the last call has an outcome.
    #[inline]
    pub(crate) fn end(&self) {
        self.0.state.store(self.0.state.load(Ordering::Relaxed) | ENDED, Ordering::Relaxed);
    }

    /// True if `call` has no outcome yet.
    #[inline]
    pub(crate) fn is_running(&self, call: CallId) -> bool {
        self.0.state.load(Ordering::Relaxed) == call.0
    }

    /// The call that has no outcome yet.
    pub(crate) fn running(&self) -> Option<CallId> {
        let state = self.0.state.load(Ordering::Relaxed);
        (state & ENDED == 0).then_some(CallId(state))
    }

    /// True if entries came from other tasks and threads.
    #[inline]
    pub(crate) fn has_waiting(&self) -> bool {
        self.0.waiting.load(Ordering::Relaxed) != 0
    }

    pub(crate) fn add_waiting(&self) {
        self.0.waiting.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn remove_waiting(&self, entries: usize) {
        self.0.waiting.fetch_sub(entries, Ordering::Relaxed);
    }
}

/// The calls of one worker that have failed, as ranges of consecutive numbers.
#[derive(Default)]
pub(crate) struct FailedCalls(Vec<(CallId, CallId)>);

impl FailedCalls {
    /// Adds `call`, which is later than all calls that were added before.
    pub(crate) fn add(&mut self, call: CallId) {
        match self.0.last_mut() {
            Some((_, last)) if call.follows(*last) => *last = call,
            _ => self.0.push((call, call)),
        }
    }

    pub(crate) fn contains(&self, call: CallId) -> bool {
        let after = self.0.partition_point(|(first, _)| *first <= call);
        after.checked_sub(1).and_then(|at| self.0.get(at)).is_some_and(|(_, last)| call <= *last)
    }
}
