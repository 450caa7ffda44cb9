//! The status of a task.

use std::fmt;

/// The status of a task. The discriminants are stable, for storage and the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum TaskStatus {
    /// Started, and not polled yet.
    Pending = 0,
    /// Polled at least once, and not ended.
    Running = 1,
    /// Ended with a value.
    Completed = 2,
    /// Ended with an error: its own, a timeout or a panic.
    Failed = 3,
    /// Cancellation was requested, and it has not ended yet.
    PendingCancellation = 4,
    /// Ended by a cancellation.
    Cancelled = 5,
}

impl TaskStatus {
    /// True once nothing of the task is left and its status will not change again.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

impl From<TaskStatus> for u8 {
    fn from(status: TaskStatus) -> Self {
        status as Self
    }
}

impl TryFrom<u8> for TaskStatus {
    type Error = u8;

    /// The status with this discriminant, or the number back.
    fn try_from(code: u8) -> Result<Self, u8> {
        Ok(match code {
            0 => Self::Pending,
            1 => Self::Running,
            2 => Self::Completed,
            3 => Self::Failed,
            4 => Self::PendingCancellation,
            5 => Self::Cancelled,
            other => return Err(other),
        })
    }
}

impl fmt::Display for TaskStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::PendingCancellation => "pending cancellation",
            Self::Cancelled => "cancelled",
        })
    }
}
