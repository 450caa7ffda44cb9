//! The end of a task, as its state records it.

use crate::error::AsyncTaskError;

/// The end of a task, as its state records it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Completed,
    Failed,
    TimedOut,
    Cancelled,
}

impl Ending {
    pub(crate) fn of<T>(result: &Result<T, AsyncTaskError>) -> Self {
        match result {
            Ok(_) => Self::Completed,
            // The limit of an attempt; that of the whole is told by who keeps it. Another task's is a failure of this one.
            Err(AsyncTaskError::Timeout(timeout)) if timeout.is_own_attempt() => Self::TimedOut,
            Err(_) => Self::Failed,
        }
    }
}
