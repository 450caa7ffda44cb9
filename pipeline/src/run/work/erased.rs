//! The handler of a pipeline without its types, for the parts that are compiled once and not for each
//! pipeline.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::collect::calls::Calls;
use crate::collect::deferred_rejections::DeferredRejections;
use crate::outcome::names::Names;
use crate::run::work::state::{ChunkData, WorkerState};
use crate::source::items::Items;
use crate::text::chunk::RawChunk;
use crate::text::decode::DynDecoders;
use sweet_async_core::error::AsyncTaskError;

pub(crate) type Boxed<'a, O> = Pin<Box<dyn Future<Output = O> + Send + 'a>>;

/// A [`Handler`](crate::run::work::handler::Handler) with the states of its workers. Methods without a doc
/// are as there.
pub(crate) trait DynHandler: Send + Sync + 'static {
    /// Makes the states of the workers. Called once, before all else. Runs user code, which may panic.
    fn open(&mut self, workers: Vec<Arc<Calls>>);

    /// One worker's part.
    fn worker(self: Arc<Self>, index: usize) -> Box<dyn DynWorker>;

    fn rejected(&self) -> u64;

    fn reports_positions(&self) -> bool;

    fn is_final(&self) -> bool;

    fn can_be_timed(&self) -> bool;

    fn unwanted(&self) -> Boxed<'_, ()>;

    /// Called once, after all workers have ended.
    fn close<'a>(&'a self, names: &'a Names) -> Boxed<'a, Closed>;
}

/// What a handler leaves at the end.
pub(crate) struct Closed {
    pub(crate) deferred: DeferredRejections,
    pub(crate) duplicates: u64,
    /// The handler's `End`.
    pub(crate) end: Box<dyn Any + Send>,
}

/// One worker's part of a handler: the rows of its chunk, and the events that it has gathered.
///
/// Cost: a virtual call and a box for each chunk, and for each batch.
pub(crate) trait DynWorker: Send {
    /// Begins a chunk of items. `first` is the position of the first one in its source.
    fn items(&mut self, items: Items, first: u64);

    /// Begins a chunk of text.
    fn text(&mut self, chunk: &RawChunk, decoders: DynDecoders);

    /// Parses at most `most` rows of the chunk ahead of their turn. Returns false once all are parsed.
    fn parse(&mut self, most: usize) -> bool;

    /// Handles the rows of the chunk. Returns false when there are no more, and true after each batch: to be
    /// called again, once the messages whose rows are now handled were settled.
    fn handle<'a>(&'a mut self, chunk: &'a ChunkData, state: &'a mut WorkerState) -> Boxed<'a, bool>;

    /// Parses one row, for [`handle_one`](Self::handle_one). Returns its position in its source, and whether
    /// it is an event; `None` if there are no more.
    fn next(&mut self) -> Option<(u64, bool)>;

    /// As [`handle`](Self::handle), for the row that was parsed last.
    fn handle_one<'a>(&'a mut self, chunk: &'a ChunkData, state: &'a mut WorkerState) -> Boxed<'a, bool>;

    /// Ends the chunk.
    fn end(&mut self);

    /// Handles the gathered events, whether the batch is full or not.
    fn finish<'a>(&'a mut self, state: &'a mut WorkerState) -> Boxed<'a, ()>;

    fn hand_over(&mut self) -> Result<(), AsyncTaskError>;
}
