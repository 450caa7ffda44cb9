//! The capabilities of all kinds of task: one small trait for each, so that generic code can require just
//! one.

pub(crate) mod cancellable;
pub(crate) mod combine;
pub(crate) mod contextualized;
pub(crate) mod metered;
pub(crate) mod named;
pub(crate) mod prioritized;
pub(crate) mod ready;
pub(crate) mod recoverable;
pub(crate) mod status_enabled;
pub(crate) mod timed;
pub(crate) mod traced;

use crate::error::AsyncTaskError;
use crate::runtime::Runtime;
use crate::task::handle::scoped_task::ScopedTask;
use crate::task::handle::task::Task;
use crate::task::view::canceller::Canceller;
use crate::task::view::context::TaskContext;
use crate::tree::node::TaskRef;

/// A handle of a task, as the capabilities use it.
pub trait Handle {
    /// The record of the task; `None` if there is none.
    fn task_ref(&self) -> Option<TaskRef>;
}

fn ended() -> AsyncTaskError {
    AsyncTaskError::InvalidState("the task has ended")
}

/// The task, if it has not ended.
pub(crate) fn live(task: Option<TaskRef>) -> Result<TaskRef, AsyncTaskError> {
    task.filter(|task| !task.control.status().is_terminal()).ok_or_else(ended)
}

impl<T: Send + 'static, R: Runtime> Handle for Task<T, R> {
    fn task_ref(&self) -> Option<TaskRef> {
        self.task_ref()
    }
}

impl Handle for TaskContext {
    fn task_ref(&self) -> Option<TaskRef> {
        Some(self.task_ref().clone())
    }
}

impl Handle for Canceller {
    fn task_ref(&self) -> Option<TaskRef> {
        self.task_ref()
    }
}

impl<T: Send + 'static, R: Runtime> Handle for ScopedTask<T, R> {
    fn task_ref(&self) -> Option<TaskRef> {
        self.task_ref()
    }
}
