//! The capability of a task to report its usage.

use crate::metrics::{CpuUsage, IoUsage, MemoryUsage, MetricsMode, PollUsage};
use crate::task::capabilities::Handle;
use crate::tree::usage::metering::{disable, enable, measured};

/// A task that reports its usage: its own, that of its blocking work, and that of those of its children that
/// have metrics, ended or live. See [`metrics`](crate::metrics) for the figures, and for their measurement.
///
/// A figure is `None` for a task that never had metrics, by `.metrics(true)`, by
/// [`enable_metrics`](Self::enable_metrics) or by a watched runtime, and wherever it cannot be known.
pub trait MetricsEnabledTask {
    /// Switches metrics on, from the task's next poll on, and from the next blocking work that it starts.
    /// Processor time is [sampled](MetricsMode::Sampled), unless it was measured exactly before.
    fn enable_metrics(&self);

    /// Switches metrics off, likewise. The figures so far stay.
    fn disable_metrics(&self);

    /// True while metrics are on.
    fn is_metrics_enabled(&self) -> bool;

    /// The processor time; an estimate, unless the task's [mode](MetricsMode) is exact.
    fn cpu_usage(&self) -> Option<CpuUsage>;

    /// The allocations; `None` if no allocator counts them: see
    /// [`count_allocations`](crate::metrics::count_allocations).
    fn memory_usage(&self) -> Option<MemoryUsage>;

    /// The input and the output; `None` until something [`metered`](crate::metrics::metered()) was used.
    fn io_usage(&self) -> Option<IoUsage>;

    /// The figures of its own polls, without those of its children.
    fn poll_usage(&self) -> Option<PollUsage>;
}

impl<H: Handle> MetricsEnabledTask for H {
    fn enable_metrics(&self) {
        if let Some(task) = self.task_ref().filter(|task| !task.control.status().is_terminal()) {
            enable(&task, false, MetricsMode::Sampled);
        }
    }

    fn disable_metrics(&self) {
        if let Some(task) = self.task_ref() {
            disable(&task);
        }
    }

    fn is_metrics_enabled(&self) -> bool {
        self.task_ref().is_some_and(|task| task.control.is_metered())
    }

    fn cpu_usage(&self) -> Option<CpuUsage> {
        measured(&self.task_ref()?)?.cpu
    }

    fn memory_usage(&self) -> Option<MemoryUsage> {
        measured(&self.task_ref()?)?.memory
    }

    fn io_usage(&self) -> Option<IoUsage> {
        measured(&self.task_ref()?)?.io
    }

    fn poll_usage(&self) -> Option<PollUsage> {
        self.task_ref()?.control.metered().map(|metered| metered.meter.polls())
    }
}
