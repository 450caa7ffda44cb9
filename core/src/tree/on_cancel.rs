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
        // It was there before the end had come, but the end did not see it: it falls here, as the others did there.
        task.control.drop_callbacks();
    } else if before.level() > 0 {
        // The task looks for callbacks when it is polled; one that is being stopped already may have looked before.
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
