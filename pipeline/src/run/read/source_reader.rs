//! A source reader: reads sources one after the other, and sends their chunks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_channel::{Receiver, Sender};
use futures_lite::future::or;

use crate::run::read::chunk_sender::{ChunkSender, Stop};
use crate::run::shared::message::Message;
use crate::run::shared::scale::ActiveLimit;
use crate::run::shared::time_slice::TimeSlice;
use crate::source::plan::Plan;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::task::TaskContext;

/// One source, and the queue for its chunks.
pub(crate) struct Job {
    pub(crate) source: u32,
    pub(crate) plan: Plan,
    pub(crate) queue: Sender<Message>,
    /// Set where sources are handled in their order. Closed once the sources before have ended.
    pub(crate) turn: Option<Receiver<()>>,
}

/// The sources that no reader has taken yet, in their order.
pub(crate) struct Jobs {
    jobs: Receiver<Job>,
    /// Kept, so that only `halt` closes the channel.
    open: Sender<Job>,
    /// The first position in source order at which a source was left in the middle; `u64::MAX` if none was.
    unread_from: Arc<AtomicU64>,
}

impl Jobs {
    pub(crate) fn new(all: Vec<Job>) -> Self {
        let (open, jobs) = async_channel::bounded(all.len().max(1));
        for job in all {
            // The channel has room for all.
            let _ = open.try_send(job);
        }
        Self { jobs, open, unread_from: Arc::new(AtomicU64::new(u64::MAX)) }
    }

    /// The first position at which a source was left, to be read once all readers have ended.
    pub(crate) fn unread_from(&self) -> Arc<AtomicU64> {
        self.unread_from.clone()
    }

    fn next(&self) -> Option<Job> {
        self.jobs.try_recv().ok()
    }

    /// Stops all readers: no source is read any further, and none is started. Each reader ends where it waits
    /// for its source.
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

pub(crate) struct SourceReader {
    jobs: Arc<Jobs>,
    /// Decides which readers may read; `index` is this reader's index there.
    active_limit: Arc<ActiveLimit>,
    index: usize,
    pub(crate) chunk_sender: ChunkSender,
    /// Rests between blocks of text.
    pub(crate) block_slice: TimeSlice,
    /// Rests between slices of items.
    pub(crate) item_slice: TimeSlice,
}

/// The error of a requested cancellation, if there is one. Chunks that were sent are still handled.
fn stopped() -> Option<Stop> {
    let cx = TaskContext::current()?;
    let (level, cause) = (cx.level()?, cx.cause()?);
    let reason = cx.cancel_reason();
    Some(Stop::Failed(AsyncTaskError::Cancelled { level, cause, task: None, reason }))
}

/// Waits until cancellation of the pipeline is requested.
pub(crate) async fn cancellation_requested() -> Stop {
    match TaskContext::current() {
        Some(cx) => cx.cancelled().await,
        None => std::future::pending().await,
    }
    stopped().unwrap_or(Stop::NotWanted)
}

/// The error that ended the reading early.
pub(crate) struct ReadError {
    /// The number of the source that was being read; `u32::MAX` if there was none.
    pub(crate) source: u32,
    /// The position in source order at which the source could not be read any further; `u64::MAX` for other
    /// errors.
    pub(crate) position: u64,
    pub(crate) error: AsyncTaskError,
}

impl ReadError {
    /// An error that is that of no source.
    pub(crate) fn of_none(error: AsyncTaskError) -> Self {
        Self { source: u32::MAX, position: u64::MAX, error }
    }
}

impl SourceReader {
    pub(crate) fn new(
        jobs: Arc<Jobs>,
        active_limit: Arc<ActiveLimit>,
        index: usize,
        chunk_sender: ChunkSender,
    ) -> Self {
        Self {
            jobs,
            active_limit,
            index,
            chunk_sender,
            block_slice: TimeSlice::new(),
            item_slice: TimeSlice::for_items(),
        }
    }

    /// Reads until no source is left. Returns the error that ended this early, if there is one.
    pub(crate) async fn work(mut self) -> Option<ReadError> {
        let active_limit = self.active_limit.clone();
        // When one reader has nothing more to do, the paused ones must check themselves for sources that are
        // left.
        let _lift_on_drop = active_limit.lift_on_drop();
        loop {
            // Before a source is taken: a source must not wait here while other readers could read it.
            if let Err(stop) = self.wait_for_gate().await {
                return self.ended(stop, u32::MAX);
            }
            let Job { source, plan, queue, turn } = self.jobs.next()?;
            self.chunk_sender.queue = queue;
            self.chunk_sender.begin(source);
            let sent = match plan {
                Plan::Items(items) => self.items(items).await,
                Plan::Stream(stream) => self.stream(stream).await,
                Plan::Text(text) => self.text(text).await,
                Plan::Queue(queue) => self.queue(queue, turn).await,
            };
            match sent {
                Ok(()) => {}
                Err(Stop::Source(error)) if self.chunk_sender.control.policy.skips_sources() => {
                    self.chunk_sender.skip_source(error);
                }
                Err(stop) => return self.ended(stop, source),
            }
        }
    }

    fn ended(&self, stop: Stop, source: u32) -> Option<ReadError> {
        self.jobs.halt();
        if source != u32::MAX {
            // Relaxed: it is read after the end of this task was awaited.
            self.jobs.unread_from.fetch_min(self.chunk_sender.position(), Ordering::Relaxed);
        }
        match stop {
            Stop::NotWanted => None,
            Stop::Failed(error) => Some(ReadError { source, position: u64::MAX, error }),
            Stop::Source(error) => Some(ReadError { source, position: self.chunk_sender.position(), error }),
        }
    }

    /// Waits until this reader may read.
    pub(crate) async fn wait_for_gate(&self) -> Result<(), Stop> {
        match self.active_limit.allows(self.index) {
            true => Ok(()),
            false => self.wanted(self.active_limit.wait_allowed(self.index)).await,
        }
    }

    /// Waits for a source as long as its output is wanted. A source may be silent forever; an error that ends
    /// the pipeline, or the end of all workers, must not wait for it.
    pub(crate) async fn wanted<F: Future>(&self, source: F) -> Result<F::Output, Stop> {
        or(async { Ok(source.await) }, async { Err(self.unwanted().await) }).await
    }

    /// Waits until no more is wanted, and returns the reason.
    pub(crate) async fn unwanted(&self) -> Stop {
        let unwanted = async {
            or(
                self.chunk_sender.control.limit.reached(),
                or(self.chunk_sender.queue.closed(), self.jobs.halted()),
            )
            .await;
            Stop::NotWanted
        };
        or(unwanted, cancellation_requested()).await
    }

    /// Waits until more may be read. The error is the reason for reading no more.
    pub(crate) async fn wait_to_read(&self) -> Result<(), Stop> {
        self.wait_for_gate().await?;
        self.is_wanted()
    }

    /// Checks without waiting that more is to be read. The error is the reason for reading no more.
    pub(crate) fn is_wanted(&self) -> Result<(), Stop> {
        let ChunkSender { queue, control, .. } = &self.chunk_sender;
        match stopped() {
            Some(stop) => Err(stop),
            None if self.jobs.are_halted() || control.limit.is_set() || queue.is_closed() => {
                Err(Stop::NotWanted)
            }
            None => Ok(()),
        }
    }
}
