//! A worker: it takes chunks from the queue, and has their rows parsed and passed to the receiver.

use std::pin::pin;
use std::sync::Arc;

use async_channel::Receiver;
use futures_lite::future::or;

use crate::event::single::Origin;
use crate::run::shared::control::Control;
use crate::run::shared::counters::OnReject;
use crate::run::shared::lease::Lease;
use crate::run::shared::message::{Content, Message, Turn};
use crate::run::shared::on_pool::on_pool;
use crate::run::shared::scale::Gate;
use crate::run::shared::time_slice::TimeSlice;
use crate::run::work::erased::{DynHandler, DynWorker};
use crate::run::work::intake::{next, overdue};
use crate::run::work::state::{ChunkData, WorkerState};
use crate::source::items::Items;
use crate::text::chunk::RawChunk;
use crate::text::decode::DynDecoders;
use sweet_async_core::cancel::CancelLevel;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::limit::Limiter;
use sweet_async_core::task::TaskContext;

/// The number of rows that are parsed between two checks of the time slice, where a chunk is parsed before
/// its turn.
const PARSED: usize = 256;

/// The state that the workers of a pipeline share.
pub(crate) struct Workers {
    pub(crate) handler: Arc<dyn DynHandler>,
    /// Set where chunks are handled on the blocking pool.
    pub(crate) blocking: bool,
    pub(crate) gate: Gate,
    pub(crate) control: Arc<Control>,
}

/// One worker.
struct Worker {
    shared: Arc<Workers>,
    rows: Box<dyn DynWorker>,
    state: WorkerState,
}

/// The next job of a worker.
enum Job {
    /// A chunk. Where it was claimed from a queue, it comes with its lease and the sequence of its last row.
    Chunk(Origin, Rows, Option<(Box<Lease>, u64)>),
    /// The gathered events are to be handled, whether the batch is full or not.
    Finish,
}

/// The rows of a chunk. The number is the position of the first item in its source.
enum Rows {
    Items(Items, u64),
    Raw(RawChunk, DynDecoders),
    /// The rows are with the worker already.
    Parsed(RawChunk),
}

/// Works until the queue is closed and empty.
pub(crate) async fn work(
    shared: Arc<Workers>,
    index: usize,
    queue: Receiver<Message>,
) -> Result<(), AsyncTaskError> {
    let control = shared.control.clone();
    let _open_on_drop = shared.gate.open_on_drop();
    let mut worker = Worker {
        shared: shared.clone(),
        rows: shared.handler.clone().worker(index),
        state: WorkerState::new(control.clone()),
    };
    loop {
        if !shared.gate.is_open(index) {
            worker = worker.run(Job::Finish).await?;
            shared.gate.wait_open(index).await;
        }
        let gathered = &worker.state.gathered;
        let Some(next) = next(&queue, &control, gathered.since(), &gathered.leases).await else {
            worker = worker.run(Job::Finish).await?;
            continue;
        };
        let Ok(Message { origin, first, content, turn }) = next else { break };
        if !control.limit.allows(origin.base + first) {
            continue;
        }
        let _busy = shared.gate.busy();
        let mut claimed = None;
        let rows = match content {
            Content::Items(items) => Rows::Items(items, first),
            Content::Raw { chunk, decoders, lease } => {
                claimed = lease.map(|lease| (lease, (origin.base + first + chunk.rows).saturating_sub(1)));
                match turn {
                    None => Rows::Raw(chunk, decoders),
                    Some(_) => worker.parsed(chunk, decoders).await,
                }
            }
        };
        // Before a blocking thread is taken: the worker whose turn it is may need that thread.
        if let Some(turn) = &turn {
            Turn::wait(turn).await;
        }
        worker = worker.run(Job::Chunk(origin, rows, claimed)).await?;
    }
    // A worker that is killed in this very poll has seen the queue's end because the sender was killed as
    // well.
    if !is_killed() {
        worker = worker.run(Job::Finish).await?;
    }
    worker.rows.hand_over()
}

fn is_killed() -> bool {
    TaskContext::current().is_some_and(|cx| cx.level() >= Some(CancelLevel::Kill))
}

impl Worker {
    /// Does a job, on the executor or on the blocking pool as set.
    async fn run(mut self, job: Job) -> Result<Self, AsyncTaskError> {
        if matches!(job, Job::Finish) && self.state.gathered.since().is_none() {
            return Ok(self);
        }
        if !self.shared.blocking {
            self.handle(job).await;
            return Ok(self);
        }
        let runtime = self.shared.control.runtime.clone();
        let work = async move {
            self.handle(job).await;
            self
        };
        on_pool(&runtime, Box::pin(work)).await
    }

    async fn handle(&mut self, job: Job) {
        match job {
            Job::Chunk(origin, rows, None) => self.chunk(origin, rows, None).await,
            Job::Chunk(origin, rows, Some((lease, last))) => {
                let before = self.state.gathered.count();
                let published = lease.source.as_ref().map(|source| &source.name);
                self.chunk(origin, rows, published).await;
                self.state.gathered.hold(lease, last, before);
            }
            Job::Finish => self.rows.finish(&mut self.state).await,
        }
        self.settle();
    }

    /// Counts the handled rows, and releases the leases of messages that were handled to their end.
    fn settle(&mut self) {
        let WorkerState { control, counts, gathered, .. } = &mut self.state;
        counts.flush();
        let Control { policy, limit, .. } = &**control;
        let deferred = self.shared.handler.rejected();
        if deferred != u64::MAX && matches!(policy.on_reject, OnReject::Stop) {
            limit.stop_at(deferred);
        }
        gathered.settle(limit);
    }

    /// Handles the rows of a chunk. `published` is the name under which its source was published.
    async fn chunk(&mut self, origin: Origin, rows: Rows, published: Option<&Arc<str>>) {
        let text = match rows {
            Rows::Items(items, first) => {
                self.rows.items(items, first);
                None
            }
            Rows::Raw(chunk, decoders) => {
                self.rows.text(&chunk, decoders);
                Some(chunk)
            }
            Rows::Parsed(chunk) => Some(chunk),
        };
        let control = self.shared.control.clone();
        if let Some(name) = published.or(control.names.at(origin.source)) {
            let text = text.filter(|_| control.policy.keep_raw);
            let chunk = ChunkData { origin, name: name.clone(), text };
            match &control.rate {
                Some(rate) => self.handle_at(rate, &chunk).await,
                None => {
                    while self.rows.handle(&chunk, &mut self.state).await {
                        self.settle();
                    }
                }
            }
        }
        self.rows.end();
    }

    /// Handles the rows of a chunk at the pipeline's rate.
    async fn handle_at(&mut self, rate: &Limiter, chunk: &ChunkData) {
        while let Some((sequence, is_event)) = self.rows.next() {
            // A row that could not be parsed is no event.
            if is_event && !self.admit(rate, chunk.origin.base + sequence).await {
                return;
            }
            while self.rows.handle_one(chunk, &mut self.state).await {
                self.settle();
            }
        }
    }

    /// Waits until the rate permits an event. Returns false if the event is not wanted any more.
    async fn admit(&mut self, rate: &Limiter, sequence: u64) -> bool {
        let control = self.shared.control.clone();
        let unwanted = async {
            control.limit.excludes(sequence).await;
            false
        };
        // Only the end of the runtime is an error, and that ends the worker at its next wait.
        let permit = async { rate.acquire(control.runtime.clone()).await.is_ok() };
        let mut permitted = pin!(or(unwanted, permit));
        loop {
            let due = control.batch_due(self.state.gathered.since());
            let overdue = async {
                overdue(&control, due).await;
                None
            };
            match or(async { Some(permitted.as_mut().await) }, overdue).await {
                Some(permitted) => return permitted,
                // The batch does not wait for the rate.
                None => {
                    self.rows.finish(&mut self.state).await;
                    self.settle();
                }
            }
        }
    }

    /// Parses a whole chunk before its turn. This is the part that runs in parallel.
    async fn parsed(&mut self, chunk: RawChunk, decoders: DynDecoders) -> Rows {
        let mut time_slice = TimeSlice::new();
        self.rows.text(&chunk, decoders);
        while self.rows.parse(PARSED) {
            time_slice.rest(&self.shared.control.runtime).await;
        }
        Rows::Parsed(chunk)
    }
}
