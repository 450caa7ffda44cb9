//! The decoder's contract: from a chunk to typed rows.

use std::any::Any;
use std::sync::Arc;

use crate::text::chunk::RawChunk;
use crate::text::fault::BadRowReason;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::caught;

/// A row of a chunk, decoded or not, and its position in its source.
#[derive(Debug)]
pub(crate) struct Decoded<T> {
    /// Its index in the source, from 0.
    pub(crate) sequence: u64,
    /// Line of its first byte, from 1.
    pub(crate) line: u64,
    /// Offset of its first byte in the source.
    pub(crate) byte: u64,
    /// Its length in bytes, without its line end; see [`RawChunk::text`].
    pub(crate) len: usize,
    pub(crate) data: Result<T, Fault>,
}

/// The reason why a row has no value.
#[derive(Debug)]
pub(crate) enum Fault {
    Bad(BadRowReason),
    /// The parser of the user's own type panicked.
    Panicked(AsyncTaskError),
}

/// Runs a parser of the user's. A panic is the error of its row; the rows after it are still parsed.
#[inline]
pub(crate) fn parsed<T>(parse: impl FnOnce() -> Result<T, BadRowReason>) -> Result<T, Fault> {
    match caught(parse) {
        Ok(parsed) => parsed.map_err(Fault::Bad),
        Err(panic) => Err(Fault::Panicked(panic)),
    }
}

/// Decodes chunks, one after the other. A worker keeps one decoder per source, up to a limit: making one is
/// expensive, starting it on another chunk is not.
pub(crate) trait Decoder<T>: Send {
    /// Begins a chunk; the rest of the one before is dropped.
    fn start(&mut self, chunk: &RawChunk);

    /// Returns the next row of the chunk. Every record gives one row, a bad record too. Rows come one at a
    /// time: a row that is handled before the next is parsed gives its memory back while that is still in the
    /// cache.
    fn next(&mut self) -> Option<Decoded<T>>;

    /// Drops the chunk, which shares its memory with others.
    fn release(&mut self);
}

/// Makes a decoder for a worker.
pub(crate) type Decoders<T> = Arc<dyn Fn() -> Box<dyn Decoder<T>> + Send + Sync>;

/// The [`Decoders`] of a source without their type, on the way from the source to the workers. The parts in
/// between are then compiled once, and not for each type of row.
#[derive(Clone)]
pub(crate) struct DynDecoders(Arc<dyn Any + Send + Sync>);

impl DynDecoders {
    pub(crate) fn new<T: 'static>(decoders: Decoders<T>) -> Self {
        Self(Arc::new(decoders))
    }

    /// The decoders. `None` for rows of another type, which no pipeline has.
    pub(crate) fn get<T: 'static>(&self) -> Option<&Decoders<T>> {
        self.0.downcast_ref()
    }

    /// True if both are those of one source.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}
