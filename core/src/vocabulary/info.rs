//! What can be said of a task without its handle.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use crate::vocabulary::id::TaskId;
use crate::vocabulary::status::TaskStatus;

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
    /// Where in the source the library was last awaited in it: a sleep, a scope; of another task, the place where that was spawned. Where it has awaited nothing
    /// of the library, and what it awaits of others cannot be known, the place where it was spawned.
    pub place: &'static Location<'static>,
}

impl fmt::Display for TaskInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "task {} \"{name}\" ({:?} at {})", self.id, self.status, self.place),
            None => write!(f, "task {} ({:?} at {})", self.id, self.status, self.place),
        }
    }
}
