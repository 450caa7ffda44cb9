//! The error of failed work, and the causes that `{:#}` adds to the text of an error.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::error::{AsyncTaskError, BoxError};

/// An error that the work returned, or the error of a runtime that did not take the work. That error is the
/// `source`. The text names the task, if it has a name, and does not repeat the text of the source; `{:#}`
/// adds that, and the causes of the source.
pub struct FailureError {
    task: Option<Arc<str>>,
    /// False if the runtime did not take the work.
    was_started: bool,
    error: BoxError,
}

impl FailureError {
    pub(super) fn new(error: BoxError) -> Self {
        Self { task: None, was_started: true, error }
    }

    /// The error of a runtime that did not take the work.
    pub(super) fn refused(error: BoxError) -> Self {
        Self { was_started: false, ..Self::new(error) }
    }

    pub(super) fn set_refused(&mut self) {
        self.was_started = false;
    }

    /// Notes that other work passes the error on. If the task has no name, the text then says that this other
    /// work has failed.
    pub(super) fn disown(&mut self) {
        self.was_started |= self.task.is_none();
    }

    /// False if the work was never started: the runtime did not take it or could not be used.
    pub fn was_started(&self) -> bool {
        self.was_started
    }

    /// The name of the task whose work it was, if it has one.
    pub fn task(&self) -> Option<&str> {
        self.task.as_deref()
    }

    pub(super) fn name(&mut self, task: &Arc<str>) {
        self.task.get_or_insert_with(|| task.clone());
    }

    /// The work's own error.
    pub fn error(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.error
    }

    /// The work's own error.
    pub fn into_error(self) -> BoxError {
        self.error
    }

    /// The work's own error as an `E`, or `self` back.
    pub(super) fn downcast<E: Error + 'static>(self) -> Result<E, Self> {
        let Self { task, was_started, error } = self;
        error.downcast().map(|error| *error).map_err(|error| Self { task, was_started, error })
    }
}

impl fmt::Display for FailureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let became = if self.was_started { "failed" } else { "was not started" };
        write!(f, "{} {became}", subject(self.task()))?;
        causes(f, self.source())
    }
}

impl fmt::Debug for FailureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FailureError")
            .field("task", &self.task)
            .field("was_started", &self.was_started)
            .field("error", &self.error)
            .finish()
    }
}

impl Error for FailureError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.error)
    }
}

/// The subject of an error's text: the task by its name, or "the work".
pub(super) fn subject(task: Option<&str>) -> String {
    task.map_or_else(|| String::from("the work"), |name| format!("task `{name}`"))
}

/// The cause for an error about several attempts: the last failure. If that says only that the task has
/// failed, which the error itself says, it is the work's own error.
pub(super) fn cause_of<'a>(last: &'a AsyncTaskError, task: Option<&str>) -> &'a (dyn Error + 'static) {
    match last {
        AsyncTaskError::Failure(failure)
            if failure.was_started && (failure.task.is_none() || failure.task() == task) =>
        {
            &*failure.error
        }
        other => other,
    }
}

/// Writes the texts of the causes that `{:#}` adds, the nearest first; nothing for `{}`.
pub(super) fn causes(f: &mut fmt::Formatter<'_>, source: Option<&(dyn Error + 'static)>) -> fmt::Result {
    let mut next = source.filter(|_| f.alternate());
    while let Some(cause) = next {
        write!(f, ": {cause}")?;
        next = cause.source();
    }
    Ok(())
}
