//! The way to a worker's shard for entries that are collected outside of the receiver's polls: in another task, on
//! another thread, in a destructor.
//!
//! They pass through the worker that made the call, since they count only if the call succeeds, and stand among the
//! entries of their row in the order in which they were collected.

use std::sync::Arc;

use concurrent_queue::ConcurrentQueue;

use crate::collect::calls::{CallId, Calls};
use crate::collect::errors::Noted;
use crate::collect::part::Item;

/// An entry from elsewhere.
pub(crate) enum Stray<K, V, P> {
    Value(Item<K, V, P>),
    Error(Noted<K>),
}

/// Entries for one worker, in the order in which they came.
pub(crate) struct Inbox<K, V, P> {
    calls: Arc<Calls>,
    strays: ConcurrentQueue<(CallId, Stray<K, V, P>)>,
}

impl<K, V, P> Inbox<K, V, P> {
    pub(crate) fn new(calls: Arc<Calls>) -> Self {
        Self { calls, strays: ConcurrentQueue::unbounded() }
    }

    /// Adds an entry of `call`. It comes back once the pipeline has ended.
    pub(crate) fn push(&self, call: CallId, stray: Stray<K, V, P>) -> Result<(), Stray<K, V, P>> {
        // Before the entry is there: what is removed has been counted.
        self.calls.add_waiting();
        self.strays.push((call, stray)).map_err(|refused| {
            self.calls.remove_waiting(1);
            refused.into_inner().1
        })
    }

    /// The next entry. It counts as waiting until [`Calls::remove_waiting`] says that it does not.
    pub(crate) fn pop(&self) -> Option<(CallId, Stray<K, V, P>)> {
        self.strays.pop().ok()
    }

    /// From now on, nothing is added.
    pub(crate) fn close(&self) {
        self.strays.close();
    }
}
