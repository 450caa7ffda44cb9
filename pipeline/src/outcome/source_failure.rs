//! Sources that failed and were skipped.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use sweet_async_core::error::AsyncTaskError;

/// A source that could not be read, or not to its end, and was skipped: see
/// [`on_source_error`](crate::PipelineBuilder::on_source_error).
#[derive(Debug)]
pub struct SourceError {
    pub(crate) name: Arc<str>,
    pub(crate) source: u32,
    pub(crate) rows: u64,
    pub(crate) error: AsyncTaskError,
}

impl SourceError {
    /// The source's name.
    pub fn source_name(&self) -> &str {
        &self.name
    }

    /// The source's index in [`FinalEvent::sources`](crate::FinalEvent::sources), as
    /// [`Position::source`](sweet_async_core::Position::source) has it.
    pub fn source_index(&self) -> u32 {
        self.source
    }

    /// The number of its rows that were handed on before the failure, bad ones included. How many would have
    /// followed is not known. For a source that is published, it is the number of rows in its messages.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The error, as it would have ended the pipeline.
    pub fn error(&self) -> &AsyncTaskError {
        &self.error
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = if self.rows == 1 { "" } else { "s" };
        write!(f, "{}, after {} row{s}: ", self.name, self.rows)?;
        match &self.error {
            // Its context has the name once more.
            AsyncTaskError::Io { error, .. } => error.fmt(f),
            other => f.write_str(&other.reason()),
        }
    }
}

impl Error for SourceError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}
