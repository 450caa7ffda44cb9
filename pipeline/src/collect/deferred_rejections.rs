//! Deferred rejections: rows that are known to be rejected only after all rows are there.

use crate::collect::row_place::{Places, RowPlace};
use crate::outcome::names::Names;
use crate::outcome::row_error::RowError;
use sweet_async_core::error::AsyncTaskError;

/// The deferred rejections of a pipeline, and the failure of its end.
#[derive(Default)]
pub(crate) struct DeferredRejections {
    /// Rows that are rejected although they were handled, each of them once, in source order.
    pub(crate) rejected: Vec<Duplicate>,
    /// The panic of a user's function, or the error of the file or the sink to which the rows went.
    pub(crate) failure: Option<AsyncTaskError>,
}

impl DeferredRejections {
    /// `rejected` may have several duplicates of one row.
    pub(crate) fn new(mut rejected: Vec<Duplicate>, failure: Option<AsyncTaskError>) -> Self {
        rejected.sort_by_key(|duplicate| duplicate.sequence);
        rejected.dedup_by_key(|duplicate| duplicate.sequence);
        Self { rejected, failure }
    }

    /// No rejections, and a failure if there is one.
    pub(crate) fn failed(failure: Option<AsyncTaskError>) -> Self {
        Self { rejected: Vec::new(), failure }
    }
}

/// A row whose key was collected before, and the position of the first row with that key.
pub(crate) struct Duplicate {
    pub(crate) sequence: u64,
    pub(crate) row_place: RowPlace,
    pub(crate) first_sequence: u64,
    pub(crate) first: RowPlace,
}

impl Duplicate {
    /// `None` if one of the places is not known. The place of each row that was collected from is.
    pub(crate) fn of(sequence: u64, first_sequence: u64, places: &Places) -> Option<Self> {
        let (row_place, first) = (places.find(sequence)?, places.find(first_sequence)?);
        Some(Self { sequence, row_place, first_sequence, first })
    }

    pub(crate) fn row(&self, names: &Names) -> RowError {
        let (position, first) = (self.row_place.position(), self.first.position());
        let name = self.first.name(names);
        let first = match first.line() {
            Some(_) => format!("{name}, {first}"),
            None => format!("{name}, item {}", self.first_sequence),
        };
        let origin = self.row_place.name(names);
        let error = AsyncTaskError::Parse {
            origin: origin.clone(),
            position: Box::new(position),
            reason: format!("its key was collected before: {first}").into(),
        };
        RowError { origin, position, sequence: self.sequence, error, raw: None }
    }
}
