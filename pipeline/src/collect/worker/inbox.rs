//! The inbox of a worker, for entries that are collected outside of the receiver's polls: in another task, on
//! another thread, in a destructor.
//!
//! Why do such entries pass through the worker that made the call? They count only if the call succeeds, and
//! they keep the order in which the entries of their row were collected.

use std::any::Any;
use std::sync::Arc;

use concurrent_queue::ConcurrentQueue;

use crate::collect::worker::calls::{CallId, Calls};

/// The entries for one worker, in the order in which they came. Each is in a box, without its type: such
/// entries are few, and one type of inbox serves all pipelines.
pub(crate) struct Inbox {
    calls: Arc<Calls>,
    entries: ConcurrentQueue<(CallId, Box<dyn Any + Send>)>,
}

impl Inbox {
    pub(crate) fn new(calls: Arc<Calls>) -> Self {
        Self { calls, entries: ConcurrentQueue::unbounded() }
    }

    /// Adds an entry of `call`. Returns the entry as an error once the pipeline has ended.
    pub(crate) fn push(&self, call: CallId, entry: Box<dyn Any + Send>) -> Result<(), Box<dyn Any + Send>> {
        // Counted before the entry is there, so that an entry is never removed before it is counted.
        self.calls.add_waiting();
        self.entries.push((call, entry)).map_err(|refused| {
            self.calls.remove_waiting(1);
            refused.into_inner().1
        })
    }

    /// The next entry. It counts as waiting until [`Calls::remove_waiting`] is called for it.
    pub(crate) fn pop(&self) -> Option<(CallId, Box<dyn Any + Send>)> {
        self.entries.pop().ok()
    }

    /// Closes the inbox: no entry is added from now on.
    pub(crate) fn close(&self) {
        self.entries.close();
    }
}
