//! A worker: it takes chunks from the queue, parses them, and passes their rows to the receiver.

use std::pin::pin;
use std::sync::Arc;

use async_channel::Receiver;
use futures_lite::future::or;

use crate::event::single::Origin;
use crate::policy::RetryEvents;
use crate::run::shared::control::Control;
use crate::run::shared::counters::{LocalCounts, OnReject};
use crate::run::shared::lease::Lease;
use crate::run::shared::message::{Content, Message, Turn};
use crate::run::shared::on_pool::on_pool;
use crate::run::shared::scale::Gate;
use crate::run::shared::time_slice::TimeSlice;
use crate::run::work::feed::{Feed, WorkerState};
use crate::run::work::gathered::Gathered;
use crate::run::work::handler::Handler;
use crate::run::work::intake::{next, overdue};
use crate::run::work::slot::StateSlot;
use crate::text::chunk::RawChunk;
use crate::text::decode::{Decoded, Decoder, Decoders};
use sweet_async_core::cancel::CancelLevel;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::limit::Limiter;
use sweet_async_core::runtime::Runtime;
use sweet_async_core::task::TaskContext;

/// The number of rows that are parsed between two checks of the time slice, where a chunk is parsed before
/// its turn.
const PARSED: usize = 256;

/// The number of decoders that a worker keeps, one for each source, since making one is expensive. Enough for
/// the sources that are usually read at the same time.
const DECODERS: usize = 8;

/// The state that the workers of a pipeline share.
pub(crate) struct Workers<T, R: Runtime, H: Handler<T>> {
    pub(crate) handler: H,
    pub(crate) slots: Box<[StateSlot<H::Local>]>,
    pub(crate) retrying: Option<RetryEvents<T>>,
    /// Set where chunks are handled on the blocking pool.
    pub(crate) blocking: bool,
    pub(crate) gate: Gate,
    pub(crate) control: Arc<Control<R>>,
}

/// The state of one worker.
struct Worker<T, R: Runtime, H: Handler<T>> {
    shared: Arc<Workers<T, R, H>>,
    index: usize,
    counts: LocalCounts<R>,
    time_slice: TimeSlice,
    gathered: Gathered<T>,
    /// The decoders used last, with their factories; the latest is at the end.
    decoders: Vec<CachedDecoder<T>>,
}

/// A decoder, and the factory that made it.
type CachedDecoder<T> = (Decoders<T>, Box<dyn Decoder<T>>);

/// The next job of a worker.
enum Job<T> {
    /// A chunk. Where it was claimed from a queue, it comes with its lease and the sequence of its last row.
    Chunk(Origin, Rows<T>, Option<(Box<Lease>, u64)>),
    /// The gathered events are to be handled, whether the batch is full or not.
    Finish,
}

/// The rows of a chunk. The number is the position of the first item in its source.
enum Rows<T> {
    Items(Vec<T>, u64),
    Raw(RawChunk, Decoders<T>),
    Parsed(Vec<Decoded<T>>, RawChunk),
}

/// Works until the queue is closed and empty.
pub(crate) async fn work<T, R, H>(
    shared: Arc<Workers<T, R, H>>,
    index: usize,
    queue: Receiver<Message<T>>,
) -> Result<(), AsyncTaskError>
where
    T: Send + 'static,
    R: Runtime,
    H: Handler<T>,
{
    let control = shared.control.clone();
    let _open_on_drop = shared.gate.open_on_drop();
    let counts = LocalCounts::new(control.clone());
    let mut worker = Worker {
        shared: shared.clone(),
        index,
        counts,
        time_slice: TimeSlice::new(),
        gathered: Gathered::new(),
        decoders: Vec::new(),
    };
    loop {
        if !shared.gate.is_open(index) {
            worker = worker.run(Job::Finish).await?;
            shared.gate.wait_open(index).await;
        }
        let Some(next) = next(&queue, &control, worker.gathered.since(), &worker.gathered.leases).await
        else {
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
    let Some(slot) = shared.slots.get(index) else { return Ok(()) };
    let handed_over =
        slot.with(|local| local.as_mut().map_or(Ok(()), |local| shared.handler.hand_over(local)));
    drop(worker);
    handed_over
}

/// Boxes the rows of a chunk in a debug build. The code that handles them is then compiled once for each
/// pipeline, and not for each kind of rows. That is a tenth of a build of many pipelines.
fn erased<'a, T: 'a>(
    rows: impl Iterator<Item = Decoded<T>> + Send + 'a,
) -> impl Iterator<Item = Decoded<T>> + Send + 'a {
    #[cfg(debug_assertions)]
    let rows: Box<dyn Iterator<Item = _> + Send + 'a> = Box::new(rows);
    rows
}

fn is_killed() -> bool {
    TaskContext::current().is_some_and(|cx| cx.level() >= Some(CancelLevel::Kill))
}

impl<T, R: Runtime, H: Handler<T>> Workers<T, R, H> {
    /// Counts the handled rows, and releases the leases of messages that were handled to their end.
    fn settle(&self, counts: &mut LocalCounts<R>, gathered: &mut Gathered<T>) {
        counts.flush();
        let Control { policy, limit, .. } = &*self.control;
        let deferred = self.handler.rejected();
        if deferred != u64::MAX && matches!(policy.on_reject, OnReject::Stop) {
            limit.stop_at(deferred);
        }
        gathered.settle(limit);
    }
}

impl<T, R, H> Worker<T, R, H>
where
    T: Send + 'static,
    R: Runtime,
    H: Handler<T>,
{
    /// Does a job, on the executor or on the blocking pool as set.
    async fn run(mut self, job: Job<T>) -> Result<Self, AsyncTaskError> {
        if matches!(job, Job::Finish) && self.gathered.since().is_none() {
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

    async fn handle(&mut self, job: Job<T>) {
        match job {
            Job::Chunk(origin, rows, None) => self.chunk(origin, rows, None).await,
            Job::Chunk(origin, rows, Some((lease, last))) => {
                let before = self.gathered.count();
                let published = lease.source.as_ref().map(|source| &source.name);
                self.chunk(origin, rows, published).await;
                self.gathered.hold(lease, last, before);
            }
            Job::Finish => self.finish().await,
        }
        self.shared.settle(&mut self.counts, &mut self.gathered);
    }

    /// Hands over the gathered events, whether the batch is full or not.
    async fn finish(&mut self) {
        let shared = self.shared.clone();
        let Some((slot, _, mut state)) = self.lend_state(&shared) else { return };
        shared.handler.finish(slot, &mut state).await;
    }

    /// Handles the rows of a chunk. `published` is the name under which its source was published.
    async fn chunk(&mut self, origin: Origin, rows: Rows<T>, published: Option<&Arc<str>>) {
        match rows {
            Rows::Items(items, first) => {
                let rows = items.into_iter().zip(first..);
                let rows = rows.map(|(data, sequence)| Decoded {
                    sequence,
                    line: 0,
                    byte: 0,
                    len: 0,
                    data: Ok(data),
                });
                self.rows(rows, origin, published, None).await;
            }
            Rows::Parsed(rows, chunk) => {
                self.rows(rows.into_iter(), origin, published, Some(chunk)).await;
            }
            Rows::Raw(chunk, make) => {
                let mut decoder = self.decoder(&chunk, make);
                let rows = &mut decoder.1;
                self.rows(std::iter::from_fn(|| rows.next()), origin, published, Some(chunk)).await;
                self.keep(decoder);
            }
        }
    }

    fn decoder(&mut self, chunk: &RawChunk, make: Decoders<T>) -> CachedDecoder<T> {
        let mut decoder = match self.decoders.iter().rposition(|(made_by, _)| Arc::ptr_eq(made_by, &make)) {
            Some(kept) => self.decoders.remove(kept),
            None => {
                let decoder = make();
                (make, decoder)
            }
        };
        decoder.1.start(chunk);
        decoder
    }

    fn keep(&mut self, mut decoder: CachedDecoder<T>) {
        decoder.1.release();
        if self.decoders.len() == DECODERS {
            self.decoders.remove(0);
        }
        self.decoders.push(decoder);
    }

    /// Parses a whole chunk before its turn. This is the part that runs in parallel.
    async fn parsed(&mut self, chunk: RawChunk, make: Decoders<T>) -> Rows<T> {
        let mut decoder = self.decoder(&chunk, make);
        let (mut parsed, mut before, mut time_slice) = (Vec::new(), None, TimeSlice::new());
        while before != Some(parsed.len()) {
            before = Some(parsed.len());
            parsed.extend(std::iter::from_fn(|| decoder.1.next()).take(PARSED));
            time_slice.rest(&self.shared.control.runtime).await;
        }
        self.keep(decoder);
        Rows::Parsed(parsed, chunk)
    }

    async fn rows(
        &mut self,
        rows: impl Iterator<Item = Decoded<T>> + Send,
        origin: Origin,
        published: Option<&Arc<str>>,
        text: Option<RawChunk>,
    ) {
        let shared = self.shared.clone();
        let control = &shared.control;
        let Some(name) = published.or(control.names.at(origin.source)) else { return };
        let text = text.filter(|_| control.policy.keep_raw);
        let Some(rate) = &control.rate else {
            let Some((slot, time_slice, state)) = self.lend_state(&shared) else { return };
            let mut feed = Feed::new(erased(rows), origin, name, text, state);
            while shared.handler.handle(slot, time_slice, &mut feed).await {
                shared.settle(feed.state.counts, feed.state.gathered);
            }
            return;
        };
        for row in rows {
            // A row that could not be parsed is no event.
            if row.data.is_ok() && !self.admit(rate, origin.base + row.sequence).await {
                return;
            }
            let Some((slot, time_slice, state)) = self.lend_state(&shared) else { return };
            let mut feed = Feed::new(erased(std::iter::once(row)), origin, name, text.clone(), state);
            while shared.handler.handle(slot, time_slice, &mut feed).await {
                shared.settle(feed.state.counts, feed.state.gathered);
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
            let due = control.batch_due(self.gathered.since());
            let overdue = async {
                overdue(&control, due).await;
                None
            };
            match or(async { Some(permitted.as_mut().await) }, overdue).await {
                Some(permitted) => return permitted,
                // The batch does not wait for the rate.
                None => {
                    self.finish().await;
                    self.shared.settle(&mut self.counts, &mut self.gathered);
                }
            }
        }
    }

    #[allow(clippy::type_complexity, reason = "a name for these three would say no more")]
    fn lend_state<'a>(
        &'a mut self,
        shared: &'a Workers<T, R, H>,
    ) -> Option<(&'a StateSlot<H::Local>, &'a mut TimeSlice, WorkerState<'a, T, R>)> {
        let Self { counts, gathered, time_slice, .. } = self;
        let state =
            WorkerState { control: &shared.control, counts, retrying: shared.retrying.as_ref(), gathered };
        Some((shared.slots.get(self.index)?, time_slice, state))
    }
}
