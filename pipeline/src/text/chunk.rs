//! A chunk: some whole records, not yet parsed, and where they stood in their source.

use bytes::Bytes;

/// How much one chunk holds.
///
/// A zero counts as one. A chunk may be shorter at the end of the source, before a row that cannot be
/// read, and before a run of blank or comment lines longer than the record limit; a chunk of text by rows also with the row
/// that brings it to 8 MiB, so that rows that are larger than was thought do not take the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChunkSize {
    /// This many records, or of text fewer of at least 8 MiB.
    Rows(usize),
    /// Records until at least this many bytes: a chunk ends with the record that reaches the number.
    Bytes(usize),
}

/// One or more whole records. The first byte is the first byte of the first record: blank lines and
/// comments before it are gone, those between its records are still there.
#[derive(Clone, Debug)]
pub(crate) struct RawChunk {
    pub(crate) bytes: Bytes,
    /// Index of the first record in its source, from 0. The header has none and reads 0.
    pub(crate) first_row: u64,
    /// How many records the bytes hold, at least one.
    pub(crate) rows: u64,
    /// Line of the first byte, from 1. LF alone counts, as in the csv crate and most editors.
    pub(crate) first_line: u64,
    /// Offset of the first byte in its source, a stripped byte order mark counted.
    pub(crate) first_byte: u64,
}

impl RawChunk {
    /// The raw text of one of its rows, from what the row says of itself: `byte` and `len`. It shares the chunk's memory.
    pub(crate) fn text(&self, byte: u64, len: usize) -> Bytes {
        let start =
            usize::try_from(byte.saturating_sub(self.first_byte)).unwrap_or(usize::MAX).min(self.bytes.len());
        let end = start.saturating_add(len).min(self.bytes.len());
        self.bytes.slice(start..end)
    }
}
