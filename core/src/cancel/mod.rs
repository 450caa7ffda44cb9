//! How work is asked to stop: level, cause, and what became of it.

use std::fmt;

use crate::task::TaskStatus;

/// How firmly a task is asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum CancelLevel {
    /// The future is dropped at its next poll boundary: its destructors run, nothing else of it does. Blocking work
    /// that has not started never will; started blocking work cannot be killed and is waited for.
    Kill,
}

impl fmt::Display for CancelLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill => f.write_str("kill"),
        }
    }
}

/// Who asked a task to stop. The first recorded cause stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CancelCause {
    /// Somebody called `cancel`.
    Requested,
    /// The handle was dropped without `detach`.
    HandleDropped,
    /// The task that spawned this one ended without a value.
    ParentEnded,
    /// Its runtime has shut down: the executor dropped the task, or a shutdown killed it at its limit. The error is then
    /// [`AsyncTaskError::Shutdown`](crate::AsyncTaskError::Shutdown).
    Shutdown,
}

impl CancelCause {
    const ALL: [Self; 4] = [Self::Requested, Self::HandleDropped, Self::ParentEnded, Self::Shutdown];

    pub(crate) fn code(self) -> u32 {
        Self::ALL.iter().zip(0..).find(|(cause, _)| **cause == self).map_or(0, |(_, code)| code)
    }

    pub(crate) fn from_code(code: u32) -> Self {
        Self::ALL.iter().zip(0..).find(|(_, c)| *c == code).map_or(Self::Requested, |(cause, _)| *cause)
    }
}

impl fmt::Display for CancelCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Requested => "requested",
            Self::HandleDropped => "its handle was dropped; keep the handle, await it, or call detach()",
            Self::ParentEnded => "the task that spawned it ended",
            Self::Shutdown => "its runtime has shut down",
        })
    }
}

/// What became of a task that was asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CancellationResult {
    pub(crate) status: TaskStatus,
    pub(crate) cause: Option<CancelCause>,
}

impl CancellationResult {
    /// How the work ended: `Cancelled`, or `Completed` or `Failed` where it was done first.
    pub fn status(&self) -> TaskStatus {
        self.status
    }

    /// The level that was in force, if a cancellation was recorded before the end.
    pub fn level(&self) -> Option<CancelLevel> {
        self.cause.map(|_| CancelLevel::Kill)
    }

    /// The first recorded cause, if a cancellation was recorded before the end.
    pub fn cause(&self) -> Option<CancelCause> {
        self.cause
    }

    /// True if the work was stopped, false if it had ended by itself.
    pub fn was_cancelled(&self) -> bool {
        self.status == TaskStatus::Cancelled
    }
}
