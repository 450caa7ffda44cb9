//! A rejected row, with its position and its error.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::event::single::{Event, Origin, position};
use sweet_async_core::Position;
use sweet_async_core::error::AsyncTaskError;

/// A rejected row: its position, and its error.
#[derive(Debug)]
pub struct RowError {
    pub(crate) origin: Arc<str>,
    pub(crate) position: Position,
    pub(crate) sequence: u64,
    pub(crate) error: AsyncTaskError,
    pub(crate) raw: Option<Box<[u8]>>,
}

/// The most bytes of a row's text that are kept: a thousand kept errors must stay small.
const LONGEST_RAW: usize = 4096;

impl RowError {
    /// The source's name.
    pub fn source_name(&self) -> &str {
        &self.origin
    }

    /// The row's position in its source.
    pub fn position(&self) -> Position {
        self.position
    }

    /// The row's position in source order.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The error: [`AsyncTaskError::Parse`], or the error that the receiver returned.
    pub fn error(&self) -> &AsyncTaskError {
        &self.error
    }

    /// The row's text without its line end, at most the first 4096 bytes of it. `None` unless `keep_raw` was
    /// set; also for items that come from no text, for a row that was refused as part of a batch, and for one
    /// that could not be cut.
    pub fn raw(&self) -> Option<&[u8]> {
        self.raw.as_deref()
    }

    /// The reason, without the position.
    pub fn reason(&self) -> String {
        match &self.error {
            AsyncTaskError::Parse { reason, .. } => reason.to_string(),
            other => other.reason(),
        }
    }
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}: {}", self.origin, self.position, self.reason())
    }
}

impl Error for RowError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Error::source(&self.error)
    }
}

/// The position of a row, for its error.
pub(crate) struct RowContext<'a> {
    pub(crate) name: &'a Arc<str>,
    pub(crate) origin: Origin,
    pub(crate) sequence: u64,
    pub(crate) line: u64,
    pub(crate) byte: u64,
    pub(crate) raw: Option<&'a [u8]>,
}

impl<'a> RowContext<'a> {
    /// The position of an event in the source of this name.
    pub(crate) fn of<T>(event: &Event<T>, name: &'a Arc<str>) -> Self {
        let Event { origin, sequence, line, byte, .. } = *event;
        Self { name, origin, sequence, line, byte, raw: None }
    }

    pub(crate) fn unreadable(&self, reason: &impl fmt::Display) -> AsyncTaskError {
        AsyncTaskError::Parse {
            origin: self.name.clone(),
            position: Box::new(position(self.origin.source, self.line, self.byte)),
            reason: reason.to_string().into(),
        }
    }

    pub(crate) fn error(&self, error: AsyncTaskError) -> RowError {
        RowError {
            origin: self.name.clone(),
            position: position(self.origin.source, self.line, self.byte),
            sequence: self.sequence,
            error,
            raw: self.raw.map(|raw| raw.get(..LONGEST_RAW).unwrap_or(raw).into()),
        }
    }
}
