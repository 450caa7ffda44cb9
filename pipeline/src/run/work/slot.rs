//! The slot for a worker's state, which outlives the worker.

use std::sync::Arc;

use crossbeam_utils::CachePadded;

use crate::collect::parts::exclusive::Exclusive;
use crate::collect::worker::calls::Calls;

/// A worker's state, in a slot that outlives the worker. The state of a worker that is killed is not lost.
///
/// The worker is its only user, and the coordinator once the worker has ended. A worker that is left running
/// on the blocking pool keeps its state.
pub(crate) struct StateSlot<L> {
    /// Padded: workers write to their states for each row, and must not write to one cache line.
    state: CachePadded<Exclusive<L>>,
    calls: Arc<Calls>,
}

impl<L> StateSlot<L> {
    pub(crate) fn new(local: L, calls: Arc<Calls>) -> Self {
        Self { state: CachePadded::new(Exclusive::new(local)), calls }
    }

    /// The calls that the worker makes.
    #[inline]
    pub(crate) fn calls(&self) -> &Calls {
        &self.calls
    }

    /// Runs `f` on the state; on none, if it is in use or was taken.
    pub(crate) fn with<O>(&self, f: impl FnOnce(&mut Option<L>) -> O) -> O {
        match self.state.slot() {
            Some(mut state) => f(&mut state),
            None => f(&mut None),
        }
    }

    pub(crate) fn take(&self) -> Option<L> {
        self.state.take()
    }
}
