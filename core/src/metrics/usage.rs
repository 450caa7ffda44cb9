//! The figures of usage, as the library reports them.

use std::time::Duration;

/// The processor time of a task, its blocking work and its children. The time of polls is an estimate unless
/// [`MetricsMode::Exact`](crate::metrics::MetricsMode::Exact) was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CpuUsage {
    /// Time in the program's own code.
    pub user: Duration,
    /// Time in the operating system, for the program. Systems that take samples to tell the two apart give
    /// the split by samples, which the sum of both does not depend on.
    pub system: Duration,
    /// The time for which metrics were on, by the real clock; `None` for several tasks together, as in
    /// [`RuntimeMetrics::used`](crate::runtime::RuntimeMetrics::used).
    pub wall: Option<Duration>,
}

impl CpuUsage {
    /// The sum of both kinds.
    pub fn total(&self) -> Duration {
        self.user.saturating_add(self.system)
    }

    /// The part of the time that processors were busy with it: more than 1 if several were. `None` before any
    /// time has passed, and where the time is not known.
    pub fn utilization(&self) -> Option<f64> {
        let wall = self.wall.filter(|wall| !wall.is_zero())?;
        Some(self.total().as_secs_f64() / wall.as_secs_f64())
    }
}

/// The allocations of a task's threads while they worked for it.
///
/// Memory has no owner: memory that the task frees may have been allocated by another, and memory that it
/// allocates may be freed elsewhere, by the receiver of a message or of its value. So `allocated` and `freed`
/// are exact, and their difference is what the task holds only if it passes nothing on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryUsage {
    /// Bytes allocated.
    pub allocated: u64,
    /// Bytes freed, including those that others had allocated.
    pub freed: u64,
    /// The number of allocations; `None` if the allocator does not count them.
    pub allocations: Option<u64>,
    /// The time for which metrics were on, by the real clock; `None` for several tasks together, as in
    /// [`RuntimeMetrics::used`](crate::runtime::RuntimeMetrics::used).
    pub wall: Option<Duration>,
}

impl MemoryUsage {
    /// Bytes allocated per second; `None` before any time has passed, and where the time is not known.
    pub fn allocated_per_second(&self) -> Option<f64> {
        let wall = self.wall.filter(|wall| !wall.is_zero())?;
        Some(self.allocated as f64 / wall.as_secs_f64())
    }
}

/// The input and output through [`metered`](crate::metrics::metered) readers and writers, and through the
/// files that a pipeline reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct IoUsage {
    /// Input.
    pub read: IoCount,
    /// Output.
    pub written: IoCount,
}

/// One direction of input and output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct IoCount {
    /// The number of bytes.
    pub bytes: u64,
    /// Reads or writes that returned a result, including those that found the end, or an error.
    pub operations: u64,
    /// The time from the beginning of each to its result, in all.
    pub latency: Duration,
}

impl IoCount {
    /// The mean time of one operation; `None` if there was none.
    pub fn mean_latency(&self) -> Option<Duration> {
        mean(self.latency, self.operations)
    }
}

/// The polls of a task itself, without those of its children.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PollUsage {
    /// The number of polls.
    pub count: u64,
    /// The time that they took, in all.
    pub time: Duration,
    /// The time that the longest took.
    pub longest: Duration,
    /// The number of polls that are known to follow a wake, or the spawn.
    pub wakes: u64,
    /// The time from those wakes to those polls, in all: the task was ready to run, and was not run.
    pub delay: Duration,
    /// The longest of these times.
    pub longest_delay: Duration,
    /// The time from the end of a poll to the wake, in all: the task had nothing to do.
    pub idle: Duration,
}

impl PollUsage {
    /// The mean time of a poll; `None` if there was none.
    pub fn mean(&self) -> Option<Duration> {
        mean(self.time, self.count)
    }

    /// The mean wait for a poll; `None` if that is not known of any poll.
    pub fn mean_delay(&self) -> Option<Duration> {
        mean(self.delay, self.wakes)
    }
}

fn mean(sum: Duration, count: u64) -> Option<Duration> {
    let mean = sum.as_nanos().checked_div(u128::from(count))?;
    Some(Duration::from_nanos(u64::try_from(mean).unwrap_or(u64::MAX)))
}

/// All figures of the usage of one task, or of several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TaskMetrics {
    /// Processor time; `None` where the system has no clock for threads.
    pub cpu: Option<CpuUsage>,
    /// Memory; `None` if no allocator counts.
    pub memory: Option<MemoryUsage>,
    /// Input and output; `None` until something metered was used.
    pub io: Option<IoUsage>,
    /// Polls; `None` for several tasks together.
    pub polls: Option<PollUsage>,
}
