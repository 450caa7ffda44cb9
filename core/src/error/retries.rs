//! Work that failed each time that it was tried.

use std::error::Error;
use std::fmt;

use super::AsyncTaskError;

/// The work failed each time that it was tried. Its `source` is what caused the last failure, which its text includes.
pub struct RetriesError {
    attempts: u32,
    last: Box<AsyncTaskError>,
}

impl RetriesError {
    pub(crate) fn exhausted(attempts: u32, last: AsyncTaskError) -> AsyncTaskError {
        AsyncTaskError::RetriesExhausted(Self { attempts, last: Box::new(last) })
    }

    /// How often it was tried, the first time included.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// How it failed the last time.
    pub fn last(&self) -> &AsyncTaskError {
        &self.last
    }

    /// How it failed the last time.
    pub fn into_last(self) -> AsyncTaskError {
        *self.last
    }
}

impl fmt::Display for RetriesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed {} times; the last time: {}", self.attempts, self.last)
    }
}

impl fmt::Debug for RetriesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetriesError").field("attempts", &self.attempts).field("last", &self.last).finish()
    }
}

impl Error for RetriesError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.last.source()
    }
}
