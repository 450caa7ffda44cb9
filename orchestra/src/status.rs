//! The status of a task of an orchestra, and counts of tasks by status.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The status of a task of an orchestra.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NodeStatus {
    /// Not begun: not started, or waiting for its dependencies or for a permit.
    Pending,
    /// Begun, and not ended.
    Running,
    /// Begun, with its cancellation requested, and not ended.
    PendingCancellation,
    /// Ended with a value.
    Completed,
    /// Ended with an error: its own, a timeout or a panic.
    Failed,
    /// Ended by a cancellation, or cancelled before it began.
    Cancelled,
    /// Not run: a dependency did not succeed.
    Skipped {
        /// The task that did not succeed.
        cause: Cause,
    },
}

impl NodeStatus {
    /// True once nothing of the task is left. The status then changes only if the task is given new work, by
    /// [`register_again`](crate::Orchestrator::register_again).
    pub fn is_terminal(&self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled | Self::Skipped { .. })
    }

    /// The status as text, as in pictures and reports.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::PendingCancellation => "pending cancellation",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Skipped { .. } => "skipped",
        }
    }
}

impl fmt::Display for NodeStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Skipped { cause } => write!(f, "skipped: {cause}"),
            other => f.write_str(other.as_str()),
        }
    }
}

/// The reason for skipping a task: the task that did not succeed in the first place, however many were
/// skipped in between.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cause {
    /// The task that did not succeed.
    pub task: Arc<str>,
    /// True if it was cancelled, false if it has failed.
    pub cancelled: bool,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.task, if self.cancelled { "was cancelled" } else { "has failed" })
    }
}

/// Counts of tasks by status, and the times of those that have run. Each task is counted once, so that the
/// counts add up to [`total`](Self::total) at any moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExecutionStats {
    /// Not begun.
    pub pending: usize,
    /// Begun, and not ended.
    pub running: usize,
    /// Ended with a value.
    pub completed: usize,
    /// Those of `completed` that were not run, since a durable run has kept their outputs.
    pub restored: usize,
    /// Ended with an error.
    pub failed: usize,
    /// Ended by a cancellation, or cancelled before they began.
    pub cancelled: usize,
    /// Not run: a dependency did not succeed.
    pub skipped: usize,
    /// The shortest time that a task took. This, `avg` and `max` are `None` where none has run to its end.
    pub min: Option<Duration>,
    /// The average time.
    pub avg: Option<Duration>,
    /// The longest time.
    pub max: Option<Duration>,
    timed: u32,
    sum: Duration,
}

impl ExecutionStats {
    /// The number of tasks.
    pub fn total(&self) -> usize {
        self.pending + self.running + self.completed + self.failed + self.cancelled + self.skipped
    }

    /// Counts one task. The average is left to [`add`](Self::add).
    pub(super) fn count(&mut self, status: &NodeStatus, took: Option<Duration>) {
        let counted = match status {
            NodeStatus::Pending => &mut self.pending,
            NodeStatus::Running | NodeStatus::PendingCancellation => &mut self.running,
            NodeStatus::Completed => &mut self.completed,
            NodeStatus::Failed => &mut self.failed,
            NodeStatus::Cancelled => &mut self.cancelled,
            NodeStatus::Skipped { .. } => &mut self.skipped,
        };
        *counted += 1;
        if let Some(took) = took.filter(|_| status.is_terminal()) {
            self.time(1, took, took, took);
        }
    }

    fn time(&mut self, timed: u32, sum: Duration, min: Duration, max: Duration) {
        self.timed = self.timed.saturating_add(timed);
        self.sum = self.sum.saturating_add(sum);
        self.min = Some(self.min.map_or(min, |least| least.min(min)));
        self.max = Some(self.max.map_or(max, |most| most.max(max)));
    }

    /// Adds the counts and times of `other`, and then takes the average of all.
    pub(super) fn add(&mut self, other: &Self) {
        self.pending += other.pending;
        self.running += other.running;
        self.completed += other.completed;
        self.restored += other.restored;
        self.failed += other.failed;
        self.cancelled += other.cancelled;
        self.skipped += other.skipped;
        if let (Some(min), Some(max)) = (other.min, other.max) {
            self.time(other.timed, other.sum, min, max);
        }
        self.avg = self.sum.checked_div(self.timed);
    }
}
