//! The capability of a task to report its status.

use crate::error::AsyncTaskError;
use crate::task::capabilities::{Handle, live};
use crate::tree::children::cancel;
use crate::vocabulary::cancel::{CancelCause, CancelLevel};
use crate::vocabulary::status::TaskStatus;

/// A task that reports its status.
pub trait StatusEnabledTask {
    /// Its status. A terminal status means that nothing of it is left.
    fn status(&self) -> TaskStatus;

    /// Requests a status, as far as a caller may: [`TaskStatus::PendingCancellation`] cancels the task
    /// gracefully, [`TaskStatus::Cancelled`] kills it. All other statuses are the task's own.
    ///
    /// # Errors
    ///
    /// [`AsyncTaskError::InvalidState`] for any other status, and once the task has ended.
    fn set_status(&self, status: TaskStatus) -> Result<(), AsyncTaskError>;

    /// True once its status is terminal: nothing of it is left, and an await of its handle does not wait.
    fn is_finished(&self) -> bool {
        self.status().is_terminal()
    }
}

impl<H: Handle> StatusEnabledTask for H {
    fn status(&self) -> TaskStatus {
        self.task_ref().map_or(TaskStatus::Failed, |task| task.control.status())
    }

    fn set_status(&self, status: TaskStatus) -> Result<(), AsyncTaskError> {
        let level = match status {
            TaskStatus::PendingCancellation => CancelLevel::Graceful,
            TaskStatus::Cancelled => CancelLevel::Kill,
            _ => {
                return Err(AsyncTaskError::InvalidState(
                    "a caller decides on cancellation alone: set PendingCancellation or Cancelled",
                ));
            }
        };
        cancel(&live(self.task_ref())?, level, CancelCause::Requested);
        Ok(())
    }
}
