//! The options of a pipeline, which are set before its sources are named.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::build::sender::PipelineSender;
use crate::outcome::progress::Progress;
use crate::output::rejects::Rejects;
use crate::policy::{ErrorStrategy, ReceiverStrategy, RetryEvents, SourceErrorStrategy};
use crate::run::shared::control::Settings;
use crate::run::shared::rejection::OnReject;
use crate::source::sources::{SenderOutput, Sources};
use crate::source::strategy::SenderStrategy;
use sweet_async_core::breaker::CircuitBreaker;
use sweet_async_core::chaos::Chaos;
use sweet_async_core::extend::Configured;
use sweet_async_core::extend::Limit;
use sweet_async_core::limit::{Limiter, TaskPriority};
use sweet_async_core::metrics::MetricsMode;
use sweet_async_core::runtime::{Runtime, RuntimeSource};

/// Describes a pipeline of events that carry a `T`. Nothing runs before the pipeline is spawned or pulled, or
/// its end is awaited.
#[must_use = "a pipeline does nothing until its end is awaited"]
pub struct PipelineBuilder<T, S> {
    source: S,
    settings: Settings,
    /// Set where the strategy for errors is to retry.
    retrying: Option<RetryEvents<T>>,
}

clonable! { PipelineBuilder<T, S> { source, settings, retrying } }

impl<T: Send + 'static, S: RuntimeSource> PipelineBuilder<T, S> {
    /// Creates a pipeline. `source` finds the runtime when the pipeline starts.
    pub fn new(source: S) -> Self {
        Self { source, settings: Settings::default(), retrying: None }
    }

    /// Runs the pipeline on `runtime`, whatever the ambient one is.
    pub fn on<R: Runtime>(self, runtime: &R) -> PipelineBuilder<T, R> {
        PipelineBuilder { source: runtime.clone(), settings: self.settings, retrying: self.retrying }
    }

    fn set(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    fn configure(self, change: impl FnOnce(Configured) -> Configured) -> Self {
        self.set(|settings| settings.task = change(std::mem::take(&mut settings.task)))
    }

    /// Names the pipeline and its tasks, in errors and traces.
    pub fn name(self, name: impl Into<Arc<str>>) -> Self {
        self.configure(|task| task.named(name.into()))
    }

    /// Measures the resources that the pipeline's tasks use: see
    /// [`MetricsEnabledTask`](sweet_async_core::MetricsEnabledTask). `true` is [`MetricsMode::Sampled`].
    /// Bytes from files count as read by the sender.
    pub fn metrics(self, mode: impl Into<MetricsMode>) -> Self {
        let mode = mode.into();
        self.configure(|task| task.metered(mode))
    }

    /// Gives the pipeline a UUID of version 7 as its id, which is part of the ids of its events: see
    /// [`TaskBuilder::uuid`](sweet_async_core::TaskBuilder::uuid).
    #[cfg(feature = "uuid")]
    pub fn uuid(self) -> Self {
        self.configure(Configured::identified)
    }

    /// Gives the pipeline a `tracing` span of its own, in which all of it runs: see
    /// [`TracingTask`](sweet_async_core::TracingTask).
    pub fn tracing(self, on: bool) -> Self {
        self.configure(|task| task.traced(on))
    }

    /// Records the times at which the pipeline was spawned, first polled and done: see
    /// [`TimedTask`](sweet_async_core::TimedTask).
    pub fn timestamps(self, on: bool) -> Self {
        self.configure(|task| task.stamped(on))
    }

    /// Sets the priority of the pipeline and of all that its receivers run, for example where they wait for a
    /// [`Limiter`](sweet_async_core::Limiter). By default it is the priority of the task around the pipeline.
    pub fn priority(self, priority: TaskPriority) -> Self {
        self.configure(|task| task.prioritized(priority))
    }

    /// Sets the grace period: the time that the pipeline has after a graceful cancellation request to handle
    /// the rows that it has read, before it is killed. The default is
    /// [`DEFAULT_GRACE`](sweet_async_core::task::DEFAULT_GRACE); [`Duration::MAX`] never kills.
    pub fn grace(self, grace: Duration) -> Self {
        self.configure(|task| task.graced(grace))
    }

    /// Makes `value` available to the sender closure and the receivers, by type: read it with
    /// [`TaskContext::get`](sweet_async_core::TaskContext::get) on
    /// [`TaskContext::current`](sweet_async_core::TaskContext::current). A second value of the same type
    /// replaces the first.
    pub fn with<V: Send + Sync + 'static>(self, value: V) -> Self {
        self.configure(|task| task.with(value))
    }

    /// Limits the whole pipeline to `limit`, from `spawn` or `pull`, or from the first poll of its end. At
    /// the limit receivers are dropped at their next await, and the final event is
    /// [`AsyncTaskError::Timeout`](sweet_async_core::AsyncTaskError::Timeout). Zero polls once;
    /// [`Duration::MAX`] is no limit.
    ///
    /// Blocking work that has started, a read or a receiver on the blocking pool, is not waited for. The
    /// error says that it [still runs](sweet_async_core::TimeoutError::still_running), and it counts as a
    /// blocking job of the runtime until it returns. Its results are not counted any more, and the values
    /// that its worker has collected are not in the collection.
    ///
    /// [`TimedTask`](sweet_async_core::TimedTask) reports the limit, and moves it while the pipeline runs.
    pub fn timeout(self, limit: Duration) -> Self {
        self.configure(|task| task.limited(Limit::After(limit)))
    }

    /// As [`timeout`](Self::timeout), at a moment of the runtime's clock ([`Runtime::now`]). The last limit
    /// that is set holds.
    pub fn timeout_at(self, deadline: Instant) -> Self {
        self.configure(|task| task.limited(Limit::At(deadline)))
    }

    /// The same as [`timeout`](Self::timeout).
    pub fn with_timeout(self, limit: Duration) -> Self {
        self.timeout(limit)
    }

    /// Sets the strategy for rows that cannot be parsed or that the receiver refuses. By default the first
    /// such row ends the pipeline.
    ///
    /// The strategy is about rows. For a source that fails as a whole there is
    /// [`on_source_error`](Self::on_source_error).
    pub fn on_error(self, strategy: ErrorStrategy<T>) -> Self {
        let on_reject = OnReject::from(&strategy);
        let retrying = if let ErrorStrategy::Retry(retrying) = strategy { Some(retrying) } else { None };
        Self { retrying, ..self }.set(|settings| settings.on_reject = on_reject)
    }

    /// Sets the strategy for a source that fails: a file that is missing or corrupt, a reader that returns
    /// an error or panics. By default it ends the pipeline, whatever the strategy for rows is. With
    /// [`Skip`](SourceErrorStrategy::Skip), one corrupt file of ten thousand is reported, and the others
    /// are read.
    ///
    /// The rows that a source would have given are not known, so they are not counted as rejected, and
    /// [`fail_after`](Self::fail_after) does not count the source. Its rows until the failure are handled.
    ///
    /// ```
    /// # use sweet_async_core::{AsyncTaskError, Runtime};
    /// # use sweet_async_pipeline::{ChunkSizeExt as _, Event, PipelineBuilder, SourceErrorStrategy};
    /// # async fn read<R: Runtime>(runtime: R, paths: Vec<std::path::PathBuf>) -> Result<(), AsyncTaskError> {
    /// let (_lines, summary) = PipelineBuilder::<String, _>::new(runtime)
    ///     .on_source_error(SourceErrorStrategy::Skip)
    ///     .sender(|sources| sources.of_files(paths).lines().into_chunks(64.kib()))
    ///     .fold(|| 0u64, |lines, _: Event<String>| *lines += 1, |left, right| left + right)
    ///     .await?;
    /// for error in summary.source_errors() {
    ///     eprintln!("{error}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_source_error(self, strategy: SourceErrorStrategy) -> Self {
        self.set(|settings| settings.on_source_error = strategy)
    }

    /// Sets the number of errors that are kept: the first ones in source order, 1000 by default. With zero
    /// none is kept, or one if [`fail_after`](Self::fail_after) is set. All errors are counted.
    pub fn max_errors(self, max: usize) -> Self {
        self.set(|settings| settings.max_errors = max)
    }

    /// Ends the pipeline once `rejected` rows are rejected, whatever the strategy decides about each row. The
    /// error is a [`TooManyErrors`](crate::TooManyErrors), which has the number of rejected rows and the
    /// first of them. Rows that precede the one that reaches the number, in source order, are still handled,
    /// so a few more may be rejected. Zero is refused
    /// ([`AsyncTaskError::InvalidConfig`](sweet_async_core::AsyncTaskError::InvalidConfig)).
    pub fn fail_after(self, rejected: u64) -> Self {
        self.set(|settings| settings.fail_after = Some(rejected))
    }

    /// Keeps the text of each row whose error is kept; see [`RowError::raw`](crate::RowError::raw).
    pub fn keep_raw(self, keep: bool) -> Self {
        self.set(|settings| settings.keep_raw = keep)
    }

    /// Writes every rejected row, as many as there are, with its text where it has one, its position and the reason: to a
    /// file, or to a [function](Rejects::sink). A path is CSV or JSON Lines by its name; see [`Rejects`].
    /// So the rows can be corrected and read again, however few errors are [kept](Self::max_errors).
    ///
    /// The file appears whole at the end of the pipeline, with a header and no rows where none was
    /// rejected; an older file is replaced. It appears as well where the pipeline fails, is cancelled
    /// gracefully or reaches its time limit, with the rows that were rejected until then. Killed or
    /// dropped, the pipeline leaves no file. The sum of [`RejectedRow::rows`](crate::RejectedRow::rows) is
    /// [`FinalEvent::rejected`](crate::FinalEvent::rejected). The rows are in no particular order; their
    /// sequence is the order of the source. A source that is [skipped](Self::on_source_error) is no row.
    ///
    /// A file that cannot be written ends the pipeline with an error that names it
    /// ([`AsyncTaskError::Io`](sweet_async_core::AsyncTaskError::Io)), unless another error has ended it.
    ///
    /// Cost: a copy of the text and the reason of each rejected row. The rows are written on the blocking
    /// pool, and workers wait between two chunks while more than 1 MiB waits to be written. So the memory
    /// for them is bounded by that and by a chunk for each worker.
    ///
    /// ```
    /// # use sweet_async_core::{AsyncTaskError, Runtime};
    /// # use sweet_async_pipeline::{ChunkSizeExt as _, ErrorStrategy, Event, PipelineBuilder};
    /// # async fn read<R: Runtime>(runtime: R) -> Result<(), AsyncTaskError> {
    /// let summary = PipelineBuilder::<u64, _>::new(runtime)
    ///     .on_error(ErrorStrategy::ContinueOnError)
    ///     .rejects_to("rejected.csv")
    ///     .sender(|sources| sources.of_file("numbers.txt").lines().into_chunks(64.kib()))
    ///     .for_each(|_: Event<u64>| {})
    ///     .await?;
    /// # let _ = summary;
    /// # Ok(())
    /// # }
    /// ```
    pub fn rejects_to(self, to: impl Into<Rejects>) -> Self {
        self.set(|settings| settings.rejects = Some(to.into()))
    }

    /// Sets the number of workers that parse and handle rows. By default there are as many as the runtime has
    /// threads. Each worker handles one event at a time: a receiver that mostly waits needs more of them, and a
    /// stage that mostly waits can be [`concurrent`](PipelineSender::concurrent). The same as
    /// [`ReceiverStrategy::Parallel`].
    pub fn workers(self, workers: usize) -> Self {
        self.receiver_strategy(ReceiverStrategy::Parallel { workers })
    }

    /// Sets the number of events that are handled at the same time.
    pub fn receiver_strategy(self, strategy: ReceiverStrategy) -> Self {
        self.set(|settings| settings.receivers = Some(strategy))
    }

    /// Limits each call of an asynchronous receiver to `limit`, from its first poll, by the runtime's clock.
    /// At the limit the call is dropped at its next await, and the error of its event (of all events of its
    /// batch) is an [`AsyncTaskError::Timeout`](sweet_async_core::AsyncTaskError::Timeout). Where events are
    /// retried, the limit holds for each attempt. With [stages](PipelineSender::map) it holds for the stages and
    /// the receiver together, and for each of both where the stages run ahead of the receiver. [`Duration::MAX`]
    /// is no limit.
    ///
    /// Synchronous code cannot be interrupted. So a synchronous receiver, a fold, and every end without a
    /// receiver are refused
    /// ([`AsyncTaskError::InvalidConfig`](sweet_async_core::AsyncTaskError::InvalidConfig)) if a limit was
    /// set, unless a stage before them is asynchronous.
    pub fn event_timeout(self, limit: Duration) -> Self {
        self.set(|settings| settings.event_timeout = Some(limit))
    }

    /// Puts `breaker` around each call of the receiver, and each attempt where events are retried. A call that
    /// it refuses is not made: the error of its event is
    /// [`AsyncTaskError::CircuitOpen`](sweet_async_core::AsyncTaskError::CircuitOpen), which is not retried.
    /// A batch is one call. A pipeline without calls is refused
    /// ([`AsyncTaskError::InvalidConfig`](sweet_async_core::AsyncTaskError::InvalidConfig)): one that is pulled, or
    /// whose values are listed, written, forwarded or published. The publishing of a chunk is a call.
    ///
    /// With [stages](PipelineSender::map) it is around the stages and the receiver together. So stages that run
    /// ahead of the receiver are refused, unless they are before batches: those of several workers under
    /// [source order](Self::ordered) or with [keys](PipelineSender::key_by), and
    /// [concurrent](PipelineSender::concurrent) ones.
    ///
    /// Cost: two allocations for each call, and calls of a synchronous receiver are made one by one.
    pub fn event_circuit_breaker(self, breaker: &CircuitBreaker) -> Self {
        self.set(|settings| settings.guards.breaker = Some(breaker.clone()))
    }

    /// Lets each call of the receiver, and each attempt where events are retried, wait for a permit of
    /// `limiter`, which others may share. The wait is not under the limit of an
    /// [event](Self::event_timeout), and between two attempts no permit is held. Where the limiter has as
    /// many waiters as it may have, the error of the event is
    /// [`AsyncTaskError::Rejected`](sweet_async_core::AsyncTaskError::Rejected), which is not retried. A batch
    /// is one call. A pipeline without calls is refused, and so are stages that run ahead of the receiver, as with a
    /// [breaker](Self::event_circuit_breaker).
    ///
    /// Permits bound the calls alone: rows are parsed by as many [workers](Self::workers) as there are.
    /// [`rate_limit`](Self::rate_limit) is a rate of one pipeline, by events and not by calls.
    ///
    /// Cost: as for a breaker.
    pub fn event_limiter(self, limiter: &Limiter) -> Self {
        self.set(|settings| settings.guards.limiter = Some(limiter.clone()))
    }

    /// Injects faults into the calls of the receiver, at random, as `chaos` says: for tests, and for
    /// rehearsals of failure. They are drawn for each call, and for each attempt where events are retried, from
    /// the runtime's random numbers, so that a simulation repeats them. Chaos is innermost: an injected
    /// error or panic is the error of the event and is retried as another would be, an injected latency is
    /// under the [limit of the event](Self::event_timeout), and a [breaker](Self::event_circuit_breaker)
    /// counts both. The receiver is not called where a fault takes its place, and neither are the
    /// [stages](PipelineSender::map) before it. A batch is one call, without its stages. A rate that is no
    /// probability is refused
    /// ([`AsyncTaskError::InvalidConfig`](sweet_async_core::AsyncTaskError::InvalidConfig)), and so is a
    /// pipeline without calls, as with a breaker.
    ///
    /// Cost: four allocations for each call, and calls of a synchronous receiver are made one by one.
    pub fn chaos(self, chaos: Chaos) -> Self {
        self.set(|settings| settings.guards.chaos = Some(chaos))
    }

    /// Sets the number of chunks that may wait in the queue, from 1 to 65,536; by default, two for each
    /// worker. A full queue pauses the sender.
    pub fn queue(self, chunks: usize) -> Self {
        self.set(|settings| settings.queue = Some(chunks))
    }

    /// Sets the strategy for reading sources. By default they are read one after the other.
    pub fn sender_strategy(self, strategy: SenderStrategy) -> Self {
        self.set(|settings| settings.sender = strategy)
    }

    /// Reads up to `sources` sources at the same time: [`SenderStrategy::Parallel`].
    pub fn with_concurrency(self, sources: usize) -> Self {
        self.sender_strategy(SenderStrategy::Parallel { sources })
    }

    /// Passes on at most `events` events in each period `per`. The rate is kept by a token bucket that holds
    /// `events` tokens and is full at first, so as many events may come at once. The rate is one for all
    /// workers, by the runtime's clock. Events that wait for it hold no thread, and the source waits for
    /// them. Rows that cannot be parsed do not count.
    ///
    /// Cost: a short lock for each event.
    pub fn rate_limit(self, events: u32, per: Duration) -> Self {
        self.set(|settings| settings.rate = Some((events, per)))
    }

    /// Passes events to the receiver in source order, one at a time. Rows are still parsed in parallel, and
    /// [stages](PipelineSender::map) run in parallel. Batches are gathered and handled by one worker, which also
    /// runs the stages before them.
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

    /// Sets the sender closure. It names the sources, and is called when the pipeline starts.
    pub fn sender<F, O>(self, sender: F) -> PipelineSender<T, S, F>
    where
        F: FnOnce(&mut Sources<T>) -> O,
        O: SenderOutput,
    {
        let Self { source, settings, retrying } = self;
        PipelineSender { source, settings, retrying, sender }
    }
}
