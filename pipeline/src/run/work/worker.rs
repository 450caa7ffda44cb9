//! A worker of a pipeline: it takes chunks from the queue, and lets the handler parse and handle their rows.

use std::ops::Range;
use std::pin::pin;
use std::sync::Arc;

use async_channel::Receiver;
use futures_lite::future::or;

use crate::event::single::Origin;
use crate::run::shared::control::Control;
use crate::run::shared::lease::{Lease, Outcome};
use crate::run::shared::message::{Content, Message};
use crate::run::shared::on_pool::on_pool;
use crate::run::shared::rejection::OnReject;
use crate::run::shared::scale::ActiveLimit;
use crate::run::shared::time_slice::TimeSlice;
use crate::run::shared::turn::Turn;
use crate::run::work::erased::{DynHandler, DynWorker};
use crate::run::work::intake::{next, overdue};
use crate::run::work::keys::Keys;
use crate::run::work::state::{ChunkData, ClaimedChunk, WorkerState};
use crate::source::item_chunks::Items;
use crate::text::chunk::RawChunk;
use crate::text::decode::{Decoded, DynDecoders};
use sweet_async_core::cancel::CancelLevel;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::task::TaskContext;

/// The number of rows that are parsed between two checks of the time slice, where a chunk is parsed before
/// its turn.
const PARSED: usize = 256;

/// The state that the workers of a pipeline share.
pub(crate) struct Workers {
    pub(crate) handler: Arc<dyn DynHandler>,
    /// True if chunks are handled on the blocking pool.
    pub(crate) blocking: bool,
    /// True if the stages of a chunk run before the receiver gets any of its values, and before its turn where it
    /// has one.
    pub(crate) stages_ahead: bool,
    /// Set where values of one key are handled in source order, and different keys in parallel.
    pub(crate) keys: Option<Keys>,
    pub(crate) active_limit: ActiveLimit,
    pub(crate) control: Arc<Control>,
}

/// One worker.
struct Worker {
    shared: Arc<Workers>,
    /// Kept for the worker's life: a clone for each chunk would have all workers write to one reference count.
    control: Arc<Control>,
    rows: Box<dyn DynWorker>,
    state: WorkerState,
}

/// The next job of a worker.
enum Job {
    /// A chunk. If it was claimed from a queue, it comes with its lease and the sequences of its rows.
    Chunk(Origin, Rows, Option<(Box<Lease>, Range<u64>)>),
    /// The stages of a chunk are to run, before the receiver is called.
    Ahead(Origin),
    /// The pending events are to be handled, whether the batch is full or not.
    Finish,
}

/// The rows of a chunk.
enum Rows {
    /// Items, and the position of the first one in its source.
    Items(Items, u64),
    Raw(RawChunk, DynDecoders),
    /// Rows that the worker has begun before their turn, with their text if they have one.
    Begun(Option<RawChunk>),
}

/// Works until the queue is closed and empty.
pub(crate) async fn work(
    shared: Arc<Workers>,
    index: usize,
    queue: Receiver<Message>,
) -> Result<(), AsyncTaskError> {
    let control = shared.control.clone();
    let _lift_on_drop = shared.active_limit.lift_on_drop();
    let mut worker = Worker {
        shared: shared.clone(),
        control: control.clone(),
        rows: shared.handler.clone().worker(index),
        state: WorkerState::new(control.clone()),
    };
    loop {
        if !shared.active_limit.allows(index) {
            worker = worker.run(Job::Finish).await?;
            shared.active_limit.wait_allowed(index).await;
        }
        let pending_batch = &worker.state.pending_batch;
        let Some(next) = next(&queue, &control, pending_batch.since(), &pending_batch.leases).await else {
            worker = worker.run(Job::Finish).await?;
            continue;
        };
        let Ok(Message { origin, first, content, mut turn }) = next else { break };
        if !control.limit.allows(origin.base + first) {
            // This row and those after it are not wanted: the next turn may begin.
            turn.into_iter().for_each(Turn::end);
            continue;
        }
        let _busy = shared.active_limit.busy();
        let mut claimed = None;
        let mut rows = match content {
            Content::Items(items) => Rows::Items(items, first),
            Content::Raw { chunk, decoders, lease } => {
                let begin = origin.base + first;
                claimed = lease.map(|lease| (lease, begin..begin + chunk.rows));
                Rows::Raw(chunk, decoders)
            }
        };
        if turn.is_some() || shared.stages_ahead {
            (worker, rows) = worker.before_turn(origin, rows).await?;
        }
        if let Some(turn) = &turn {
            // Before a blocking thread is taken: the worker whose turn it is may need that thread.
            if !turn.wait().await {
                // The destructors of rows are user code, and `end` catches their panics.
                worker.begin(rows);
                worker.rows.end();
                continue;
            }
        }
        if let Some(keys) = &shared.keys {
            worker.rows.take_turns(keys);
            // From here on each row has its own turns.
            turn.take().into_iter().for_each(Turn::end);
        }
        worker = worker.run(Job::Chunk(origin, rows, claimed)).await?;
        turn.into_iter().for_each(Turn::end);
    }
    // The queue may have ended because the sender was killed. A worker that is killed in this same poll must
    // not handle its events as if the sources had ended.
    if !is_killed() {
        worker = worker.run(Job::Finish).await?;
    }
    worker.rows.hand_over()
}

fn is_killed() -> bool {
    TaskContext::current().is_some_and(|cx| cx.level() >= Some(CancelLevel::Kill))
}

impl Worker {
    /// Does a job, on the executor or on the blocking pool.
    async fn run(mut self, job: Job) -> Result<Self, AsyncTaskError> {
        if matches!(job, Job::Finish) && self.state.pending_batch.since().is_none() {
            return Ok(self);
        }
        let control = self.control.clone();
        let worker = if self.shared.blocking {
            let work = async move {
                self.handle(job).await;
                self
            };
            on_pool(&control.runtime, Box::pin(work)).await?
        } else {
            self.handle(job).await;
            self
        };
        control.room_for_rejects().await;
        Ok(worker)
    }

    async fn handle(&mut self, job: Job) {
        match job {
            Job::Chunk(origin, rows, None) => self.chunk(origin, rows, None).await,
            Job::Chunk(origin, rows, Some((mut lease, sequences))) => {
                // From here on it may be the reason for the end of its consumer.
                lease.outcome = Outcome::Returned(None);
                let before = self.state.pending_batch.count();
                let last = sequences.end.saturating_sub(1);
                self.chunk(origin, rows, Some((&lease, sequences.start))).await;
                let failure = self.state.failure.take();
                self.state.pending_batch.hold(lease, last, before, !self.state.is_cut_short, failure);
            }
            Job::Ahead(origin) => self.rows.ahead(origin, &mut self.state).await,
            Job::Finish => self.rows.finish(&mut self.state).await,
        }
        settle(&*self.shared.handler, &mut self.state);
    }

    /// Handles the rows of a chunk. If it was claimed, it comes with its lease and the sequence of its first row.
    async fn chunk(&mut self, origin: Origin, chunk: Rows, claimed: Option<(&Lease, u64)>) {
        // Where the stages have run already, they have kept the rate.
        let is_done = self.shared.stages_ahead && matches!(chunk, Rows::Begun(_));
        let at_rate = self.control.rate.is_some() && !is_done;
        let text = self.begin(chunk);
        let Self { shared, control, rows, state } = self;
        state.last = Decoded { sequence: 0, line: 0, byte: 0, len: 0, data: Ok(()) };
        (state.is_cut_short, state.failure) = (false, None);
        let published = claimed.and_then(|(lease, _)| lease.source.as_ref().map(|source| &source.name));
        if let Some(name) = published.or(control.names.at(origin.source)) {
            let text = text.filter(|_| control.wants_text());
            let claimed = claimed.map(|(lease, first)| ClaimedChunk { key: lease.key.clone(), first });
            let chunk = ChunkData { origin, name, text, claimed };
            let (handler, rows) = (&*shared.handler, &mut **rows);
            match (at_rate, &shared.keys) {
                (true, _) => handle_at_rate(handler, rows, state, &chunk).await,
                (false, Some(_)) => handle_in_turn(handler, rows, state, &chunk).await,
                (false, None) => handle(false, handler, rows, state, &chunk).await,
            }
        }
        rows.end();
    }

    /// Begins the rows of a chunk. Returns their text if they have one.
    fn begin(&mut self, rows: Rows) -> Option<RawChunk> {
        match rows {
            Rows::Items(items, first) => {
                self.rows.items(items, first);
                None
            }
            Rows::Raw(chunk, decoders) => {
                self.rows.text(&chunk, decoders);
                Some(chunk)
            }
            Rows::Begun(text) => text,
        }
    }

    /// Does the part of a chunk that needs no turn. Under source order, this is the part that runs in parallel:
    /// parsing, and the stages.
    async fn before_turn(mut self, origin: Origin, rows: Rows) -> Result<(Self, Rows), AsyncTaskError> {
        if self.shared.stages_ahead {
            let text = self.begin(rows);
            return Ok((self.run(Job::Ahead(origin)).await?, Rows::Begun(text)));
        }
        let Rows::Raw(..) = &rows else { return Ok((self, rows)) };
        let mut time_slice = TimeSlice::new();
        let text = self.begin(rows);
        while self.rows.parse(PARSED) {
            time_slice.rest(&self.control.runtime).await;
        }
        Ok((self, Rows::Begun(text)))
    }
}

/// Counts the handled rows, and releases the leases of messages that were handled to their end. Where the
/// first rejected row ends the pipeline, it is stopped at a row that will be rejected at the end.
fn settle(handler: &dyn DynHandler, state: &mut WorkerState) {
    let WorkerState { control, counts, pending_batch, .. } = state;
    counts.flush();
    let Control { policy, limit, .. } = &**control;
    let deferred = handler.rejected();
    if deferred != u64::MAX && matches!(policy.on_reject, OnReject::Stop) {
        limit.stop_at(deferred);
    }
    pending_batch.settle(limit);
}

/// Handles the rows of a chunk; with `one`, the row that was parsed last.
async fn handle(
    one: bool,
    handler: &dyn DynHandler,
    rows: &mut dyn DynWorker,
    state: &mut WorkerState,
    chunk: &ChunkData<'_>,
) {
    while let Some(more) = rows.slice(one, chunk, state) {
        state.rest().await;
        if !more {
            return;
        }
    }
    while rows.handle(one, chunk, state).await {
        settle(handler, state);
    }
}

/// Handles each row of a chunk once the rows before it that have one of its keys are handled.
async fn handle_in_turn(
    handler: &dyn DynHandler,
    rows: &mut dyn DynWorker,
    state: &mut WorkerState,
    chunk: &ChunkData<'_>,
) {
    while let Some(turns) = rows.next_in_turn() {
        for turn in &turns {
            if !turn.wait().await {
                state.is_cut_short = true;
                return;
            }
        }
        handle(false, handler, rows, state, chunk).await;
        turns.into_iter().for_each(Turn::end);
    }
}

/// Handles the rows of a chunk at the pipeline's rate.
async fn handle_at_rate(
    handler: &dyn DynHandler,
    rows: &mut dyn DynWorker,
    state: &mut WorkerState,
    chunk: &ChunkData<'_>,
) {
    while let Some((sequence, is_event)) = rows.next() {
        // A row that could not be parsed is no event.
        if is_event && !admit(handler, rows, state, chunk.origin.base + sequence).await {
            return;
        }
        handle(true, handler, rows, state, chunk).await;
    }
}

/// Waits until the rate permits an event. Returns false if the event is not wanted any more.
async fn admit(
    handler: &dyn DynHandler,
    rows: &mut dyn DynWorker,
    state: &mut WorkerState,
    sequence: u64,
) -> bool {
    let control = state.control.clone();
    let mut permitted = pin!(control.permits(sequence));
    loop {
        let due = control.batch_due(state.pending_batch.since());
        let overdue = async {
            overdue(&control, due).await;
            None
        };
        match or(async { Some(permitted.as_mut().await) }, overdue).await {
            Some(permitted) => {
                state.is_cut_short |= !permitted;
                return permitted;
            }
            // The batch does not wait for the rate.
            None => {
                rows.finish(state).await;
                settle(handler, state);
            }
        }
    }
}
