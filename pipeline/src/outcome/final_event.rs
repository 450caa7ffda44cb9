//! The figures of a pipeline that has ended.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::outcome::progress::Progress;
use crate::outcome::row_error::RowError;
use crate::outcome::source_failure::SourceError;

/// The summary of a pipeline, after all of it has ended. The sum of `handled`, `rejected` and `dropped`
/// equals `read`, exactly. A clone is the same summary, and costs next to nothing.
#[derive(Clone, Default)]
pub struct FinalEvent(Arc<Summary>);

#[derive(Debug, Default)]
pub(crate) struct Summary {
    pub(crate) progress: Progress,
    pub(crate) duplicates: u64,
    pub(crate) errors: Vec<RowError>,
    pub(crate) source_errors: Vec<SourceError>,
    pub(crate) failed_sources: u64,
    pub(crate) sources: Vec<Arc<str>>,
}

impl From<Summary> for FinalEvent {
    fn from(summary: Summary) -> Self {
        Self(Arc::new(summary))
    }
}

impl FinalEvent {
    /// Counts `taken` rows as handled. The other rows that were there to be pulled count as dropped.
    pub(crate) fn with_taken(mut self, taken: u64) -> Self {
        // There is no other clone yet.
        if let Some(Summary { progress, .. }) = Arc::get_mut(&mut self.0) {
            progress.dropped += progress.handled.saturating_sub(taken);
            progress.handled = taken;
        }
        self
    }

    /// Returns the number of rows read, without headers.
    pub fn read(&self) -> u64 {
        self.0.progress.read
    }

    /// Returns the number of rows that a receiver took without an error, or of which the stages left nothing.
    pub fn handled(&self) -> u64 {
        self.0.progress.handled
    }

    /// Returns the number of rows that could not be parsed, or that a receiver refused. It is exact, however
    /// many errors are kept.
    pub fn rejected(&self) -> u64 {
        self.0.progress.rejected
    }

    /// Returns the number of rows that were read and not handled to the end, because the pipeline ended
    /// first.
    pub fn dropped(&self) -> u64 {
        self.0.progress.dropped
    }

    /// Returns the number of values collected under a key that was there already.
    pub fn duplicates(&self) -> u64 {
        self.0.duplicates
    }

    /// Returns the number of bytes read from text sources.
    pub fn bytes(&self) -> u64 {
        self.0.progress.bytes_read
    }

    /// The first rejected rows in source order: at most `max_errors` of them, or one where that is zero and
    /// `fail_after` is set. A row whose error has become the pipeline's own is not among them.
    pub fn errors(&self) -> &[RowError] {
        &self.0.errors
    }

    /// Returns the number of sources that failed and were skipped: see
    /// [`on_source_error`](crate::PipelineBuilder::on_source_error). It is exact, however many errors are
    /// kept.
    pub fn failed_sources(&self) -> u64 {
        self.0.failed_sources
    }

    /// The errors of the first sources that failed and were skipped, in source order: as many as errors of
    /// rows are kept.
    pub fn source_errors(&self) -> &[SourceError] {
        &self.0.source_errors
    }

    /// Returns the time from start to end, by the runtime's clock.
    pub fn elapsed(&self) -> Duration {
        self.0.progress.elapsed
    }

    /// The names of the sources, in the order in which the sender named them.
    /// [`Position::source`](sweet_async_core::Position::source) is an index into this.
    pub fn sources(&self) -> &[Arc<str>] {
        &self.0.sources
    }
}

impl fmt::Debug for FinalEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FinalEvent").field(&self.0).finish()
    }
}
