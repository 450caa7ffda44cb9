//! The registration of callbacks for a cancellation, also after the task's end.

use crate::error::AsyncTaskError;
use crate::panic::caught;
use crate::sync::ConcurrentQueue;
use crate::tree::extras::callbacks::{Callback, Kind};
use crate::tree::node::{Control, TaskRef};
use crate::tree::state::{GRACEFUL, State};

/// Registers `callback`: see `CancellableTask::on_cancel`.
pub(crate) fn on_cancel(task: &TaskRef, callback: Callback) -> Result<(), AsyncTaskError> {
    if task.control.status().is_terminal() {
        return run_late(callback);
    }
    let before = task.control.push_callback(callback);
    if before.is_terminal() {
        // The end has come, and has not seen the callback: it is dropped here, as the end has dropped the
        // others (I7 of `state`).
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

impl Control {
    /// Leaves a callback to be run at a graceful cancellation. Returns the state before: if it is terminal,
    /// the end has not seen the callback.
    fn push_callback(&self, callback: Callback) -> State {
        let queue = self.extras().callbacks.get_or_init(|| Box::new(ConcurrentQueue::unbounded()));
        let _ = queue.push(callback);
        self.state.note_callback()
    }

    /// Drops callbacks that will not be run: they may keep the task itself alive.
    pub(crate) fn drop_callbacks(&self) {
        while let Some(callback) = self.pop_callback() {
            let _ = caught(|| drop(callback));
        }
    }

    pub(crate) fn pop_callback(&self) -> Option<Callback> {
        self.extras.get()?.callbacks.get()?.pop().ok()
    }

    /// True if a graceful cancellation was requested, and callbacks wait to be run.
    pub(crate) fn has_pending_callbacks(&self) -> bool {
        let waiting = || self.extras.get()?.callbacks.get().map(|queue| !queue.is_empty());
        self.state.load().level() == GRACEFUL && waiting() == Some(true)
    }
}
