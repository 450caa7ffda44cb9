//! A value that one at a time may take out, without a lock.

use concurrent_queue::{ConcurrentQueue, PopError};

/// A value in its slot, or with the one who took it out.
pub(super) struct Exclusive<T>(ConcurrentQueue<T>);

/// Why a value is not in its slot.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Absent {
    /// Somebody is at it, which takes microseconds and waits for nothing.
    Busy,
    /// It was taken for good.
    Gone,
}

impl<T> Exclusive<T> {
    pub(super) fn new(value: T) -> Self {
        let slot = ConcurrentQueue::bounded(1);
        let _ = slot.push(value);
        Self(slot)
    }

    /// Runs `f` on the value, which is back in its slot afterwards, also when `f` unwinds.
    pub(super) fn with<O>(&self, f: impl FnOnce(&mut T) -> O) -> Result<O, Absent> {
        struct Taken<'a, T>(&'a ConcurrentQueue<T>, Option<T>);
        impl<T> Drop for Taken<'_, T> {
            fn drop(&mut self) {
                if let Some(value) = self.1.take() {
                    // The slot holds one, and this one came out of it.
                    let _ = self.0.push(value);
                }
            }
        }
        let value = self.0.pop().map_err(Absent::from)?;
        let mut taken = Taken(&self.0, Some(value));
        taken.1.as_mut().map(f).ok_or(Absent::Gone)
    }

    /// Takes the value for good: whoever comes later finds it gone.
    pub(super) fn take(&self) -> Option<T> {
        loop {
            match self.0.pop() {
                Ok(value) => {
                    self.0.close();
                    return Some(value);
                }
                Err(PopError::Closed) => return None,
                Err(PopError::Empty) => std::thread::yield_now(),
            }
        }
    }
}

impl Absent {
    /// Calls `f` until nobody is in its way. False if what it wants was taken for good.
    pub(super) fn wait(mut f: impl FnMut() -> Result<(), Self>) -> bool {
        loop {
            match f() {
                Ok(()) => return true,
                Err(Self::Gone) => return false,
                Err(Self::Busy) => std::thread::yield_now(),
            }
        }
    }
}

impl From<PopError> for Absent {
    fn from(error: PopError) -> Self {
        match error {
            PopError::Empty => Self::Busy,
            PopError::Closed => Self::Gone,
        }
    }
}
