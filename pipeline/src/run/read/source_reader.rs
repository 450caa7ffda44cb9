//! A lane: reads sources one after the other, and sends their chunks.

use std::sync::Arc;

use async_channel::{Receiver, Sender};
use futures_lite::future::or;

use crate::run::read::chunk_sender::{ChunkSender, Stop};
use crate::run::shared::message::Message;
use crate::run::shared::scale::Gate;
use crate::run::shared::time_slice::TimeSlice;
use crate::source::Plan;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::runtime::Runtime;
use sweet_async_core::task::TaskContext;

/// One source, and where its chunks go.
pub(crate) struct Job<T> {
    pub(crate) source: u32,
    pub(crate) plan: Plan<T>,
    pub(crate) queue: Sender<Message<T>>,
    /// Where sources are handled in their order: closed once the ones before it have ended.
    pub(crate) turn: Option<Receiver<()>>,
}

/// The sources that nobody reads yet, in their order.
pub(crate) struct Jobs<T> {
    jobs: Receiver<Job<T>>,
    /// Kept, so that only `halt` closes them.
    open: Sender<Job<T>>,
}

impl<T> Jobs<T> {
    pub(crate) fn new(all: Vec<Job<T>>) -> Self {
        let (open, jobs) = async_channel::bounded(all.len().max(1));
        for job in all {
            // There is room for all.
            let _ = open.try_send(job);
        }
        Self { jobs, open }
    }

    fn next(&self) -> Option<Job<T>> {
        self.jobs.try_recv().ok()
    }

    /// No source is read on, and none is begun: each lane ends where it waits for its source.
    fn halt(&self) {
        self.jobs.close();
        while self.next().is_some() {}
    }

    async fn halted(&self) {
        self.open.closed().await;
    }

    fn are_halted(&self) -> bool {
        self.open.is_closed()
    }
}

pub(crate) struct SourceReader<T, R: Runtime> {
    jobs: Arc<Jobs<T>>,
    /// Who may read, and this one's place at it.
    gate: Arc<Gate>,
    index: usize,
    pub(crate) outlet: ChunkSender<T, R>,
    /// Between blocks of text.
    pub(crate) pace: TimeSlice,
    /// Between slices of items.
    pub(crate) taking: TimeSlice,
}

/// Set once the pipeline was asked to stop: what has been sent is still handled.
fn stopped() -> Option<Stop> {
    let cx = TaskContext::current()?;
    let (level, cause) = (cx.level()?, cx.cause()?);
    Some(Stop::Failed(AsyncTaskError::Cancelled { level, cause }))
}

/// Waits until the pipeline is asked to stop.
pub(crate) async fn told() -> Stop {
    match TaskContext::current() {
        Some(cx) => cx.cancelled().await,
        None => std::future::pending().await,
    }
    stopped().unwrap_or(Stop::NotWanted)
}

impl<T: Send + 'static, R: Runtime> SourceReader<T, R> {
    pub(crate) fn new(jobs: Arc<Jobs<T>>, gate: Arc<Gate>, index: usize, outlet: ChunkSender<T, R>) -> Self {
        Self { jobs, gate, index, outlet, pace: TimeSlice::new(), taking: TimeSlice::taking() }
    }

    /// Reads until no source is left. Says why it ended early, if it did: the source that was read, and the error.
    pub(crate) async fn work(mut self) -> Option<(u32, AsyncTaskError)> {
        let gate = self.gate.clone();
        // When one has no more to do, those that wait must see for themselves what is left.
        let _leaves = gate.leaves();
        loop {
            // Before a source is taken: it is not to wait here while others could read it.
            if let Err(stop) = self.turn().await {
                return self.ended(stop, u32::MAX);
            }
            let Job { source, plan, queue, turn } = self.jobs.next()?;
            self.outlet.queue = queue;
            self.outlet.begin(source);
            let sent = match plan {
                Plan::Items(items) => self.items(items).await,
                Plan::Stream(stream) => self.stream(stream).await,
                Plan::Text(text) => self.text(text).await,
                Plan::Queue(queue) => self.claims(queue, turn).await,
            };
            if let Err(stop) = sent {
                return self.ended(stop, source);
            }
        }
    }

    fn ended(&self, stop: Stop, source: u32) -> Option<(u32, AsyncTaskError)> {
        self.jobs.halt();
        match stop {
            Stop::NotWanted => None,
            Stop::Failed(error) => Some((source, error)),
        }
    }

    /// Waits until this lane may read, where it may not.
    pub(crate) async fn turn(&self) -> Result<(), Stop> {
        match self.gate.is_open(self.index) {
            true => Ok(()),
            false => self.wanted(self.gate.opens(self.index)).await,
        }
    }

    /// Waits for a source as long as somebody wants what it gives: a source may be silent for ever, and an error that
    /// ends the pipeline, or the end of all workers, must not wait for it.
    pub(crate) async fn wanted<F: Future>(&self, source: F) -> Result<F::Output, Stop> {
        or(async { Ok(source.await) }, async { Err(self.unwanted().await) }).await
    }

    /// Waits until nobody wants what comes; says why.
    pub(crate) async fn unwanted(&self) -> Stop {
        let unwanted = async {
            or(self.outlet.control.limit.reached(), or(self.outlet.queue.closed(), self.jobs.halted())).await;
            Stop::NotWanted
        };
        or(unwanted, told()).await
    }

    /// Waits until more may be read; says why none is to be, if so.
    pub(crate) async fn goes_on(&self) -> Result<(), Stop> {
        self.turn().await?;
        self.is_wanted()
    }

    /// Says why no more is to be read, if so, without waiting.
    pub(crate) fn is_wanted(&self) -> Result<(), Stop> {
        let ChunkSender { queue, control, .. } = &self.outlet;
        match stopped() {
            Some(stop) => Err(stop),
            None if self.jobs.are_halted() || control.limit.is_set() || queue.is_closed() => {
                Err(Stop::NotWanted)
            }
            None => Ok(()),
        }
    }
}
