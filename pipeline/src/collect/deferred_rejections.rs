//! Rows that are known to be rejected only when all rows are there.

use crate::collect::row_place::RowPlace;
use crate::outcome::failure::RowError;
use crate::outcome::names::Names;
use sweet_async_core::error::AsyncTaskError;

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
    pub(crate) spot: RowPlace,
    pub(crate) first_sequence: u64,
    pub(crate) first: RowPlace,
}

impl Duplicate {
    pub(crate) fn row(&self, names: &Names) -> RowError {
        let (position, first) = (self.spot.position(), self.first.position());
        let name = self.first.name(names);
        let first = match first.line() {
            Some(_) => format!("{name}, {first}"),
            None => format!("{name}, item {}", self.first_sequence),
        };
        let origin = self.spot.name(names);
        let error = AsyncTaskError::Parse {
            origin: origin.clone(),
            position: Box::new(position),
            reason: format!("its key was collected before: {first}").into(),
        };
        RowError { origin, position, sequence: self.sequence, error, raw: None }
    }
}
