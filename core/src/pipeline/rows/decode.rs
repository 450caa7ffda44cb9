//! The decoder's contract: from a chunk to typed rows.

use std::sync::Arc;

use super::chunk::RawChunk;
use super::fault::BadRowReason;

/// A row of a chunk, decoded or not, and where it stood in its source.
#[derive(Clone, Debug)]
pub struct Row<T> {
    /// Its index in the source, from 0.
    pub(crate) sequence: u64,
    /// Line of its first byte, from 1.
    pub(crate) line: u64,
    /// Offset of its first byte in the source.
    pub(crate) byte: u64,
    pub(crate) data: Result<T, BadRowReason>,
}

/// Decodes chunks, one after the other. A worker keeps one per source: building one is dear, starting
/// it on another chunk is not.
pub(crate) trait Decoder<T>: Send {
    /// Begins a chunk; what was left of the one before is forgotten.
    fn start(&mut self, chunk: &RawChunk);

    /// The next row of the chunk. Every record gives one, a bad one too. One at a time: a row that is handled before
    /// the next is parsed gives its memory back while that is still in the cache.
    fn next(&mut self) -> Option<Row<T>>;
}

/// Makes a decoder for a worker.
pub(crate) type Decoders<T> = Arc<dyn Fn() -> Box<dyn Decoder<T>> + Send + Sync>;
