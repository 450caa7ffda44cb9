//! The durable nodes of a session that have started, and of whose end the store has not heard.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The names of the nodes. A lock: it is taken twice for each durable node, beside two calls of a store.
#[derive(Default)]
pub(crate) struct Unreported(Mutex<HashSet<Arc<str>>>);

impl Unreported {
    fn lock(&self) -> MutexGuard<'_, HashSet<Arc<str>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a node that starts.
    pub(crate) fn add(&self, node: &Arc<str>) {
        self.lock().insert(node.clone());
    }

    /// Removes a node of whose end the store has heard.
    pub(crate) fn remove(&self, node: &str) {
        self.lock().remove(node);
    }

    /// Takes the nodes that are left.
    pub(crate) fn take(&self) -> HashSet<Arc<str>> {
        std::mem::take(&mut *self.lock())
    }
}
