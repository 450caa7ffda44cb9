//! The capability of a task to say what it uses.

use crate::metrics::{CpuUsage, IoUsage, MemoryUsage, PollUsage};
use crate::task::capabilities::Handle;
use crate::tree::metering::{disable, enable, measured};

/// A task that can say what it uses: itself, its blocking work, and its children, those that have ended and those that live;
/// see [`metrics`](crate::metrics) for what is measured, and how.
///
/// Everything is `None` for a task that was never told `.metrics(true)` nor [`enable_metrics`](Self::enable_metrics), and
/// wherever it cannot be known.
pub trait MetricsEnabledTask {
    /// Switches metrics on, from the task's next poll on, and from the next blocking work that it starts.
    fn enable_metrics(&self);

    /// Switches them off, likewise. What was measured until then stays.
    fn disable_metrics(&self);

    /// True while they are on.
    fn is_metrics_enabled(&self) -> bool;

    /// The processor time.
    fn cpu_usage(&self) -> Option<CpuUsage>;

    /// What was allocated; `None` where no allocator counts: see [`count_allocations`](crate::metrics::count_allocations).
    fn memory_usage(&self) -> Option<MemoryUsage>;

    /// What was read and written; `None` until something [`metered`](crate::metrics::metered()) was used.
    fn io_usage(&self) -> Option<IoUsage>;

    /// How its polls went: its own, and not those of its children.
    fn poll_usage(&self) -> Option<PollUsage>;
}

impl<H: Handle> MetricsEnabledTask for H {
    fn enable_metrics(&self) {
        if let Some(task) = self.task_ref().filter(|task| !task.control.status().is_terminal()) {
            enable(&task, false);
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
