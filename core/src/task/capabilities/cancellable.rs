//! The capability of a task to be asked to stop.

use crate::error::AsyncTaskError;
use crate::task::capabilities::Handle;
use crate::task::view::canceller::{Cancellation, Canceller};
use crate::tree::callbacks::IntoCallback;
use crate::tree::on_cancel::{on_cancel, run_late};
use crate::vocabulary::cancel::CancelLevel;

/// A task that can be asked to stop.
pub trait CancellableTask {
    /// Asks it to stop, at once; await the returned future to know that it has, and what became of the work. Dropping that
    /// future takes nothing back.
    fn cancel(&self, level: CancelLevel) -> Cancellation;

    /// [`CancelLevel::Graceful`].
    fn cancel_gracefully(&self) -> Cancellation {
        self.cancel(CancelLevel::Graceful)
    }

    /// [`CancelLevel::Kill`].
    fn cancel_forcefully(&self) -> Cancellation {
        self.cancel(CancelLevel::Kill)
    }

    /// [`CancelLevel::KillHard`].
    fn cancel_immediately(&self) -> Cancellation {
        self.cancel(CancelLevel::KillHard)
    }

    /// True once it was asked to stop, whether it has or not.
    fn is_cancelled(&self) -> bool;

    /// Has `callback` run when the task is asked to stop gracefully: once, as part of the task, the last registered
    /// first, and each after the end of the one before. The task does not end before them, but for its grace period. A kill
    /// runs none. A callback that panics fails the task.
    ///
    /// Registered after the end, a synchronous callback runs at once, here.
    ///
    /// # Errors
    ///
    /// [`AsyncTaskError::InvalidState`] for an asynchronous callback after the end: nobody is left to run it.
    /// [`AsyncTaskError::Panic`] if one that ran here panicked.
    fn on_cancel<M>(&self, callback: impl IntoCallback<M>) -> Result<(), AsyncTaskError>
    where
        Self: Sized;
}

impl<H: Handle> CancellableTask for H {
    fn cancel(&self, level: CancelLevel) -> Cancellation {
        Canceller::new(self.task_ref()).cancel(level)
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
