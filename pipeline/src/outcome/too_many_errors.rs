//! The error of a pipeline that has rejected too many rows.

use std::error::Error;
use std::fmt;

use crate::outcome::final_event::FinalEvent;
use crate::outcome::row_error::RowError;

/// The number of rejected rows has reached `fail_after`. It is a pipeline's [`AsyncTaskError::Failure`],
/// found with [`AsyncTaskError::downcast_ref`]. Its `source` is the first rejected row in source order.
///
/// [`AsyncTaskError::Failure`]: sweet_async_core::AsyncTaskError::Failure
/// [`AsyncTaskError::downcast_ref`]: sweet_async_core::AsyncTaskError::downcast_ref
#[derive(Clone, Debug)]
pub struct TooManyErrors(FinalEvent);

impl TooManyErrors {
    pub(crate) fn new(summary: FinalEvent) -> Self {
        Self(summary)
    }

    /// Returns the number of rejected rows.
    pub fn rejected(&self) -> u64 {
        self.0.rejected()
    }

    /// The first rejected rows in source order: at least one.
    pub fn errors(&self) -> &[RowError] {
        self.0.errors()
    }

    /// The summary of the pipeline until then.
    pub fn summary(&self) -> &FinalEvent {
        &self.0
    }
}

impl fmt::Display for TooManyErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows were rejected", self.rejected())?;
        match self.errors().first() {
            Some(first) => write!(f, "; the first: {first}"),
            None => Ok(()),
        }
    }
}

impl Error for TooManyErrors {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.errors().first().map(|first| first as _)
    }
}
