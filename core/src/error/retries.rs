//! The error of work whose attempts have all failed.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::error::AsyncTaskError;
use crate::error::failure::{cause_of, causes, subject};

/// The error of work whose attempts have all failed. Its `source` is the cause of the last failure; `{:#}`
/// adds the text of that.
pub struct RetriesError {
    task: Option<Arc<str>>,
    attempts: u32,
    is_out_of_time: bool,
    last: Box<AsyncTaskError>,
}

impl RetriesError {
    pub(crate) fn exhausted(attempts: u32, last: AsyncTaskError) -> AsyncTaskError {
        AsyncTaskError::RetriesExhausted(Self {
            task: None,
            attempts,
            is_out_of_time: false,
            last: Box::new(last),
        })
    }

    /// As [`exhausted`](Self::exhausted), where the deadline comes before another attempt would.
    pub(crate) fn out_of_time(attempts: u32, last: AsyncTaskError) -> AsyncTaskError {
        AsyncTaskError::RetriesExhausted(Self {
            task: None,
            attempts,
            is_out_of_time: true,
            last: Box::new(last),
        })
    }

    /// The name of the task whose work it was, if it has one.
    pub fn task(&self) -> Option<&str> {
        self.task.as_deref()
    }

    pub(super) fn name(&mut self, task: &Arc<str>) {
        self.task.get_or_insert_with(|| task.clone());
    }

    /// The number of attempts, the first included.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// True if more attempts were permitted, and the wait before the next would have ended after the deadline
    /// of the task or of a task above it. Such a wait is not begun.
    pub fn is_out_of_time(&self) -> bool {
        self.is_out_of_time
    }

    /// The error of the last attempt.
    pub fn last(&self) -> &AsyncTaskError {
        &self.last
    }

    pub(super) fn last_mut(&mut self) -> &mut AsyncTaskError {
        &mut self.last
    }

    /// The error of the last attempt.
    pub fn into_last(self) -> AsyncTaskError {
        *self.last
    }
}

impl fmt::Display for RetriesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.attempts {
            1 => write!(f, "{} failed once", subject(self.task()))?,
            attempts => write!(f, "{} failed {attempts} times", subject(self.task()))?,
        }
        if self.is_out_of_time {
            f.write_str(", and the wait before another attempt would end after the deadline")?;
        }
        causes(f, self.source())
    }
}

impl fmt::Debug for RetriesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetriesError")
            .field("task", &self.task)
            .field("attempts", &self.attempts)
            .field("is_out_of_time", &self.is_out_of_time)
            .field("last", &self.last)
            .finish()
    }
}

impl Error for RetriesError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(cause_of(&self.last, self.task()))
    }
}
