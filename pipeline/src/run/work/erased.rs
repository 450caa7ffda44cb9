//! The handler of a pipeline without its types. The worker and the coordinator use it in this form, so that
//! they are compiled once and not for each pipeline.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::collect::deferred_rejections::DeferredRejections;
use crate::collect::worker::calls::Calls;
use crate::event::single::Origin;
use crate::outcome::names::Names;
use crate::run::shared::turn::Turn;
use crate::run::work::completion::Completion;
use crate::run::work::keys::Keys;
use crate::run::work::state::{ChunkData, WorkerState};
use crate::source::item_chunks::Items;
use crate::text::chunk::RawChunk;
use crate::text::decode::DynDecoders;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::runtime::DynRuntime;

pub(crate) type Boxed<'a, O> = Pin<Box<dyn Future<Output = O> + Send + 'a>>;

/// A [`Handler`](crate::run::work::handlers::handler::Handler) with the states of its workers. A method
/// without a doc is as there.
pub(crate) trait DynHandler: Send + Sync + 'static {
    /// Makes the states of the workers. Called once, before all other methods. Runs user code, which may
    /// panic.
    fn open(&mut self, workers: Vec<Arc<Calls>>);

    fn begin<'a>(&'a self, runtime: &'a DynRuntime) -> Boxed<'a, Result<(), AsyncTaskError>>;

    /// Makes the part of one worker.
    fn worker(self: Arc<Self>, index: usize) -> Box<dyn DynWorker>;

    fn rejected(&self) -> u64;

    fn reports_positions(&self) -> bool;

    fn is_final(&self) -> bool;

    fn can_retry(&self) -> bool;

    fn can_be_timed(&self) -> bool;

    /// True if there are stages before the receiver.
    fn has_stages(&self) -> bool;

    /// True if values have keys, and those of one key are handled in source order.
    fn has_keys(&self) -> bool;

    /// True if one of the stages is asynchronous.
    fn awaits_stages(&self) -> bool;

    fn unwanted(&self) -> Boxed<'_, ()>;

    /// Called once, after all workers have ended.
    fn close<'a>(&'a self, names: &'a Names) -> Boxed<'a, Closed>;

    fn complete<'a>(
        &'a self,
        runtime: &'a DynRuntime,
        completion: Completion,
    ) -> Boxed<'a, Result<(), AsyncTaskError>>;
}

/// The end of a handler: its result without the type, and the rows that it rejects only now.
pub(crate) struct Closed {
    pub(crate) deferred: DeferredRejections,
    pub(crate) duplicates: u64,
    /// The handler's `End`.
    pub(crate) end: Box<dyn Any + Send>,
}

/// One worker's part of a handler: the rows of its chunk, and the pending events of its batch.
///
/// Cost: a few virtual calls for each chunk; where calls are waited for, also a box for each chunk and for each
/// batch; under a rate, for each row, and where events are retried, for each attempt.
pub(crate) trait DynWorker: Send {
    /// Begins a chunk of items. `first` is the position of the first one in its source.
    fn items(&mut self, items: Items, first: u64);

    /// Begins a chunk of text.
    fn text(&mut self, chunk: &RawChunk, decoders: DynDecoders);

    /// Parses at most `most` more rows of the chunk, before its turn. Returns false once all are parsed; they
    /// are then the rows of the chunk.
    fn parse(&mut self, most: usize) -> bool;

    /// Runs the stages of all rows of the chunk. The rows are then those whose stages have run.
    fn ahead<'a>(&'a mut self, origin: Origin, state: &'a mut WorkerState) -> Boxed<'a, ()>;

    /// Gives the rows whose stages have run their turns by key. Called in the turn of the chunk.
    fn take_turns(&mut self, keys: &Keys);

    /// Goes on to the next row that has turns by key, for [`handle`](Self::handle). Returns its turns; `None` if
    /// there are no more rows.
    fn next_in_turn(&mut self) -> Option<Vec<Turn>>;

    /// Handles the rows of the chunk. Returns true after each batch: it is to be called again, once the
    /// messages whose rows are now handled were settled. Returns false when there are no more rows.
    /// With `one`, handles only the row that [`next`](Self::next) has parsed.
    fn handle<'a>(
        &'a mut self,
        one: bool,
        chunk: &'a ChunkData<'a>,
        state: &'a mut WorkerState,
    ) -> Boxed<'a, bool>;

    /// Handles a slice of the rows, where nothing is waited for. Returns true if there may be more, and `None`
    /// if they are to be handled by [`handle`](Self::handle).
    fn slice(&mut self, one: bool, chunk: &ChunkData<'_>, state: &mut WorkerState) -> Option<bool>;

    /// Parses one row, for [`handle`](Self::handle). Returns its position in its source, and whether
    /// it is an event; `None` if there are no more.
    fn next(&mut self) -> Option<(u64, bool)>;

    /// Ends the chunk, and keeps its decoder for the next chunk of the source.
    fn end(&mut self);

    /// Handles the pending events, whether the batch is full or not.
    fn finish<'a>(&'a mut self, state: &'a mut WorkerState) -> Boxed<'a, ()>;

    /// As [`Handler::hand_over`](crate::run::work::handlers::handler::Handler::hand_over).
    fn hand_over(&mut self) -> Result<(), AsyncTaskError>;
}
