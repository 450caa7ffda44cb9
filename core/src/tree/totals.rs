//! What a runtime knows of the tasks with metrics that were on it, and what it is to tell of them.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use crate::metrics::{Counters, Histogram, Latencies, Sums, TaskMetrics};
use crate::runtime::Runtime;
use crate::tree::statistics::TaskStatistics;

/// What is watched of the tasks of a runtime, and from when on it is told through `tracing`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Watch {
    /// A poll that takes so long is told of when it is over: 100 ms by default.
    pub long_poll: Duration,
    /// A task that takes so long to end after it was asked to stop is told of when it has ended: 10 s by default.
    pub slow_cancel: Duration,
}

impl Default for Watch {
    fn default() -> Self {
        Self { long_poll: Duration::from_millis(100), slow_cancel: Duration::from_secs(10) }
    }
}

impl Watch {
    /// As it is, with this for `long_poll`.
    pub fn long_poll(self, limit: Duration) -> Self {
        Self { long_poll: limit, ..self }
    }

    /// As it is, with this for `slow_cancel`.
    pub fn slow_cancel(self, limit: Duration) -> Self {
        Self { slow_cancel: limit, ..self }
    }
}

/// The accounts of one runtime.
///
/// Relaxed throughout: each is a number of its own.
pub(crate) struct Accounts {
    /// Of tasks that have ended, and had nobody above them.
    used: Counters,
    /// From spawn to end, and from wake to poll. Made with the first task that has metrics.
    durations: OnceLock<Box<Histogram>>,
    delays: OnceLock<Box<Histogram>>,
    /// Blocking jobs that are on a thread.
    running_jobs: AtomicUsize,
    long_poll: AtomicU64,
    slow_cancel: AtomicU64,
}

impl Default for Accounts {
    fn default() -> Self {
        let accounts = Self {
            used: Counters::default(),
            durations: OnceLock::new(),
            delays: OnceLock::new(),
            running_jobs: AtomicUsize::new(0),
            long_poll: AtomicU64::new(0),
            slow_cancel: AtomicU64::new(0),
        };
        accounts.set(Watch::default());
        accounts
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl Accounts {
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
        self.durations.get_or_init(Box::default).record(duration);
    }

    pub(crate) fn delayed(&self, duration: Duration) {
        self.delays.get_or_init(Box::default).record(duration);
    }

    pub(crate) fn job_started(&self) {
        self.running_jobs.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn job_stopped(&self) {
        self.running_jobs.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The blocking work of a runtime.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlockingStatistics {
    /// Jobs that wait for a thread.
    pub queued: usize,
    /// Jobs that have one, also those that nobody waits for any more.
    pub running: usize,
    /// Jobs that have ended, or were given up before they began.
    pub ended: usize,
}

/// What a runtime does: see [`RuntimeExt::metrics`](crate::RuntimeExt::metrics).
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RuntimeMetrics {
    /// All tasks, with metrics or without. The numbers always add up.
    pub tasks: TaskStatistics,
    /// All blocking work.
    pub blocking: BlockingStatistics,
    /// Tasks that wait to be polled, as far as the executor tells; see [`Runtime::queue_depth`].
    pub queue_depth: Option<usize>,
    /// How many threads poll tasks.
    pub workers: usize,
    /// What tasks with metrics have used, with those below them: tasks that have ended, and had nobody above them. It only
    /// grows.
    pub used: TaskMetrics,
    /// From the spawn to the end, of tasks that had metrics from their birth.
    pub durations: Latencies,
    /// From the wake to the poll, of tasks with metrics.
    pub delays: Latencies,
}

/// See [`RuntimeExt::metrics`](crate::RuntimeExt::metrics).
pub(crate) fn metrics<R: Runtime>(runtime: &R) -> RuntimeMetrics {
    let root = runtime.root();
    let accounts = root.accounts();
    // First those that run: a job that starts in between is not counted twice.
    let running = accounts.running_jobs.load(Ordering::Relaxed);
    let (begun, ended) = root.jobs();
    let read = |histogram: &OnceLock<Box<Histogram>>| {
        histogram.get().map(|histogram| histogram.read()).unwrap_or_default()
    };
    RuntimeMetrics {
        tasks: root.statistics(),
        blocking: BlockingStatistics {
            queued: begun.saturating_sub(ended).saturating_sub(running),
            running,
            ended,
        },
        queue_depth: runtime.queue_depth(),
        workers: runtime.worker_count(),
        used: accounts.used.read().told(None),
        durations: read(&accounts.durations),
        delays: read(&accounts.delays),
    }
}
