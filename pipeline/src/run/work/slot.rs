//! A worker's own state, kept where the worker's end cannot take it along.

use std::sync::Arc;

use concurrent_queue::ConcurrentQueue;

use crate::collect::calls::Calls;

/// A worker's own state, in a slot that outlives the worker: what it holds when a worker is killed is not lost.
pub(crate) struct Slot<L> {
    state: ConcurrentQueue<L>,
    calls: Arc<Calls>,
}

impl<L> Slot<L> {
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

    /// Runs `f` on the state, which is back in its slot afterwards, also when `f` unwinds.
    pub(crate) fn with<O>(&self, f: impl FnOnce(&mut Option<L>) -> O) -> O {
        struct Back<'a, L>(&'a ConcurrentQueue<L>, Option<L>);
        impl<L> Drop for Back<'_, L> {
            fn drop(&mut self) {
                if let Some(local) = self.1.take() {
                    let _ = self.0.push(local);
                }
            }
        }
        f(&mut Back(&self.state, self.state.pop().ok()).1)
    }

    pub(crate) fn take(&self) -> Option<L> {
        self.state.pop().ok()
    }
}
