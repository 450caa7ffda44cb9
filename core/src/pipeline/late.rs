//! Rows that are known to be rejected only when all rows are there.

use std::sync::Arc;

use super::{Position, RowError};
use crate::error::AsyncTaskError;

/// What the end of a pipeline brings to light.
#[derive(Default)]
pub(crate) struct Late {
    /// Rows that are rejected although they were handled, each of them once, in source order.
    pub(crate) rejected: Vec<Duplicate>,
    /// A user's function that panicked.
    pub(crate) panic: Option<AsyncTaskError>,
}

/// A row whose key was there before, and where that was.
pub(crate) struct Duplicate {
    pub(crate) sequence: u64,
    pub(crate) position: Position,
    pub(crate) first_sequence: u64,
    pub(crate) first: Position,
}

impl Duplicate {
    pub(crate) fn row(&self, names: &[Arc<str>]) -> RowError {
        let name = |position: Position| names.get(position.source()).cloned().unwrap_or_default();
        let first = match self.first.line() {
            Some(_) => format!("{}, {}", name(self.first), self.first),
            None => format!("{}, item {}", name(self.first), self.first_sequence),
        };
        let origin = name(self.position);
        let error = AsyncTaskError::Parse {
            origin: origin.clone(),
            position: Box::new(self.position),
            reason: format!("its key was collected before: {first}").into(),
        };
        RowError { origin, position: self.position, sequence: self.sequence, error, raw: None }
    }
}
