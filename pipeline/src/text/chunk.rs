//! A chunk: whole records, not yet parsed, and their position in the source.

use bytes::Bytes;

/// The size of one chunk.
///
/// Zero is refused when the pipeline starts
/// ([`InvalidConfig`](sweet_async_core::AsyncTaskError::InvalidConfig)). A chunk may be shorter at the end
/// of the source, before a row that cannot be read, before a run of blank or comment lines longer than the
/// record limit, and where a stream or a polled reader has no more for the moment. A chunk of text by rows
/// also ends with the row that brings it to 8 MiB, or to
/// [`with_max_chunk`](crate::TextSource::with_max_chunk), so that rows larger than expected do not take
/// the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChunkSize {
    /// This many records; of text, fewer if they have 8 MiB, or as many bytes as were set.
    Rows(usize),
    /// Records until at least this many bytes: a chunk ends with the record that reaches the number.
    Bytes(usize),
}

/// One or more whole records. The first byte is the first byte of the first record: blank lines and comments
/// before it are dropped, those between its records are kept.
#[derive(Clone, Debug)]
pub(crate) struct RawChunk {
    pub(crate) bytes: Bytes,
    /// Index of the first record in its source, from 0. The header has no index; its chunk has 0 here.
    pub(crate) first_row: u64,
    /// The number of records in the bytes, at least one.
    pub(crate) rows: u64,
    /// Line of the first byte, from 1. LF alone counts, as in the csv crate and most editors.
    pub(crate) first_line: u64,
    /// Offset of the first byte in its source, a stripped byte order mark counted.
    pub(crate) first_byte: u64,
}

impl RawChunk {
    /// Returns the raw text of one of its rows, by the `byte` and `len` of that row. The text shares the
    /// chunk's memory.
    pub(crate) fn text(&self, byte: u64, len: usize) -> Bytes {
        let start =
            usize::try_from(byte.saturating_sub(self.first_byte)).unwrap_or(usize::MAX).min(self.bytes.len());
        let end = start.saturating_add(len).min(self.bytes.len());
        self.bytes.slice(start..end)
    }
}
