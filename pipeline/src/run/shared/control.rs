//! The settings of a pipeline, and the state that its sender, its workers and its coordinator share.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use concurrent_queue::ConcurrentQueue;
use event_listener::Event;
use futures_lite::future::or;

use crate::outcome::names::Names;
use crate::outcome::progress::{Counters, Progress};
use crate::output::rejects::Rejects;
use crate::policy::{ReceiverStrategy, SourceErrorStrategy};
use crate::run::shared::guards::Guards;
use crate::run::shared::limit::Limit;
use crate::run::shared::overdue::Overdue;
use crate::run::shared::reject_queue::RejectQueue;
use crate::run::shared::rejection::{KeptErrors, OnReject, Policy};
use crate::source::strategy::{SenderStrategy, check_batches};
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::Configured;
use sweet_async_core::limit::Limiter;
use sweet_async_core::runtime::{DynRuntime, Runtime as _};
use sweet_async_core::task::TaskId;

/// The settings of a pipeline, as the builder collects them.
#[derive(Clone)]
pub(crate) struct Settings {
    /// The settings of the task that runs the pipeline.
    pub(crate) task: Configured,
    pub(crate) event_timeout: Option<Duration>,
    pub(crate) guards: Guards,
    pub(crate) on_reject: OnReject,
    pub(crate) on_source_error: SourceErrorStrategy,
    pub(crate) max_errors: usize,
    pub(crate) fail_after: Option<u64>,
    pub(crate) keep_raw: bool,
    pub(crate) rejects: Option<Rejects>,
    pub(crate) receivers: Option<ReceiverStrategy>,
    pub(crate) batches: Option<Batches>,
    pub(crate) blocking: bool,
    pub(crate) queue: Option<usize>,
    pub(crate) sender: SenderStrategy,
    /// The number of events in a period.
    pub(crate) rate: Option<(u32, Duration)>,
    pub(crate) ordered: bool,
    /// The most events that are handed out.
    pub(crate) take: Option<u64>,
    /// The number of rows whose stages each worker runs at the same time, if it was set.
    pub(crate) concurrent: Option<usize>,
    pub(crate) progress: Option<Arc<dyn Fn(Progress) + Send + Sync>>,
}

/// The size of a batch, and the longest time for which it is gathered.
#[derive(Clone, Copy)]
pub(crate) struct Batches {
    pub(crate) size: usize,
    pub(crate) delay: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            task: Configured::default(),
            event_timeout: None,
            guards: Guards::default(),
            on_reject: OnReject::Stop,
            on_source_error: SourceErrorStrategy::default(),
            max_errors: 1000,
            fail_after: None,
            keep_raw: false,
            rejects: None,
            receivers: None,
            batches: None,
            blocking: false,
            queue: None,
            sender: SenderStrategy::default(),
            rate: None,
            ordered: false,
            take: None,
            concurrent: None,
            progress: None,
        }
    }
}

/// The most chunks in a queue, whose memory is allocated when it is made.
const MOST_CHUNKS: usize = 1 << 16;

/// The most rows whose stages one worker runs at the same time. A greater number is taken for a typing error.
const MOST_CONCURRENT: usize = 1 << 16;

impl Settings {
    pub(crate) fn check(&self) -> Result<(), AsyncTaskError> {
        if let Some(strategy) = self.receivers {
            strategy.check()?;
        }
        if let Some(chunks) = self.queue.filter(|chunks| !(1..=MOST_CHUNKS).contains(chunks)) {
            let range = format!("from 1 to {MOST_CHUNKS}");
            return Err(AsyncTaskError::out_of_range("`queue` of a pipeline", chunks, &range));
        }
        if self.fail_after == Some(0) {
            return Err(AsyncTaskError::out_of_range("`fail_after` of a pipeline", 0, "at least 1"));
        }
        if let Some(Batches { size, delay }) = self.batches {
            check_batches("`batched`", size, delay)?;
        }
        if let Some(rows) = self.concurrent.filter(|rows| !(1..=MOST_CONCURRENT).contains(rows)) {
            let range = format!("from 1 to {MOST_CONCURRENT}");
            return Err(AsyncTaskError::out_of_range("`concurrent` of a pipeline", rows, &range));
        }
        self.sender.check()?;
        self.guards.check()?;
        self.rejects.as_ref().map_or(Ok(None), Rejects::codec)?;
        self.limiter().map(drop)
    }

    /// Builds the limiter that keeps the rate, if a rate is set.
    pub(crate) fn limiter(&self) -> Result<Option<Limiter>, AsyncTaskError> {
        let Some((events, per)) = self.rate else { return Ok(None) };
        match Limiter::builder().rate(events, per).build() {
            Ok(limiter) => Ok(Some(limiter)),
            // The builder has no other setting. Its error would name that of a limiter.
            Err(_) => Err(AsyncTaskError::out_of_range(
                "`rate_limit` of a pipeline",
                format_args!("{events} in {per:?}"),
                "at least 1, with at least a nanosecond for each",
            )),
        }
    }

    /// The fewest and the most workers.
    pub(crate) fn workers(&self, runtime: &DynRuntime) -> (usize, usize) {
        match self.receivers {
            // Batches in source order are gathered by one worker.
            _ if self.ordered && self.batches.is_some() => (1, 1),
            Some(strategy) => strategy.range(),
            None => (runtime.worker_count().max(1), runtime.worker_count().max(1)),
        }
    }
}

/// The state that sender, workers and coordinator share.
pub struct Control {
    pub(crate) runtime: DynRuntime,
    pub(crate) task: TaskId,
    pub(crate) name: Option<Arc<str>>,
    pub(crate) limit: Limit,
    pub(crate) policy: Policy,
    pub(crate) event_timeout: Option<Duration>,
    pub(crate) guards: Guards,
    pub(crate) batches: Option<Batches>,
    pub(crate) counters: Arc<Counters>,
    /// The errors kept by workers and senders that have ended.
    pub(crate) kept: ConcurrentQueue<KeptErrors>,
    /// Set where rejected rows are written.
    pub(crate) rejects: Option<RejectQueue>,
    pub(crate) names: Names,
    pub(crate) sender: SenderStrategy,
    pub(crate) rate: Option<Limiter>,
    /// True if chunks have turns, in source order.
    pub(crate) has_turns: bool,
    /// The number of rows whose stages each worker runs at the same time.
    pub(crate) concurrent: usize,
    /// Notified when a queue becomes idle: see [`Idle`](crate::run::shared::idle::Idle).
    pub(crate) idle: Event,
    pub(crate) overdue: Arc<Overdue>,
    /// The number of queues that were not read to the end of their jobs.
    pub(crate) unread_queues: AtomicUsize,
}

impl Control {
    /// The time at which a batch is handed over, full or not, if its first event came at `since`. `None` if
    /// it may wait forever.
    pub(crate) fn batch_due(&self, since: Option<Instant>) -> Option<Instant> {
        since?.checked_add(self.batches?.delay)
    }

    /// Notes that a queue was read to the end of its jobs.
    pub(crate) fn has_read_queue(&self) {
        // Read once all senders have ended.
        self.unread_queues.fetch_sub(1, Ordering::Relaxed);
    }

    /// True if the text of rejected rows is wanted.
    pub(crate) fn wants_text(&self) -> bool {
        self.policy.keep_raw || self.rejects.is_some()
    }

    /// Waits until there is room for more rejected rows, where they are written.
    pub(crate) async fn room_for_rejects(&self) {
        if let Some(rejects) = &self.rejects {
            rejects.room().await;
        }
    }

    /// Waits until the rate permits an event. Returns false if the event is not wanted any more.
    pub(crate) async fn permits(&self, sequence: u64) -> bool {
        let Some(rate) = &self.rate else { return true };
        let unwanted = async {
            self.limit.refuses(sequence).await;
            false
        };
        // Only the end of the runtime is an error, and that ends the worker at its next wait.
        let permit = async { rate.acquire(self.runtime.clone()).await.is_ok() };
        or(unwanted, permit).await
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // No part is left that counts. This is for a coordinator that was dropped before it closed the
        // counters.
        self.counters.end(self.runtime.now());
    }
}
