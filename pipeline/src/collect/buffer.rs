//! Entries of one worker that have not been handed over.

use crate::collect::calls::CallId;

/// Entries that a buffer holds before it is handed over: enough to make taking a part cheap, few enough for all
/// buffers of a worker to stay in its cache.
const FULL: usize = 256;

/// Entries in the order in which they were collected. Those of the last call stand at the end, where they can be removed
/// again; the ones before them are of calls that have succeeded.
pub(crate) struct Buffer<T> {
    entries: Vec<T>,
    /// The last call that has collected here.
    call: CallId,
    /// The index of that call's first entry.
    first: usize,
    /// The number of entries from which on they are to be handed over.
    full: usize,
}

impl<T> Buffer<T> {
    pub(crate) fn new() -> Self {
        Self { entries: Vec::new(), call: CallId::default(), first: 0, full: FULL }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Adds an entry of `call`. Before the first one of a call, `hand_over` is asked to take what there is, if that is
    /// enough; false says that it could not.
    #[inline]
    pub(crate) fn push(&mut self, call: CallId, entry: T, hand_over: impl FnOnce(&mut Vec<T>) -> bool) {
        if self.call != call {
            // Before the mark is set: where this panics, there is nothing of this call.
            self.relieve(hand_over);
        }
        self.append(call, entry);
    }

    /// Adds an entry of `call`, and calls no user code.
    #[inline]
    pub(crate) fn append(&mut self, call: CallId, entry: T) {
        if self.call != call {
            self.call = call;
            self.first = self.entries.len();
        }
        self.entries.push(entry);
    }

    /// Asks `hand_over` to take what there is, if that is enough. The last call must have ended.
    #[inline]
    pub(crate) fn relieve(&mut self, hand_over: impl FnOnce(&mut Vec<T>) -> bool) {
        if self.entries.len() >= self.full {
            // In use by another worker: the buffer grows, and is not tried again for each entry.
            self.full = if hand_over(self.settled()) { FULL } else { self.entries.len() + FULL };
            self.entries.shrink_to(2 * self.full);
        }
    }

    /// Removes what `call`, the last one, has collected.
    pub(crate) fn roll_back(&mut self, call: CallId) {
        if self.call == call {
            self.entries.truncate(self.first);
        }
    }

    /// All entries, to be handed over: the last call must have ended.
    pub(crate) fn settled(&mut self) -> &mut Vec<T> {
        self.call = CallId::default();
        self.first = 0;
        &mut self.entries
    }
}
