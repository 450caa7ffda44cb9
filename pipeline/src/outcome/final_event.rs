//! The figures of a pipeline that has ended.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::outcome::failure::RowError;
use crate::outcome::progress::Progress;

/// What a pipeline did, once all of it has ended: `read` = `handled` + `rejected` + `dropped`, exactly. A clone is the
/// same summary, and costs next to nothing.
#[derive(Clone, Default)]
pub struct FinalEvent(Arc<Summary>);

#[derive(Debug, Default)]
pub(crate) struct Summary {
    pub(crate) progress: Progress,
    pub(crate) duplicates: u64,
    pub(crate) errors: Vec<RowError>,
    pub(crate) sources: Vec<Arc<str>>,
}

impl From<Summary> for FinalEvent {
    fn from(summary: Summary) -> Self {
        Self(Arc::new(summary))
    }
}

impl FinalEvent {
    /// Of the rows that were there to be pulled, `taken` were; the others are dropped.
    pub(crate) fn with_taken(mut self, taken: u64) -> Self {
        // Nobody else has it yet.
        if let Some(Summary { progress, .. }) = Arc::get_mut(&mut self.0) {
            progress.dropped += progress.handled.saturating_sub(taken);
            progress.handled = taken;
        }
        self
    }

    /// Rows read, headers not counted.
    pub fn read(&self) -> u64 {
        self.0.progress.read
    }

    /// Rows that a receiver took without an error.
    pub fn handled(&self) -> u64 {
        self.0.progress.handled
    }

    /// Rows that could not be parsed, or that a receiver refused: exact, however many errors are kept.
    pub fn rejected(&self) -> u64 {
        self.0.progress.rejected
    }

    /// Rows that were read and that nobody has handled to the end, because the pipeline ended first.
    pub fn dropped(&self) -> u64 {
        self.0.progress.dropped
    }

    /// Values collected under a key that was there already.
    pub fn duplicates(&self) -> u64 {
        self.0.duplicates
    }

    /// Bytes read from text sources.
    pub fn bytes(&self) -> u64 {
        self.0.progress.bytes_read
    }

    /// The first rejected rows in source order, at most `max_errors` of them. One whose error has become the pipeline's
    /// own is not among them.
    pub fn errors(&self) -> &[RowError] {
        &self.0.errors
    }

    /// From start to end, by the runtime's clock.
    pub fn elapsed(&self) -> Duration {
        self.0.progress.elapsed
    }

    /// The sources' names, in the order in which the sender named them; [`Position::source`](sweet_async_core::Position::source) is an index into it.
    pub fn sources(&self) -> &[Arc<str>] {
        &self.0.sources
    }
}

impl fmt::Debug for FinalEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FinalEvent").field(&self.0).finish()
    }
}
