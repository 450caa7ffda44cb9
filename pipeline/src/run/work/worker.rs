//! A worker: takes chunks off the queue, parses them, and hands their rows to the receiver.

use std::pin::pin;
use std::sync::Arc;

use async_channel::Receiver;
use futures_lite::future::or;

use crate::event::single::Origin;
use crate::policy::RetryEvents;
use crate::run::shared::control::Control;
use crate::run::shared::counters::{OnReject, Tally};
use crate::run::shared::lease::Lease;
use crate::run::shared::message::{Content, Message, Turn};
use crate::run::shared::on_pool::on_pool;
use crate::run::shared::scale::Gate;
use crate::run::shared::time_slice::TimeSlice;
use crate::run::work::feed::{Desk, Feed};
use crate::run::work::gathered::Gathered;
use crate::run::work::handler::Handler;
use crate::run::work::intake::{next, overdue};
use crate::run::work::slot::Slot;
use crate::text::chunk::RawChunk;
use crate::text::decode::{Decoded, Decoder, Decoders};
use sweet_async_core::cancel::CancelLevel;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::limit::Limiter;
use sweet_async_core::runtime::Runtime;
use sweet_async_core::task::TaskContext;

/// Rows that are parsed before others may run, where they are parsed before their turn.
const PARSED: usize = 256;

/// Decoders that a worker keeps, each for a source, since making one is dear: enough for as many sources as are usually
/// read at the same time.
const DECODERS: usize = 8;

/// What the workers of a pipeline share.
pub(crate) struct Workers<T, R: Runtime, H: Handler<T>> {
    pub(crate) handler: H,
    pub(crate) slots: Box<[Slot<H::Local>]>,
    pub(crate) retrying: Option<RetryEvents<T>>,
    /// Chunks are handled on the blocking pool.
    pub(crate) blocking: bool,
    pub(crate) gate: Gate,
    pub(crate) control: Arc<Control<R>>,
}

/// One worker's own.
struct Worker<T, R: Runtime, H: Handler<T>> {
    crew: Arc<Workers<T, R, H>>,
    index: usize,
    tally: Tally<R>,
    pace: TimeSlice,
    gathered: Gathered<T>,
    /// The last ones, the latest at the end, with what made them.
    decoders: Vec<Made<T>>,
}

/// A decoder, and what made it.
type Made<T> = (Decoders<T>, Box<dyn Decoder<T>>);

/// What a worker does next.
enum Job<T> {
    /// With its lease, and its last row's sequence, where it was claimed from a queue.
    Chunk(Origin, Rows<T>, Option<(Box<Lease>, u64)>),
    /// What was gathered is handled, whole or not.
    Finish,
}

/// The rows of a chunk; the numbers are places in its source.
enum Rows<T> {
    Items(Vec<T>, u64),
    Raw(RawChunk, Decoders<T>),
    Parsed(Vec<Decoded<T>>, RawChunk),
}

/// Works until the queue is closed and empty.
pub(crate) async fn work<T, R, H>(
    crew: Arc<Workers<T, R, H>>,
    index: usize,
    queue: Receiver<Message<T>>,
) -> Result<(), AsyncTaskError>
where
    T: Send + 'static,
    R: Runtime,
    H: Handler<T>,
{
    let control = crew.control.clone();
    let _leaves = crew.gate.leaves();
    let tally = Tally::new(control.clone());
    let mut worker = Worker {
        crew: crew.clone(),
        index,
        tally,
        pace: TimeSlice::new(),
        gathered: Gathered::new(),
        decoders: Vec::new(),
    };
    loop {
        if !crew.gate.is_open(index) {
            worker = worker.run(Job::Finish).await?;
            crew.gate.opens(index).await;
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
        let _busy = crew.gate.busy();
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
        // Before a blocking thread is taken: the one whose turn it is may need it.
        if let Some(turn) = &turn {
            Turn::wait(turn).await;
        }
        worker = worker.run(Job::Chunk(origin, rows, claimed)).await?;
    }
    // Killed in this very poll, it has seen the queue's end since the sender was killed, too.
    if !is_killed() {
        worker = worker.run(Job::Finish).await?;
    }
    let Some(slot) = crew.slots.get(index) else { return Ok(()) };
    let handed_over = slot.with(|local| local.as_mut().map_or(Ok(()), |local| crew.handler.hand_over(local)));
    drop(worker);
    handed_over
}

/// In a debug build, boxes the rows of a chunk: what handles them is then compiled once for each pipeline, and not for each
/// kind of rows. That is a tenth of what a build of many pipelines consists of.
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
    /// Tells what is handled, and gives up the leases of messages that are handled to their end.
    fn settle(&self, tally: &mut Tally<R>, gathered: &mut Gathered<T>) {
        tally.tell();
        let Control { policy, limit, .. } = &*self.control;
        let late = self.handler.rejected();
        if late != u64::MAX && matches!(policy.on_reject, OnReject::Stop) {
            limit.stop_at(late);
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
    /// Does a job, where such jobs are done.
    async fn run(mut self, job: Job<T>) -> Result<Self, AsyncTaskError> {
        if matches!(job, Job::Finish) && self.gathered.since().is_none() {
            return Ok(self);
        }
        if !self.crew.blocking {
            self.handle(job).await;
            return Ok(self);
        }
        let runtime = self.crew.control.runtime.clone();
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
        self.crew.settle(&mut self.tally, &mut self.gathered);
    }

    /// Hands over what was gathered, full or not.
    async fn finish(&mut self) {
        let crew = self.crew.clone();
        let Some((slot, _, mut desk)) = self.desk(&crew) else { return };
        crew.handler.finish(slot, &mut desk).await;
    }

    /// Handles the rows of a chunk; `published` is what its source is called where it was published.
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

    fn decoder(&mut self, chunk: &RawChunk, make: Decoders<T>) -> Made<T> {
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

    fn keep(&mut self, mut decoder: Made<T>) {
        decoder.1.release();
        if self.decoders.len() == DECODERS {
            self.decoders.remove(0);
        }
        self.decoders.push(decoder);
    }

    /// A chunk that is parsed whole before its turn: that is the part that runs in parallel.
    async fn parsed(&mut self, chunk: RawChunk, make: Decoders<T>) -> Rows<T> {
        let mut decoder = self.decoder(&chunk, make);
        let (mut parsed, mut before, mut pace) = (Vec::new(), None, TimeSlice::new());
        while before != Some(parsed.len()) {
            before = Some(parsed.len());
            parsed.extend(std::iter::from_fn(|| decoder.1.next()).take(PARSED));
            pace.rest(&self.crew.control.runtime).await;
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
        let crew = self.crew.clone();
        let control = &crew.control;
        let Some(name) = published.or(control.names.at(origin.source)) else { return };
        let text = text.filter(|_| control.policy.keep_raw);
        let Some(rate) = &control.rate else {
            let Some((slot, pace, desk)) = self.desk(&crew) else { return };
            let mut feed = Feed::new(erased(rows), origin, name, text, desk);
            while crew.handler.handle(slot, pace, &mut feed).await {
                crew.settle(feed.desk.tally, feed.desk.gathered);
            }
            return;
        };
        for row in rows {
            // One that could not be parsed is no event.
            if row.data.is_ok() && !self.paced(rate, origin.base + row.sequence).await {
                return;
            }
            let Some((slot, pace, desk)) = self.desk(&crew) else { return };
            let mut feed = Feed::new(erased(std::iter::once(row)), origin, name, text.clone(), desk);
            while crew.handler.handle(slot, pace, &mut feed).await {
                crew.settle(feed.desk.tally, feed.desk.gathered);
            }
        }
    }

    /// Waits until the rate permits an event. False if it is not wanted any more.
    async fn paced(&mut self, rate: &Limiter, sequence: u64) -> bool {
        let control = self.crew.control.clone();
        let unwanted = async {
            control.limit.excludes(sequence).await;
            false
        };
        // Only the runtime's end is an error, and that ends the worker at its next wait.
        let its_time = async { rate.acquire(control.runtime.clone()).await.is_ok() };
        let mut permitted = pin!(or(unwanted, its_time));
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
                    self.crew.settle(&mut self.tally, &mut self.gathered);
                }
            }
        }
    }

    #[allow(clippy::type_complexity, reason = "a name for these three would say no more")]
    fn desk<'a>(
        &'a mut self,
        crew: &'a Workers<T, R, H>,
    ) -> Option<(&'a Slot<H::Local>, &'a mut TimeSlice, Desk<'a, T, R>)> {
        let Self { tally, gathered, pace, .. } = self;
        let desk = Desk { control: &crew.control, tally, retrying: crew.retrying.as_ref(), gathered };
        Some((crew.slots.get(self.index)?, pace, desk))
    }
}
