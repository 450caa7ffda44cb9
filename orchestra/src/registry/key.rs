//! A task's key: its name, or its node.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::registry::node::Node;

/// An orchestrator's mark on its nodes. It also numbers them: names are free again once a task is cleared, numbers are not.
#[derive(Debug, Default)]
pub(crate) struct Mark {
    next: AtomicU64,
}

/// A node's identity: its orchestrator, and its number there.
#[derive(Clone, Debug)]
pub struct Identity {
    pub(crate) of: Arc<Mark>,
    pub(crate) number: u64,
}

impl Identity {
    /// The next of `of`.
    pub(crate) fn new(of: &Arc<Mark>) -> Self {
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
pub(crate) struct Key<'a> {
    pub(crate) name: &'a str,
    pub(crate) identity: Option<&'a Identity>,
}

impl<'a> Key<'a> {
    pub(crate) fn of(task: &'a impl TaskKey) -> Self {
        Self { name: task.task_name(), identity: task.identity() }
    }
}
