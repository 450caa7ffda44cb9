//! A worker's own state, kept where the worker's end cannot take it along.

use concurrent_queue::ConcurrentQueue;

/// A worker's own state, in a slot that outlives the worker: what it holds when a worker is killed is not lost.
pub(crate) struct Slot<L>(ConcurrentQueue<L>);

impl<L> Slot<L> {
    pub(crate) fn new(local: L) -> Self {
        let slot = ConcurrentQueue::bounded(1);
        let _ = slot.push(local);
        Self(slot)
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
        f(&mut Back(&self.0, self.0.pop().ok()).1)
    }

    pub(crate) fn take(&self) -> Option<L> {
        self.0.pop().ok()
    }
}
