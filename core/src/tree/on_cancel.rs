//! The registration of callbacks for a cancellation, also after the task's end.

use crate::error::AsyncTaskError;
use crate::panic::caught;
use crate::tree::callbacks::{Callback, Kind};
use crate::tree::node::TaskRef;

/// Registers `callback`: see `CancellableTask::on_cancel`.
pub(crate) fn on_cancel(task: &TaskRef, callback: Callback) -> Result<(), AsyncTaskError> {
    if task.control.status().is_terminal() {
        return run_late(callback);
    }
    let before = task.control.push_callback(callback);
    if before.is_terminal() {
        // The end has come, and has not seen the callback: it is dropped here, as the end has dropped the
        // others.
        task.control.drop_callbacks();
    } else if before.level() > 0 {
        // The task looks for callbacks when it is polled; one that is being cancelled already may have looked
        // before.
        task.control.wake();
    }
    Ok(())
}

/// Runs `callback` here, since the task has ended.
pub(crate) fn run_late(callback: Callback) -> Result<(), AsyncTaskError> {
    match callback.0 {
        Kind::Now(callback) => caught(callback),
        Kind::Later(_) => {
            Err(AsyncTaskError::InvalidState("an asynchronous callback was registered after the task's end"))
        }
    }
}
