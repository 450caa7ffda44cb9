//! A task's key: its name, or its node.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::node::Node;

/// An orchestrator's mark on its nodes. It also numbers them: names are free again once a task is cleared, numbers are not.
#[derive(Debug, Default)]
pub(super) struct Mark {
    next: AtomicU64,
}

/// A node's identity: its orchestrator, and its number there.
#[derive(Clone, Debug)]
pub struct Identity {
    pub(super) of: Arc<Mark>,
    pub(super) number: u64,
}

impl Identity {
    /// The next of `of`.
    pub(super) fn new(of: &Arc<Mark>) -> Self {
        // Relaxed: a number is to be unique, and orders nothing.
        Self { of: of.clone(), number: of.next.fetch_add(1, Ordering::Relaxed) }
    }
}

/// A key by which an orchestrator finds a task: its name, which is any string, or its [`Node`], which is refused where the
/// task was cleared, or is another orchestrator's.
pub trait TaskKey {
    #[doc(hidden)]
    fn task_name(&self) -> &str;

    /// `None` where the name is all that is known.
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

impl<T> TaskKey for Node<T> {
    fn task_name(&self) -> &str {
        self.name()
    }

    fn identity(&self) -> Option<&Identity> {
        Some(self.own())
    }
}

impl<T> TaskKey for &Node<T> {
    fn task_name(&self) -> &str {
        self.name()
    }

    fn identity(&self) -> Option<&Identity> {
        Some(self.own())
    }
}

/// A key that was read before the registry is locked: a string's `as_ref` is foreign code.
#[derive(Clone, Copy)]
pub(super) struct Key<'a> {
    pub(super) name: &'a str,
    pub(super) identity: Option<&'a Identity>,
}

impl<'a> Key<'a> {
    pub(super) fn of(task: &'a impl TaskKey) -> Self {
        Self { name: task.task_name(), identity: task.identity() }
    }
}
