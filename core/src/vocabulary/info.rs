//! The description of a live task, for reports.

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
    /// Its status when it was looked at.
    pub status: TaskStatus,
    /// The source location of its last await of the library: of a sleep, of a scope; for an await of another
    /// task, the location where that was spawned. If it has awaited nothing of the library, the location
    /// where it was spawned itself: its awaits of anything else cannot be known.
    pub location: &'static Location<'static>,
}

impl fmt::Display for TaskInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "task {} \"{name}\" ({:?} at {})", self.id, self.status, self.location),
            None => write!(f, "task {} ({:?} at {})", self.id, self.status, self.location),
        }
    }
}
