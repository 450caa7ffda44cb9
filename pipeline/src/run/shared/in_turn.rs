//! A value that one worker uses at a time, while the others wait for it.

use async_channel::{Receiver, Sender};

/// A value that is free, in use, or absent: before it is put, and after a user was killed that had taken it
/// apart.
pub(crate) struct InTurn<T> {
    put: Sender<T>,
    taken: Receiver<T>,
}

/// The value, in use. Dropped, it is put back for the next user.
pub(crate) struct Held<'a, T> {
    value: Option<T>,
    put: &'a Sender<T>,
}

impl<T> InTurn<T> {
    /// An `InTurn` without a value.
    pub(crate) fn empty() -> Self {
        let (put, taken) = async_channel::bounded(1);
        Self { put, taken }
    }

    /// Puts the value in, where there is none.
    pub(crate) fn put(&self, value: T) {
        // There is room, and the channel is never closed.
        let _ = self.put.try_send(value);
    }

    /// Waits for the value.
    ///
    /// # Cancel safety
    ///
    /// A dropped call has not taken the value.
    pub(crate) async fn take(&self) -> Held<'_, T> {
        Held { value: self.taken.recv().await.ok(), put: &self.put }
    }

    /// Returns the value if it is there, for good.
    pub(crate) fn take_for_good(&self) -> Option<T> {
        self.taken.try_recv().ok()
    }
}

impl<T> Held<'_, T> {
    pub(crate) fn get(&mut self) -> Option<&mut T> {
        self.value.as_mut()
    }
}

impl<T> Drop for Held<'_, T> {
    fn drop(&mut self) {
        if let Some(value) = self.value.take() {
            // It was taken from there, so there is room.
            let _ = self.put.try_send(value);
        }
    }
}
