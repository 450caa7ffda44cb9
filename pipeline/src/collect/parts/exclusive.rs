//! A value with one user at a time: a second user goes on without it.

use std::sync::{Mutex, MutexGuard, TryLockError};

/// A value that is in its slot, in use, or taken for good.
///
/// The lock is only ever tried, so no thread waits for it.
pub(crate) struct Exclusive<T>(Mutex<Option<T>>);

impl<T> Exclusive<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Mutex::new(Some(value)))
    }

    /// Runs `f` on the value, which is back in its slot afterwards, also when `f` unwinds. `None` while
    /// another `f` uses the value, or if it was taken.
    pub(crate) fn with<O>(&self, f: impl FnOnce(&mut T) -> O) -> Option<O> {
        self.slot()?.as_mut().map(f)
    }

    /// Takes the value for good. `None` if it is in use, or was taken already.
    pub(crate) fn take(&self) -> Option<T> {
        self.slot()?.take()
    }

    /// The slot, with the value unless it was taken. `None` while another user has it.
    pub(crate) fn slot(&self) -> Option<MutexGuard<'_, Option<T>>> {
        match self.0.try_lock() {
            Ok(slot) => Some(slot),
            // An `f` that unwound has left a valid value, and the next user goes on with it.
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}
