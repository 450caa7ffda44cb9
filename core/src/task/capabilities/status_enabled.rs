//! The capability of a task to say where it is in its life.

use crate::error::AsyncTaskError;
use crate::task::capabilities::{Handle, live};
use crate::tree::children::cancel;
use crate::vocabulary::cancel::{CancelCause, CancelLevel};
use crate::vocabulary::status::TaskStatus;

/// A task whose life can be looked at.
pub trait StatusEnabledTask {
    /// Where it is in its life. A terminal status means that nothing of it is left.
    fn status(&self) -> TaskStatus;

    /// Asks for what a caller may decide: [`TaskStatus::PendingCancellation`] asks the task to stop gracefully,
    /// [`TaskStatus::Cancelled`] kills it. All else comes about by itself.
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
