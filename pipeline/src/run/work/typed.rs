//! The handler of a pipeline with its types, as a [`DynHandler`]. This is the part of a worker that is
//! compiled for each pipeline.

use std::sync::Arc;

use crate::collect::worker::calls::Calls;
use crate::event::single::Event;
use crate::outcome::names::Names;
use crate::policy::RetryEvents;
use crate::run::work::erased::{Boxed, Closed, DynHandler, DynWorker};
use crate::run::work::feed::{Feed, Gathering};
use crate::run::work::handlers::handler::Handler;
use crate::run::work::rows::{DecoderCache, ItemRows, Rows};
use crate::run::work::slot::StateSlot;
use crate::run::work::state::{ChunkData, WorkerState};
use crate::source::items::Items;
use crate::text::chunk::RawChunk;
use crate::text::decode::{Decoded, DynDecoders};
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::caught;
use sweet_async_core::runtime::DynRuntime;

/// A handler, and the states of its workers.
pub(crate) struct TypedHandler<T, H: Handler<T>> {
    handler: H,
    retrying: Option<RetryEvents<T>>,
    slots: Box<[StateSlot<H::Local>]>,
}

impl<T: Send + 'static, H: Handler<T>> TypedHandler<T, H> {
    pub(crate) fn new(handler: H, retrying: Option<RetryEvents<T>>) -> Self {
        Self { handler, retrying, slots: Box::default() }
    }
}

impl<T: Send + 'static, H: Handler<T>> DynHandler for TypedHandler<T, H> {
    fn open(&mut self, workers: Vec<Arc<Calls>>) {
        self.slots = slots(self.handler.locals(&workers), workers);
    }

    fn begin<'a>(&'a self, runtime: &'a DynRuntime) -> Boxed<'a, Result<(), AsyncTaskError>> {
        Box::pin(self.handler.begin(runtime))
    }

    fn worker(self: Arc<Self>, index: usize) -> Box<dyn DynWorker> {
        Box::new(TypedWorker {
            shared: self,
            index,
            rows: Rows::One(None),
            one: Rows::One(None),
            parsed: Vec::new(),
            events: Vec::new(),
            decoders: DecoderCache::new(),
        })
    }

    fn rejected(&self) -> u64 {
        self.handler.rejected()
    }

    fn reports_positions(&self) -> bool {
        self.handler.reports_positions()
    }

    fn is_final(&self) -> bool {
        self.handler.is_final()
    }

    fn can_retry(&self) -> bool {
        self.handler.can_retry()
    }

    fn can_be_timed(&self) -> bool {
        self.handler.can_be_timed()
    }

    fn unwanted(&self) -> Boxed<'_, ()> {
        Box::pin(self.handler.unwanted())
    }

    fn close<'a>(&'a self, names: &'a Names) -> Boxed<'a, Closed> {
        let locals = self.slots.iter().filter_map(StateSlot::take).collect();
        Box::pin(async move {
            let (deferred, end) = self.handler.close(locals, names).await;
            Closed { deferred, duplicates: H::duplicates(&end), end: Box::new(end) }
        })
    }

    fn complete<'a>(
        &'a self,
        runtime: &'a DynRuntime,
        succeeded: bool,
    ) -> Boxed<'a, Result<(), AsyncTaskError>> {
        Box::pin(self.handler.complete(runtime, succeeded))
    }
}

/// Not a method of a handler: it is compiled once for each kind of state.
fn slots<L>(locals: Vec<L>, workers: Vec<Arc<Calls>>) -> Box<[StateSlot<L>]> {
    locals.into_iter().zip(workers).map(|(local, calls)| StateSlot::new(local, calls)).collect()
}

/// One worker's part of a handler.
struct TypedWorker<T, H: Handler<T>> {
    shared: Arc<TypedHandler<T, H>>,
    index: usize,
    /// The rows of the chunk.
    rows: Rows<T>,
    /// The row that was parsed by [`next`](DynWorker::next).
    one: Rows<T>,
    /// The rows that were parsed before the chunk's turn, until all are.
    parsed: Vec<Decoded<T>>,
    /// The gathered events.
    events: Vec<Event<T>>,
    decoders: DecoderCache<T>,
}

impl<T: Send + 'static, H: Handler<T>> DynWorker for TypedWorker<T, H> {
    fn items(&mut self, items: Items, first: u64) {
        self.rows = Rows::Items(ItemRows::new(items.into_vec(), first));
    }

    fn text(&mut self, chunk: &RawChunk, decoders: DynDecoders) {
        self.rows = self.decoders.rows(chunk, decoders);
    }

    fn parse(&mut self, most: usize) -> bool {
        let before = self.parsed.len();
        self.parsed.extend(self.rows.by_ref().take(most));
        let more = self.parsed.len() > before;
        if !more {
            self.end();
            self.rows = Rows::Parsed(std::mem::take(&mut self.parsed).into_iter());
        }
        more
    }

    fn handle<'a>(
        &'a mut self,
        one: bool,
        chunk: &'a ChunkData<'a>,
        state: &'a mut WorkerState,
    ) -> Boxed<'a, bool> {
        Box::pin(async move {
            let Some(slot) = self.shared.slots.get(self.index) else { return false };
            let rows = if one { &mut self.one } else { &mut self.rows };
            let retrying = self.shared.retrying.as_ref();
            let gathering = Gathering { state, events: &mut self.events, retrying };
            self.shared.handler.handle(slot, &mut Feed::new(rows, chunk, gathering)).await
        })
    }

    fn slice(&mut self, one: bool, chunk: &ChunkData<'_>, state: &mut WorkerState) -> Option<bool> {
        let Self { shared, index, events, .. } = self;
        let rows = if one { &mut self.one } else { &mut self.rows };
        let Some(slot) = shared.slots.get(*index) else { return Some(false) };
        let gathering = Gathering { state, events, retrying: shared.retrying.as_ref() };
        shared.handler.slice(slot, &mut Feed::new(rows, chunk, gathering))
    }

    fn next(&mut self) -> Option<(u64, bool)> {
        let row = self.rows.next()?;
        let about = (row.sequence, row.data.is_ok());
        self.one = Rows::One(Some(row));
        Some(about)
    }

    fn end(&mut self) {
        let rows = std::mem::replace(&mut self.rows, Rows::One(None));
        self.decoders.keep(rows);
        let one = std::mem::replace(&mut self.one, Rows::One(None));
        // A row that is not wanted any more: its destructor is user code.
        let _ = caught(|| drop(one));
    }

    fn finish<'a>(&'a mut self, state: &'a mut WorkerState) -> Boxed<'a, ()> {
        let Self { shared, index, events, .. } = self;
        Box::pin(async move {
            let Some(slot) = shared.slots.get(*index) else { return };
            let mut gathering = Gathering { state, events, retrying: shared.retrying.as_ref() };
            shared.handler.finish(slot, &mut gathering).await;
        })
    }

    fn hand_over(&mut self) -> Result<(), AsyncTaskError> {
        let Self { shared, index, .. } = self;
        let Some(slot) = shared.slots.get(*index) else { return Ok(()) };
        slot.with(|local| local.as_mut().map_or(Ok(()), |local| shared.handler.hand_over(local)))
    }
}
