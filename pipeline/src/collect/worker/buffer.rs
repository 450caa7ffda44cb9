//! A worker's buffer of entries that have not been handed over.

use crate::collect::worker::calls::CallId;

/// The number of entries from which on a buffer is handed over: enough to make taking a part cheap, few
/// enough to keep all buffers of a worker in its cache.
const FULL: usize = 256;

/// Entries in the order in which they were collected. The entries of the last call are at the end, where they
/// can be removed again. The entries before them belong to calls that have succeeded.
pub(crate) struct Buffer<T> {
    entries: Vec<T>,
    /// The last call that has collected here.
    call: CallId,
    /// The index of that call's first entry.
    first: usize,
    /// The number of entries from which on the buffer is to be handed over.
    full: usize,
}

impl<T> Buffer<T> {
    pub(crate) fn new() -> Self {
        Self { entries: Vec::new(), call: CallId::default(), first: 0, full: FULL }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry that was added last.
    pub(crate) fn last(&self) -> Option<&T> {
        self.entries.last()
    }

    /// Adds an entry of `call`. Before the first entry of a call, a buffer that is full enough is passed to
    /// `hand_over`, which returns false if it could not take the entries.
    #[inline]
    pub(crate) fn push(&mut self, call: CallId, entry: T, hand_over: impl FnOnce(&mut Vec<T>) -> bool) {
        if self.call != call {
            // Before `call` and `first` are set: if this panics, the buffer has no entry of this call.
            self.hand_over_if_full(hand_over);
        }
        self.append(call, entry);
    }

    /// Adds an entry of `call`. Runs no user code.
    #[inline]
    pub(crate) fn append(&mut self, call: CallId, entry: T) {
        if self.call != call {
            self.call = call;
            self.first = self.entries.len();
        }
        self.entries.push(entry);
    }

    /// Passes the entries to `hand_over` if there are enough of them. The last call must have ended.
    #[inline]
    pub(crate) fn hand_over_if_full(&mut self, hand_over: impl FnOnce(&mut Vec<T>) -> bool) {
        if self.entries.len() >= self.full {
            // If the part is in use by another worker, the buffer grows, and the next try comes only after
            // some entries.
            self.full = if hand_over(self.settled()) { FULL } else { self.entries.len() + FULL };
            self.entries.shrink_to(2 * self.full);
        }
    }

    /// Removes the entries of `call`, which is the last call.
    pub(crate) fn roll_back(&mut self, call: CallId) {
        if self.call == call {
            self.entries.truncate(self.first);
        }
    }

    /// All entries, to be handed over. The last call must have ended.
    pub(crate) fn settled(&mut self) -> &mut Vec<T> {
        self.call = CallId::default();
        self.first = 0;
        &mut self.entries
    }
}
