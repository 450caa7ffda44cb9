//! The handler of a pipeline with its types, as a [`DynHandler`]. This is the part of a worker that is
//! compiled for each pipeline.

use std::sync::Arc;
use std::vec;

use crate::collect::worker::calls::Calls;
use crate::event::single::{Event, Origin};
use crate::outcome::names::Names;
use crate::policy::RetryEvents;
use crate::run::shared::turn::Turn;
use crate::run::work::ahead::{Made, Resumed, ahead, retries_of_made};
use crate::run::work::completion::Completion;
use crate::run::work::erased::{Boxed, Closed, DynHandler, DynWorker};
use crate::run::work::feed::{Feed, PendingEvents};
use crate::run::work::handlers::handler::Handler;
use crate::run::work::keys::Keys;
use crate::run::work::rows::{DecoderCache, ItemRows, Rows};
use crate::run::work::slot::StateSlot;
use crate::run::work::state::{ChunkData, WorkerState};
use crate::source::item_chunks::Items;
use crate::stage::chain::Chain;
use crate::text::chunk::RawChunk;
use crate::text::decode::{Decoded, DynDecoders};
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::caught;
use sweet_async_core::runtime::DynRuntime;

/// A handler, the stages before it, and the states of its workers.
pub(crate) struct TypedHandler<X: Chain, H: Handler<X::Out>> {
    chain: Resumed<X>,
    handler: H,
    retries: Retries<X>,
    slots: Box<[StateSlot<H::Local>]>,
}

/// The retries of events, if there are any: for rows as they come, and for rows whose stages have run.
struct Retries<X: Chain> {
    rows: Option<RetryEvents<X::Row>>,
    made: Option<RetryEvents<Made<X::Row, X::Out>>>,
}

impl<X: Chain, H: Handler<X::Out>> TypedHandler<X, H> {
    pub(crate) fn new(chain: X, handler: H, retrying: Option<RetryEvents<X::Row>>) -> Self {
        let made = retrying.as_ref().map(retries_of_made);
        let retries = Retries { rows: retrying, made };
        Self { chain: Resumed(chain), handler, retries, slots: Box::default() }
    }
}

impl<X: Chain, H: Handler<X::Out>> DynHandler for TypedHandler<X, H> {
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
            made: None,
            in_turn: Vec::new().into_iter(),
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
        self.handler.can_be_timed() || self.awaits_stages()
    }

    fn has_stages(&self) -> bool {
        X::HAS_STAGES
    }

    fn has_keys(&self) -> bool {
        X::HAS_KEYS
    }

    fn awaits_stages(&self) -> bool {
        self.chain.0.synchronous().is_none()
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
        completion: Completion,
    ) -> Boxed<'a, Result<(), AsyncTaskError>> {
        Box::pin(self.handler.complete(runtime, completion))
    }
}

/// Not a method of a handler: it is compiled once for each kind of state.
fn slots<L>(locals: Vec<L>, workers: Vec<Arc<Calls>>) -> Box<[StateSlot<L>]> {
    locals.into_iter().zip(workers).map(|(local, calls)| StateSlot::new(local, calls)).collect()
}

/// A row whose stages have run, and its turns by key.
type RowInTurn<X> = (Decoded<Made<<X as Chain>::Row, <X as Chain>::Out>>, Vec<Turn>);

/// One worker's part of a handler.
struct TypedWorker<X: Chain, H: Handler<X::Out>> {
    shared: Arc<TypedHandler<X, H>>,
    index: usize,
    /// The rows of the chunk.
    rows: Rows<X::Row>,
    /// The rows of the chunk instead, where their stages have run already.
    made: Option<Rows<Made<X::Row, X::Out>>>,
    /// The rows of the chunk that wait for their turns by key.
    in_turn: vec::IntoIter<RowInTurn<X>>,
    /// The row that was parsed by [`next`](DynWorker::next).
    one: Rows<X::Row>,
    /// The rows that were parsed before the chunk's turn, until all are.
    parsed: Vec<Decoded<X::Row>>,
    /// The pending events.
    events: Vec<Event<X::Out>>,
    decoders: DecoderCache<X::Row>,
}

impl<X: Chain, H: Handler<X::Out>> DynWorker for TypedWorker<X, H> {
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

    fn ahead<'a>(&'a mut self, origin: Origin, state: &'a mut WorkerState) -> Boxed<'a, ()> {
        Box::pin(async move {
            // Not where there are no stages: the code for rows that have run is then not compiled.
            if X::HAS_STAGES {
                let TypedHandler { chain, retries, .. } = &*self.shared;
                let made = ahead(&chain.0, &mut self.rows, retries.rows.as_ref(), origin, state).await;
                self.made = Some(Rows::Parsed(made.into_iter()));
            }
        })
    }

    fn take_turns(&mut self, keys: &Keys) {
        if X::HAS_KEYS {
            let rows: Vec<_> = self.made.take().into_iter().flatten().collect();
            let slots = rows.iter().map(|row| row.data.as_ref().map_or(Some(&[][..]), Made::slots));
            let turns = keys.turns(slots).into_iter().chain(std::iter::repeat_with(Vec::new));
            self.in_turn = rows.into_iter().zip(turns).collect::<Vec<_>>().into_iter();
        }
    }

    fn next_in_turn(&mut self) -> Option<Vec<Turn>> {
        let (row, turns) = self.in_turn.next()?;
        self.made = Some(Rows::One(Some(row)));
        Some(turns)
    }

    fn handle<'a>(
        &'a mut self,
        one: bool,
        chunk: &'a ChunkData<'a>,
        state: &'a mut WorkerState,
    ) -> Boxed<'a, bool> {
        Box::pin(async move {
            let TypedHandler { chain, handler, retries, slots } = &*self.shared;
            let Some(slot) = slots.get(self.index) else { return false };
            let worker = (state, &mut self.events);
            if X::HAS_STAGES
                && let Some(rows) = &mut self.made
            {
                let feed = &mut Feed::new((rows, chunk), chain, retries.made.as_ref(), worker);
                return handler.handle(slot, feed).await;
            }
            let rows = if one { &mut self.one } else { &mut self.rows };
            let feed = &mut Feed::new((rows, chunk), &chain.0, retries.rows.as_ref(), worker);
            handler.handle(slot, feed).await
        })
    }

    fn slice(&mut self, one: bool, chunk: &ChunkData<'_>, state: &mut WorkerState) -> Option<bool> {
        let TypedHandler { chain, handler, retries, slots } = &*self.shared;
        let Some(slot) = slots.get(self.index) else { return Some(false) };
        let worker = (state, &mut self.events);
        if X::HAS_STAGES
            && let Some(rows) = &mut self.made
        {
            return handler.slice(slot, &mut Feed::new((rows, chunk), chain, retries.made.as_ref(), worker));
        }
        let rows = if one { &mut self.one } else { &mut self.rows };
        handler.slice(slot, &mut Feed::new((rows, chunk), &chain.0, retries.rows.as_ref(), worker))
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
        let made = (self.made.take(), std::mem::take(&mut self.in_turn));
        // Rows that are not wanted any more: their destructors are user code.
        let _ = caught(|| drop(one));
        let _ = caught(|| drop(made));
    }

    fn finish<'a>(&'a mut self, state: &'a mut WorkerState) -> Boxed<'a, ()> {
        let Self { shared, index, events, .. } = self;
        Box::pin(async move {
            let TypedHandler { handler, retries, slots, .. } = &**shared;
            let Some(slot) = slots.get(*index) else { return };
            let retrying = retries.rows.as_ref().and_then(X::retries_of_values);
            handler.finish(slot, &mut PendingEvents { state, events, retrying }).await;
        })
    }

    fn hand_over(&mut self) -> Result<(), AsyncTaskError> {
        let Self { shared, index, .. } = self;
        let Some(slot) = shared.slots.get(*index) else { return Ok(()) };
        slot.with(|local| local.as_mut().map_or(Ok(()), |local| shared.handler.hand_over(local)))
    }
}
