//! The recorded end of a task.

use crate::error::AsyncTaskError;

/// The kind of end that the state of a task records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Completed,
    Failed,
    TimedOut,
    Cancelled,
}

impl Ending {
    pub(crate) fn of(result: &Result<(), AsyncTaskError>) -> Self {
        match result {
            Ok(_) => Self::Completed,
            // The limit of an attempt. The limit on the whole is recorded by its owner; the timeout of
            // another task is a failure of this one.
            Err(AsyncTaskError::Timeout(timeout)) if timeout.is_own_attempt() => Self::TimedOut,
            Err(_) => Self::Failed,
        }
    }
}
