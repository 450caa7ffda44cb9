//! What can be set on a pipeline before it knows what it reads.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::build::sender::PipelineSender;
use crate::outcome::progress::Progress;
use crate::policy::{ErrorStrategy, ReceiverStrategy};
use crate::run::shared::control::Settings;
use crate::source::strategy::SenderStrategy;
use crate::source::{SenderOutput, Sources};
use sweet_async_core::extend::Configured;
use sweet_async_core::extend::Limit;
use sweet_async_core::limit::TaskPriority;
use sweet_async_core::runtime::{Runtime, RuntimeSource};

/// Describes a pipeline of events that carry a `T`. Nothing runs until its end is awaited.
#[must_use = "a pipeline does nothing until its end is awaited"]
#[derive(Clone)]
pub struct PipelineBuilder<T, S> {
    source: S,
    settings: Settings<T>,
    events: PhantomData<fn() -> T>,
}

impl<T: Send + 'static, S: RuntimeSource> PipelineBuilder<T, S> {
    /// A pipeline whose runtime `source` finds when it starts.
    pub fn new(source: S) -> Self {
        Self { source, settings: Settings::default(), events: PhantomData }
    }

    /// Runs on `runtime`, whatever the ambient one is.
    pub fn on<R: Runtime>(self, runtime: &R) -> PipelineBuilder<T, R> {
        PipelineBuilder { source: runtime.clone(), settings: self.settings, events: PhantomData }
    }

    fn set(mut self, change: impl FnOnce(&mut Settings<T>)) -> Self {
        change(&mut self.settings);
        self
    }

    fn told(self, change: impl FnOnce(Configured) -> Configured) -> Self {
        self.set(|settings| settings.task = change(std::mem::take(&mut settings.task)))
    }

    /// Names the pipeline and its tasks, in errors and traces.
    pub fn name(self, name: impl Into<Arc<str>>) -> Self {
        self.told(|task| task.named(name.into()))
    }

    /// Measures what its tasks use: see [`MetricsEnabledTask`](sweet_async_core::MetricsEnabledTask). What files give is counted as
    /// read by the sender.
    pub fn metrics(self, on: bool) -> Self {
        self.told(|task| task.metered(on))
    }

    /// Gives the pipeline a UUID of version 7 as its id, and so its events: see
    /// [`TaskBuilder::uuid`](sweet_async_core::TaskBuilder::uuid).
    #[cfg(feature = "uuid")]
    pub fn uuid(self) -> Self {
        self.told(Configured::identified)
    }

    /// Gives the pipeline a `tracing` span of its own, in which all of it runs: see [`TracingTask`](sweet_async_core::TracingTask).
    pub fn tracing(self, on: bool) -> Self {
        self.told(|task| task.traced(on))
    }

    /// Notes when the pipeline was spawned, first polled and done: see [`TimedTask`](sweet_async_core::TimedTask).
    pub fn timestamps(self, on: bool) -> Self {
        self.told(|task| task.stamped(on))
    }

    /// How urgent the pipeline is, and so all that its receivers run: where they wait for a [`Limiter`](sweet_async_core::Limiter), for
    /// one. As the task around it otherwise.
    pub fn priority(self, priority: TaskPriority) -> Self {
        self.told(|task| task.prioritized(priority))
    }

    /// How long the pipeline has after a graceful cancellation to handle what it has read, before it is killed;
    /// [`DEFAULT_GRACE`](sweet_async_core::task::DEFAULT_GRACE) otherwise. [`Duration::MAX`] never kills.
    pub fn grace(self, grace: Duration) -> Self {
        self.told(|task| task.graced(grace))
    }

    /// Hands `value` to its sender closure and its receivers, by type: [`TaskContext::get`](sweet_async_core::TaskContext::get) of
    /// [`TaskContext::current`](sweet_async_core::TaskContext::current) finds it there. A second one of the same type takes its place.
    pub fn with<V: Send + Sync + 'static>(self, value: V) -> Self {
        self.told(|task| task.with(value))
    }

    /// Limits the whole pipeline to `limit`, from `spawn` or `pull`, or from the first poll of its end. At the limit
    /// receivers are dropped at their next await, and the final event is
    /// [`AsyncTaskError::Timeout`](sweet_async_core::AsyncTaskError::Timeout). Zero polls once; [`Duration::MAX`] is no limit.
    ///
    /// Blocking work that has started, a read or a receiver on the blocking pool, is not waited for: the error says that it
    /// [still runs](sweet_async_core::TimeoutError::still_running), and it is counted as a blocking job of the runtime until it returns. What
    /// it gives is not counted any more, and what its worker has collected is not in the collection.
    ///
    /// [`TimedTask`](sweet_async_core::TimedTask) tells the limit, and moves it while the pipeline runs.
    pub fn timeout(self, limit: Duration) -> Self {
        self.told(|task| task.limited(Limit::After(limit)))
    }

    /// As [`timeout`](Self::timeout), at a moment of the runtime's clock ([`Runtime::now`]). The last that is said holds.
    pub fn timeout_at(self, deadline: Instant) -> Self {
        self.told(|task| task.limited(Limit::At(deadline)))
    }

    /// The same as [`timeout`](Self::timeout).
    pub fn with_timeout(self, limit: Duration) -> Self {
        self.timeout(limit)
    }

    /// What is done about rows that cannot be parsed or that the receiver refuses: by default, the first ends it all.
    ///
    /// A source that fails (a file that is missing or corrupt, a reader that gives an error or panics) ends the pipeline under
    /// every strategy: what it would have given is not known, so it cannot be counted as rejected. Its rows until then are
    /// handled.
    pub fn on_error(self, strategy: ErrorStrategy<T>) -> Self {
        self.set(|settings| settings.strategy = strategy)
    }

    /// How many errors are kept, the first in source order; 1000 by default. All are counted.
    pub fn max_errors(self, max: usize) -> Self {
        self.set(|settings| settings.max_errors = max)
    }

    /// Ends the pipeline once `rejected` rows are rejected, with a [`TooManyErrors`](crate::TooManyErrors) that says how many
    /// there were and which was the first, whatever the strategy says of each. Rows before the one that reaches the
    /// number are still handled, so there may be a few more.
    pub fn fail_after(self, rejected: u64) -> Self {
        self.set(|settings| settings.fail_after = Some(rejected))
    }

    /// Keeps the text of each row whose error is kept; see [`RowError::raw`](crate::RowError::raw).
    pub fn keep_raw(self, keep: bool) -> Self {
        self.set(|settings| settings.keep_raw = keep)
    }

    /// How many workers parse and handle rows; by default, as many as the runtime has threads. Each handles one event
    /// at a time: a receiver that mostly waits wants more of them. The same as
    /// [`ReceiverStrategy::Parallel`].
    pub fn workers(self, workers: usize) -> Self {
        self.receiver_strategy(ReceiverStrategy::Parallel { workers })
    }

    /// How many events are handled at the same time.
    pub fn receiver_strategy(self, strategy: ReceiverStrategy) -> Self {
        self.set(|settings| settings.receivers = Some(strategy))
    }

    /// Limits each call of an asynchronous receiver to `limit`, from its first poll, by the runtime's clock. At the limit it is
    /// dropped at its next await, and the error of its event (of all events of its batch) is an
    /// [`AsyncTaskError::Timeout`](sweet_async_core::AsyncTaskError::Timeout); where events are tried again, each attempt has the limit for itself.
    ///
    /// Synchronous code cannot be interrupted. A synchronous receiver, a fold and a pulled pipeline have no such limit, and are
    /// refused ([`AsyncTaskError::InvalidConfig`](sweet_async_core::AsyncTaskError::InvalidConfig)) where one was set.
    pub fn event_timeout(self, limit: Duration) -> Self {
        self.set(|settings| settings.event_timeout = Some(limit))
    }

    /// How many chunks may wait in the queue; by default, two for each worker. A full queue pauses the sender.
    pub fn queue(self, chunks: usize) -> Self {
        self.set(|settings| settings.queue = Some(chunks))
    }

    /// How sources are read: one after the other by default.
    pub fn sender_strategy(self, strategy: SenderStrategy) -> Self {
        self.set(|settings| settings.sender = strategy)
    }

    /// Reads as many as `sources` sources at the same time: [`SenderStrategy::Parallel`].
    pub fn with_concurrency(self, sources: usize) -> Self {
        self.sender_strategy(SenderStrategy::Parallel { sources })
    }

    /// Hands on at most `events` events in each `per`, each as soon as its time has come: a token bucket that holds
    /// `events`, and is full at first, so that as many may come at once. It is one rate for all workers, by the runtime's clock;
    /// what waits for it holds no thread, and the source waits behind it. Rows that cannot be parsed do not count.
    ///
    /// Cost: a short lock for each event.
    pub fn rate_limit(self, events: u32, per: Duration) -> Self {
        self.set(|settings| settings.rate = Some((events, per)))
    }

    /// Hands events to the receiver in source order, one at a time. Rows are still parsed in parallel; batches are
    /// gathered and handled by one worker.
    pub fn ordered(self) -> Self {
        self.set(|settings| settings.ordered = true)
    }

    /// Reads and handles everything in source order, one event at a time: both strategies are `Serial`.
    pub fn sequence(self) -> Self {
        self.sender_strategy(SenderStrategy::Serial).receiver_strategy(ReceiverStrategy::Serial)
    }

    /// Calls `progress` about ten times a second, and at the end.
    pub fn on_progress(self, progress: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.set(|settings| settings.progress = Some(Arc::new(progress)))
    }

    /// Says what is read: `sender` names the sources, when the pipeline starts.
    pub fn sender<F, O>(self, sender: F) -> PipelineSender<T, S, F>
    where
        F: FnOnce(&mut Sources<T>) -> O,
        O: SenderOutput,
    {
        PipelineSender { source: self.source, settings: self.settings, sender, events: PhantomData }
    }
}
