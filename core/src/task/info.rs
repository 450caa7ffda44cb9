//! What can be said of a task without its handle.

use std::fmt;
use std::sync::Arc;

use super::{TaskId, TaskStatus};

/// A live task, as a report names it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TaskInfo {
    /// Its id.
    pub id: TaskId,
    /// Its name, if it was given one.
    pub name: Option<Arc<str>>,
    /// Where it was in its life when it was looked at.
    pub status: TaskStatus,
}

impl fmt::Display for TaskInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "task {} \"{name}\" ({:?})", self.id, self.status),
            None => write!(f, "task {} ({:?})", self.id, self.status),
        }
    }
}
