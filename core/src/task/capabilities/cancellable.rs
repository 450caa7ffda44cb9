//! The capability of a task to be cancelled.

use std::sync::Arc;

use crate::error::AsyncTaskError;
use crate::task::capabilities::Handle;
use crate::task::view::canceller::{Cancellation, Canceller};
use crate::tree::extras::callbacks::IntoCallback;
use crate::tree::extras::on_cancel::{on_cancel, run_late};
use crate::vocabulary::cancel::CancelLevel;

/// A task that can be cancelled.
pub trait CancellableTask {
    /// Requests cancellation, for a reason if there is one: [`cancel`](Self::cancel) and
    /// [`cancel_because`](Self::cancel_because) call this.
    fn request_cancel(&self, level: CancelLevel, reason: Option<Arc<str>>) -> Cancellation;

    /// True once cancellation was requested, also after the task's end.
    fn is_cancelled(&self) -> bool;

    /// Registers a callback for a graceful cancellation. It runs once, as part of the task: the last
    /// registered runs first, and each after the end of the one before. The task waits for the callbacks, at
    /// most for its grace period. A kill runs none. A callback that panics fails the task.
    ///
    /// A synchronous callback that is registered after the task's end runs at once, in this call.
    ///
    /// # Errors
    ///
    /// [`AsyncTaskError::InvalidState`] for an asynchronous callback after the task's end: nothing is left to
    /// run it. [`AsyncTaskError::Panic`] if a callback that ran in this call panicked.
    fn on_cancel<M>(&self, callback: impl IntoCallback<M>) -> Result<(), AsyncTaskError>
    where
        Self: Sized;

    /// Requests cancellation, at once. The returned future is ready once the task has ended, and gives the
    /// outcome of its work. Dropping that future does not take the request back.
    fn cancel(&self, level: CancelLevel) -> Cancellation {
        self.request_cancel(level, None)
    }

    /// As [`cancel`](Self::cancel), for a reason, which the error of the task and of the tasks below it then
    /// has: see [`Task::cancel_because`](crate::Task::cancel_because).
    fn cancel_because(&self, level: CancelLevel, reason: impl Into<Arc<str>>) -> Cancellation
    where
        Self: Sized,
    {
        self.request_cancel(level, Some(reason.into()))
    }

    /// Cancels it at [`CancelLevel::Graceful`].
    fn cancel_gracefully(&self) -> Cancellation {
        self.cancel(CancelLevel::Graceful)
    }

    /// Cancels it at [`CancelLevel::Kill`].
    fn cancel_forcefully(&self) -> Cancellation {
        self.cancel(CancelLevel::Kill)
    }

    /// Cancels it at [`CancelLevel::KillHard`].
    fn cancel_immediately(&self) -> Cancellation {
        self.cancel(CancelLevel::KillHard)
    }
}

impl<H: Handle> CancellableTask for H {
    fn request_cancel(&self, level: CancelLevel, reason: Option<Arc<str>>) -> Cancellation {
        Canceller::new(self.task_ref()).request(level, reason)
    }

    fn is_cancelled(&self) -> bool {
        self.task_ref().is_some_and(|task| task.control.asked().is_some())
    }

    fn on_cancel<M>(&self, callback: impl IntoCallback<M>) -> Result<(), AsyncTaskError> {
        match self.task_ref() {
            Some(task) => on_cancel(&task, callback.into_callback()),
            None => run_late(callback.into_callback()),
        }
    }
}
