//! The slot for a worker's state, which outlives the worker.

use std::sync::Arc;

use concurrent_queue::ConcurrentQueue;

use crate::collect::calls::Calls;

/// A worker's state, in a slot that outlives the worker. The state of a worker that is killed is not lost.
pub(crate) struct StateSlot<L> {
    state: ConcurrentQueue<L>,
    calls: Arc<Calls>,
}

impl<L> StateSlot<L> {
    pub(crate) fn new(local: L, calls: Arc<Calls>) -> Self {
        let state = ConcurrentQueue::bounded(1);
        let _ = state.push(local);
        Self { state, calls }
    }

    /// The calls that the worker makes.
    #[inline]
    pub(crate) fn calls(&self) -> &Calls {
        &self.calls
    }

    /// Runs `f` on the state. The state is back in its slot afterwards, also when `f` unwinds.
    pub(crate) fn with<O>(&self, f: impl FnOnce(&mut Option<L>) -> O) -> O {
        struct RestoreOnDrop<'a, L>(&'a ConcurrentQueue<L>, Option<L>);
        impl<L> Drop for RestoreOnDrop<'_, L> {
            fn drop(&mut self) {
                if let Some(local) = self.1.take() {
                    let _ = self.0.push(local);
                }
            }
        }
        f(&mut RestoreOnDrop(&self.state, self.state.pop().ok()).1)
    }

    pub(crate) fn take(&self) -> Option<L> {
        self.state.pop().ok()
    }
}
