//! The totals of a runtime's tasks with metrics, and the thresholds of its reports.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use crate::metrics::{Counters, Histogram, Latencies, Sums, TaskMetrics};
use crate::runtime::Runtime;
use crate::tree::usage::statistics::TaskStatistics;

/// The thresholds at which events of a runtime's tasks are reported through `tracing`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Watch {
    /// A poll that takes at least this long is reported when it is over: 100 ms by default.
    pub long_poll: Duration,
    /// A task that takes at least this long to end after its cancellation was requested is reported when it
    /// has ended: 10 s by default.
    pub slow_cancel: Duration,
}

impl Default for Watch {
    fn default() -> Self {
        Self { long_poll: Duration::from_millis(100), slow_cancel: Duration::from_secs(10) }
    }
}

impl Watch {
    /// Sets `long_poll`.
    pub fn long_poll(self, limit: Duration) -> Self {
        Self { long_poll: limit, ..self }
    }

    /// Sets `slow_cancel`.
    pub fn slow_cancel(self, limit: Duration) -> Self {
        Self { slow_cancel: limit, ..self }
    }
}

/// The totals of one runtime.
///
/// Relaxed throughout: each number stands for itself.
pub(crate) struct Totals {
    /// The usage of tasks that have ended, and had no task with metrics above them.
    used: Counters,
    /// The times from spawn to end.
    durations: Histogram,
    /// The times from wake to poll.
    delays: Histogram,
    /// The number of blocking jobs that are on a thread.
    running_jobs: AtomicUsize,
    long_poll: AtomicU64,
    slow_cancel: AtomicU64,
}

impl Default for Totals {
    fn default() -> Self {
        let totals = Self {
            used: Counters::default(),
            durations: Histogram::default(),
            delays: Histogram::default(),
            running_jobs: AtomicUsize::new(0),
            long_poll: AtomicU64::new(0),
            slow_cancel: AtomicU64::new(0),
        };
        totals.set(Watch::default());
        totals
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl Totals {
    pub(crate) fn set(&self, watch: Watch) {
        self.long_poll.store(nanos(watch.long_poll), Ordering::Relaxed);
        self.slow_cancel.store(nanos(watch.slow_cancel), Ordering::Relaxed);
    }

    pub(crate) fn long_poll(&self) -> Duration {
        Duration::from_nanos(self.long_poll.load(Ordering::Relaxed))
    }

    pub(crate) fn slow_cancel(&self) -> Duration {
        Duration::from_nanos(self.slow_cancel.load(Ordering::Relaxed))
    }

    pub(crate) fn take_over(&self, sums: &Sums) {
        self.used.add(sums);
    }

    pub(crate) fn lasted(&self, duration: Duration) {
        self.durations.record(duration);
    }

    pub(crate) fn delayed(&self, duration: Duration) {
        self.delays.record(duration);
    }

    pub(crate) fn job_started(&self) {
        self.running_jobs.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn job_stopped(&self) {
        self.running_jobs.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The counts of the blocking jobs of a runtime.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlockingStatistics {
    /// Jobs that wait for a thread.
    pub queued: usize,
    /// Jobs that have one, including those that are no longer waited for.
    pub running: usize,
    /// Jobs that have ended, or were given up before they began.
    pub ended: usize,
}

/// The figures of a runtime: see [`RuntimeExt::metrics`](crate::RuntimeExt::metrics).
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RuntimeMetrics {
    /// All tasks, with metrics or without. The numbers always add up.
    pub tasks: TaskStatistics,
    /// All blocking jobs.
    pub blocking: BlockingStatistics,
    /// Tasks that wait to be polled, if the executor reports that; see [`Runtime::queue_depth`].
    pub queue_depth: Option<usize>,
    /// The number of threads that poll tasks.
    pub workers: usize,
    /// The usage of tasks with metrics that have ended, and had no task with metrics above them; it includes
    /// that of the tasks below them. It only grows.
    pub used: TaskMetrics,
    /// The times from spawn to end, of tasks that had metrics from their spawn on.
    pub durations: Latencies,
    /// The times from wake to poll, of tasks with metrics.
    pub delays: Latencies,
}

/// See [`RuntimeExt::metrics`](crate::RuntimeExt::metrics).
pub(crate) fn metrics<R: Runtime>(runtime: &R) -> RuntimeMetrics {
    let root = runtime.root();
    let totals = root.totals();
    // Running jobs first: a job that starts in between is then not counted twice.
    let running = totals.running_jobs.load(Ordering::Relaxed);
    let (begun, ended) = root.jobs();
    RuntimeMetrics {
        tasks: root.statistics(),
        blocking: BlockingStatistics {
            queued: begun.saturating_sub(ended).saturating_sub(running),
            running,
            ended,
        },
        queue_depth: runtime.queue_depth(),
        workers: runtime.worker_count(),
        used: totals.used.read().to_metrics(None),
        durations: totals.durations.read(),
        delays: totals.delays.read(),
    }
}
