//! An error of the work's own, and the chain of causes that errors are told with.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use super::{AsyncTaskError, BoxError};

/// The work returned an error of its own: that is its `source`. Its text names the task, where that has a name, and does not
/// repeat what the source says; `{:#}` adds that, and what caused it.
pub struct FailureError {
    task: Option<Arc<str>>,
    error: BoxError,
}

impl FailureError {
    pub(super) fn new(error: BoxError) -> Self {
        Self { task: None, error }
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
        let Self { task, error } = self;
        error.downcast().map(|error| *error).map_err(|error| Self { task, error })
    }
}

impl fmt::Display for FailureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed", subject(self.task()))?;
        causes(f, self.source())
    }
}

impl fmt::Debug for FailureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FailureError").field("task", &self.task).field("error", &self.error).finish()
    }
}

impl Error for FailureError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.error)
    }
}

/// The task by its name, as a sentence begins with it.
pub(super) fn subject(task: Option<&str>) -> String {
    task.map_or_else(|| String::from("the work"), |name| format!("task `{name}`"))
}

/// The cause of an error that the last failure of several has led to: that failure, or, where it says no more than that a task
/// has failed, which the error says itself, the work's own error.
pub(super) fn cause_of<'a>(last: &'a AsyncTaskError, task: Option<&str>) -> &'a (dyn Error + 'static) {
    match last {
        AsyncTaskError::Failure(failure) if failure.task.is_none() || failure.task() == task => {
            &*failure.error
        }
        other => other,
    }
}

/// What `{:#}` adds to the text of an error: that of each of its causes, the nearest first.
pub(super) fn causes(f: &mut fmt::Formatter<'_>, source: Option<&(dyn Error + 'static)>) -> fmt::Result {
    let mut next = source.filter(|_| f.alternate());
    while let Some(cause) = next {
        write!(f, ": {cause}")?;
        next = cause.source();
    }
    Ok(())
}
