//! A task's key: its name, or its node.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The mark of an orchestrator on its nodes. It also numbers them: a name is free again once its task is
/// cleared, a number is not.
#[derive(Debug, Default)]
pub(crate) struct Mark {
    next: AtomicU64,
}

/// The identity of a node: its orchestrator, and its number there.
#[derive(Clone, Debug)]
pub struct Identity {
    pub(crate) mark: Arc<Mark>,
    pub(crate) number: u64,
}

impl Identity {
    /// The next identity of `mark`.
    pub(crate) fn new(mark: &Arc<Mark>) -> Self {
        // Relaxed: a number has to be unique, and orders nothing.
        Self { mark: mark.clone(), number: mark.next.fetch_add(1, Ordering::Relaxed) }
    }
}

/// A key by which an orchestrator finds a task: its name, as any string, or its [`Node`](crate::Node). A node is refused
/// if its task was cleared, or if it belongs to another orchestrator.
pub trait TaskKey {
    #[doc(hidden)]
    fn task_name(&self) -> &str;

    /// `None` where only the name is known.
    #[doc(hidden)]
    fn identity(&self) -> Option<&Identity>;
}

impl<A: AsRef<str>> TaskKey for A {
    fn task_name(&self) -> &str {
        self.as_ref()
    }

    fn identity(&self) -> Option<&Identity> {
        None
    }
}

/// A key that was read before the registry is locked: the `as_ref` of a string is foreign code.
#[derive(Clone, Copy)]
pub(crate) struct Key<'a> {
    pub(crate) name: &'a str,
    pub(crate) identity: Option<&'a Identity>,
}

impl<'a> Key<'a> {
    pub(crate) fn of(task: &'a impl TaskKey) -> Self {
        Self { name: task.task_name(), identity: task.identity() }
    }
}
