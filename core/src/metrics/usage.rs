//! What was measured, as it is told.

use std::time::Duration;

/// The processor time of a task, its blocking work and its children.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CpuUsage {
    /// In the program's own code.
    pub user: Duration,
    /// In the operating system, for the program. Systems that take samples to tell the two apart give it by the sample; the
    /// sum of both is exact.
    pub system: Duration,
    /// How long metrics were on, by the real clock; `None` of several tasks together, as in
    /// [`RuntimeMetrics::used`](crate::tree::totals::RuntimeMetrics::used).
    pub wall: Option<Duration>,
}

impl CpuUsage {
    /// Of both kinds.
    pub fn total(&self) -> Duration {
        self.user.saturating_add(self.system)
    }

    /// The part of the time that a processor was busy with it: more than 1 where several were. `None` before any time has
    /// passed, and where the time is not known.
    pub fn utilization(&self) -> Option<f64> {
        let wall = self.wall.filter(|wall| !wall.is_zero())?;
        Some(self.total().as_secs_f64() / wall.as_secs_f64())
    }
}

/// What the threads of a task have allocated while they worked for it.
///
/// Memory has no owner: what the task frees may have been allocated by another, and what it allocates may be freed
/// elsewhere, by the receiver of a message or the one who takes its value. So `allocated` and `freed` are exact, and their
/// difference is what the task holds only where it gives nothing away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryUsage {
    /// Bytes.
    pub allocated: u64,
    /// Bytes, of its own and of others.
    pub freed: u64,
    /// How many allocations; `None` where the allocator does not count them.
    pub allocations: Option<u64>,
    /// How long metrics were on, by the real clock; `None` of several tasks together, as in
    /// [`RuntimeMetrics::used`](crate::tree::totals::RuntimeMetrics::used).
    pub wall: Option<Duration>,
}

impl MemoryUsage {
    /// Bytes allocated per second; `None` before any time has passed, and where the time is not known.
    pub fn allocated_per_second(&self) -> Option<f64> {
        let wall = self.wall.filter(|wall| !wall.is_zero())?;
        Some(self.allocated as f64 / wall.as_secs_f64())
    }
}

/// What went through [`metered`](crate::metrics::metered) readers and writers, and through a pipeline's files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct IoUsage {
    /// In.
    pub read: IoCount,
    /// Out.
    pub written: IoCount,
}

/// One way of input and output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct IoCount {
    /// Bytes.
    pub bytes: u64,
    /// Reads or writes that were answered: also those that found the end, or an error.
    pub operations: u64,
    /// From the begin of each to its answer, in all.
    pub latency: Duration,
}

impl IoCount {
    /// How long one took, on average; `None` where there was none.
    pub fn mean_latency(&self) -> Option<Duration> {
        mean(self.latency, self.operations)
    }
}

/// How the polls of a task went: of itself, not of its children.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PollUsage {
    /// How many there were.
    pub count: u64,
    /// How long they took, in all.
    pub time: Duration,
    /// How long the longest took.
    pub longest: Duration,
    /// How many of them are known to follow a wake, or the spawn.
    pub wakes: u64,
    /// From those wakes to those polls, in all: how long it was ready to run, and nobody ran it.
    pub delay: Duration,
    /// The longest of these.
    pub longest_delay: Duration,
    /// From the end of a poll to the wake, in all: how long it had nothing to do.
    pub idle: Duration,
}

impl PollUsage {
    /// How long a poll took, on average; `None` where there was none.
    pub fn mean(&self) -> Option<Duration> {
        mean(self.time, self.count)
    }

    /// How long it waited to be polled, on average; `None` where that is not known of any poll.
    pub fn mean_delay(&self) -> Option<Duration> {
        mean(self.delay, self.wakes)
    }
}

fn mean(sum: Duration, count: u64) -> Option<Duration> {
    let mean = sum.as_nanos().checked_div(u128::from(count))?;
    Some(Duration::from_nanos(u64::try_from(mean).unwrap_or(u64::MAX)))
}

/// All that is known of what a task uses, or several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TaskMetrics {
    /// Processor time; `None` where the system has no clock for threads.
    pub cpu: Option<CpuUsage>,
    /// Memory; `None` where no allocator counts.
    pub memory: Option<MemoryUsage>,
    /// Input and output; `None` until something metered was used.
    pub io: Option<IoUsage>,
    /// Polls; `None` of several tasks together.
    pub polls: Option<PollUsage>,
}
