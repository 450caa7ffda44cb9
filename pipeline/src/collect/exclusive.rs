//! A value with one user at a time, without a lock and without waiting.

use concurrent_queue::ConcurrentQueue;

/// A value that is in its slot, or in use.
pub(crate) struct Exclusive<T>(ConcurrentQueue<T>);

impl<T> Exclusive<T> {
    pub(crate) fn new(value: T) -> Self {
        let slot = ConcurrentQueue::bounded(1);
        let _ = slot.push(value);
        Self(slot)
    }

    /// Runs `f` on the value, which is back in its slot afterwards, also when `f` unwinds. `None` while
    /// another `f` uses the value, or if it was taken.
    pub(crate) fn with<O>(&self, f: impl FnOnce(&mut T) -> O) -> Option<O> {
        struct Taken<'a, T>(&'a ConcurrentQueue<T>, Option<T>);
        impl<T> Drop for Taken<'_, T> {
            fn drop(&mut self) {
                if let Some(value) = self.1.take() {
                    // The slot holds one value, and this one came out of it.
                    let _ = self.0.push(value);
                }
            }
        }
        let mut taken = Taken(&self.0, self.0.pop().ok());
        taken.1.as_mut().map(f)
    }

    /// Takes the value for good. `None` if it is in use, or was taken already.
    pub(crate) fn take(&self) -> Option<T> {
        self.0.pop().ok()
    }
}
