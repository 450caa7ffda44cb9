//! Reports for other programs, through serde: the feature `serde`. A duration is a number of seconds, an id and a
//! source location are texts, and a status is its name in small letters.

use std::fmt::Display;
use std::time::Duration;

use serde::ser::{Serialize, Serializer};

use crate::breaker::{BreakerState, BreakerStatistics};
use crate::error::AsyncTaskError;
use crate::metrics::{CpuUsage, IoCount, IoUsage, Latencies, MemoryUsage, PollUsage, TaskMetrics};
use crate::task::group::runs::Repeated;
use crate::tree::root::snapshot::{RuntimeSnapshot, TaskSnapshot};
use crate::tree::usage::statistics::TaskStatistics;
use crate::tree::usage::totals::{BlockingStatistics, RuntimeMetrics};
use crate::vocabulary::id::TaskId;
use crate::vocabulary::info::TaskInfo;
use crate::vocabulary::priority::TaskPriority;
use crate::vocabulary::status::TaskStatus;

fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}

/// The text that `Display` writes.
struct Text<T>(T);

impl<T: Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// Implements `Serialize` for types with a text: it is that text.
macro_rules! as_text {
    ($($type:ty),+) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )+};
}

/// Implements serde's `Serialize` for reports: the name of each, and the values of its fields. For the crates of
/// this project.
#[doc(hidden)]
#[macro_export]
macro_rules! report_fields {
    ($($type:ident($report:ident) { $($field:ident: $value:expr),+ $(,)? })+) => {$(
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeStruct as _;

                const FIELDS: &[&str] = &[$(stringify!($field)),+];
                let $report = self;
                let mut fields = serializer.serialize_struct(stringify!($type), FIELDS.len())?;
                $(fields.serialize_field(stringify!($field), &$value)?;)+
                fields.end()
            }
        }
    )+};
}

as_text!(TaskId, TaskStatus, TaskPriority, BreakerState);

report_fields! {
    CpuUsage(cpu) { user: seconds(cpu.user), system: seconds(cpu.system), wall: cpu.wall.map(seconds) }
    MemoryUsage(memory) {
        allocated: memory.allocated,
        freed: memory.freed,
        allocations: memory.allocations,
        wall: memory.wall.map(seconds),
    }
    IoUsage(io) { read: io.read, written: io.written }
    IoCount(io) { bytes: io.bytes, operations: io.operations, latency: seconds(io.latency) }
    PollUsage(polls) {
        count: polls.count,
        time: seconds(polls.time),
        longest: seconds(polls.longest),
        wakes: polls.wakes,
        delay: seconds(polls.delay),
        longest_delay: seconds(polls.longest_delay),
        idle: seconds(polls.idle),
    }
    TaskMetrics(metrics) { cpu: metrics.cpu, memory: metrics.memory, io: metrics.io, polls: metrics.polls }
    Latencies(latencies) {
        count: latencies.count(),
        sum: seconds(latencies.sum()),
        buckets: latencies.buckets().map(|(most, count)| (seconds(most), count)).collect::<Vec<_>>(),
    }
    TaskStatistics(tasks) {
        spawned: tasks.spawned,
        completed: tasks.completed,
        failed: tasks.failed,
        cancelled: tasks.cancelled,
        live: tasks.live,
    }
    BlockingStatistics(jobs) { queued: jobs.queued, running: jobs.running, ended: jobs.ended }
    RuntimeMetrics(metrics) {
        tasks: metrics.tasks,
        blocking: metrics.blocking,
        queue_depth: metrics.queue_depth,
        workers: metrics.workers,
        used: metrics.used,
        durations: metrics.durations,
        delays: metrics.delays,
    }
    BreakerStatistics(breaker) {
        state: breaker.state,
        calls: breaker.calls,
        failures: breaker.failures,
        slow_calls: breaker.slow_calls,
        consecutive_failures: breaker.consecutive_failures,
    }
    Repeated(repeated) {
        runs: repeated.runs,
        failures: repeated.failures,
        missed: repeated.missed,
        last_failure: repeated.last_failure.as_ref().map(AsyncTaskError::reason),
    }
    TaskInfo(task) {
        id: task.id,
        name: task.name.as_deref(),
        status: task.status,
        location: Text(task.location),
    }
    TaskSnapshot(task) {
        info: task.info,
        parent: task.parent,
        depth: task.depth,
        age: task.age.map(seconds),
        polling: task.polling.map(seconds),
        asked: task.asked.map(|(level, cause)| (Text(level), Text(cause))),
        reason: task.reason.as_deref(),
        stopping: task.stopping.map(seconds),
        metrics: task.metrics,
    }
    RuntimeSnapshot(snapshot) {
        runtime: snapshot.runtime,
        statistics: snapshot.statistics,
        tasks: snapshot.tasks,
        unnamed: snapshot.unnamed(),
    }
}
