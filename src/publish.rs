//! A publisher of the figures of a runtime and its tasks, for the recorder of the `metrics` crate that the
//! program has installed.

use std::collections::HashMap;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::select;
use metrics::{SharedString, Unit, counter, gauge, histogram};
use sweet_async_core::RuntimeExt as _;
use sweet_async_core::metrics::{IoCount, Latencies};
use sweet_async_core::runtime::RuntimeMetrics;
use sweet_async_core::{AsyncTaskError, Runtime};

/// Publishes the figures of a runtime and its tasks to the recorder of the `metrics` crate: those that
/// [`RuntimeExt::metrics`](crate::RuntimeExt::metrics) returns.
///
/// Counts of tasks and of blocking work cover all of them. Usage and the histograms cover tasks with metrics:
/// those with `.metrics(true)`, or all while the runtime is [watched](sweet_async_core::RootScope::watch).
/// Values of a histogram are recorded in steps of a quarter of a power of two.
///
/// Names and units follow OpenTelemetry: dots between the parts of a name, seconds and bytes. All have the
/// label `runtime`.
///
/// | name | kind | further labels |
/// |---|---|---|
/// | `sweet_async.task.spawned` | counter | |
/// | `sweet_async.task.ended` | counter | `task.outcome`: `completed`, `failed`, `cancelled` |
/// | `sweet_async.task.live` | gauge | |
/// | `sweet_async.task.duration` | histogram, seconds from spawn to end | |
/// | `sweet_async.task.schedule.delay` | histogram, seconds from wake to poll | |
/// | `sweet_async.task.cpu.time` | gauge, seconds; only grows | `cpu.mode`: `user`, `system` |
/// | `sweet_async.task.memory.allocated`, `.freed` | counter, bytes | |
/// | `sweet_async.task.memory.allocations` | counter | |
/// | `sweet_async.task.io` | counter, bytes | `io.direction`: `read`, `write` |
/// | `sweet_async.task.io.operations` | counter | `io.direction` |
/// | `sweet_async.task.io.time` | gauge, seconds; only grows | `io.direction` |
/// | `sweet_async.blocking.jobs` | gauge | `job.state`: `queued`, `running` |
/// | `sweet_async.blocking.ended` | counter | |
/// | `sweet_async.runtime.workers` | gauge | |
/// | `sweet_async.runtime.queue.depth` | gauge, where the executor reports it | |
///
/// One more is not published from here, but counted when it happens, and has no label `runtime`:
/// `sweet_async.queue.connections.lost`, a counter of the connections to queues' engines that calls have lost, with the
/// label `queue.call`.
#[derive(Debug)]
pub struct Publisher<R> {
    runtime: R,
    name: SharedString,
    durations: PublishedCounts,
    delays: PublishedCounts,
}

/// The counts for each size of a histogram that were published before.
type PublishedCounts = HashMap<Duration, u64>;

impl<R: Runtime> Publisher<R> {
    /// Publishes the figures of `runtime`, under the name of its backend.
    pub fn new(runtime: &R) -> Self {
        Self::named(runtime, runtime.name())
    }

    /// As [`new`](Self::new), under a name of its own: for programs with several runtimes of one kind.
    pub fn named(runtime: &R, name: impl Into<SharedString>) -> Self {
        describe();
        Self {
            runtime: runtime.clone(),
            name: name.into(),
            durations: PublishedCounts::new(),
            delays: PublishedCounts::new(),
        }
    }

    /// Publishes the current figures. To be called from time to time, or on the request of a scraper.
    pub fn publish(&mut self) {
        let now = self.runtime.metrics();
        self.counts(&now);
        self.used(&now);
        let runtime = || self.name.clone();
        let durations = histogram!("sweet_async.task.duration", "runtime" => runtime());
        record(&durations, &now.durations, &mut self.durations);
        let delays = histogram!("sweet_async.task.schedule.delay", "runtime" => runtime());
        record(&delays, &now.delays, &mut self.delays);
    }

    /// Publishes the current figures once every `period`, until the runtime is being shut down, and then a
    /// last time.
    ///
    /// # Errors
    ///
    /// [`AsyncTaskError::Shutdown`] if the runtime has ended, and its timers with it.
    ///
    /// # Cancel safety
    ///
    /// It can be dropped at any time; figures that were published stay published.
    pub async fn publish_every(mut self, period: Duration) -> Result<(), AsyncTaskError> {
        let runtime = self.runtime.clone();
        while !runtime.root().is_closing() {
            self.publish();
            let closing = async {
                runtime.root().closing().await;
                Ok(())
            };
            select(pin!(closing), pin!(runtime.sleep(period))).await.factor_first().0?;
        }
        self.publish();
        Ok(())
    }

    fn counts(&self, now: &RuntimeMetrics) {
        let runtime = || self.name.clone();
        counter!("sweet_async.task.spawned", "runtime" => runtime()).absolute(now.tasks.spawned as u64);
        for (outcome, count) in [
            ("completed", now.tasks.completed),
            ("failed", now.tasks.failed),
            ("cancelled", now.tasks.cancelled),
        ] {
            counter!("sweet_async.task.ended", "runtime" => runtime(), "task.outcome" => outcome)
                .absolute(count as u64);
        }
        gauge!("sweet_async.task.live", "runtime" => runtime()).set(now.tasks.live as f64);
        for (state, count) in [("queued", now.blocking.queued), ("running", now.blocking.running)] {
            gauge!("sweet_async.blocking.jobs", "runtime" => runtime(), "job.state" => state)
                .set(count as f64);
        }
        counter!("sweet_async.blocking.ended", "runtime" => runtime()).absolute(now.blocking.ended as u64);
        gauge!("sweet_async.runtime.workers", "runtime" => runtime()).set(now.workers as f64);
        if let Some(depth) = now.queue_depth {
            gauge!("sweet_async.runtime.queue.depth", "runtime" => runtime()).set(depth as f64);
        }
    }

    fn used(&self, now: &RuntimeMetrics) {
        let runtime = || self.name.clone();
        if let Some(cpu) = now.used.cpu {
            for (mode, time) in [("user", cpu.user), ("system", cpu.system)] {
                gauge!("sweet_async.task.cpu.time", "runtime" => runtime(), "cpu.mode" => mode)
                    .set(time.as_secs_f64());
            }
        }
        if let Some(memory) = now.used.memory {
            counter!("sweet_async.task.memory.allocated", "runtime" => runtime()).absolute(memory.allocated);
            counter!("sweet_async.task.memory.freed", "runtime" => runtime()).absolute(memory.freed);
            if let Some(count) = memory.allocations {
                counter!("sweet_async.task.memory.allocations", "runtime" => runtime()).absolute(count);
            }
        }
        if let Some(io) = now.used.io {
            let directions = [("read", io.read), ("write", io.written)];
            for (direction, IoCount { bytes, operations, latency, .. }) in directions {
                counter!("sweet_async.task.io", "runtime" => runtime(), "io.direction" => direction)
                    .absolute(bytes);
                counter!("sweet_async.task.io.operations", "runtime" => runtime(), "io.direction" => direction)
                    .absolute(operations);
                gauge!("sweet_async.task.io.time", "runtime" => runtime(), "io.direction" => direction)
                    .set(latency.as_secs_f64());
            }
        }
    }
}

/// Records the values that have come since the last time.
fn record(into: &metrics::Histogram, now: &Latencies, published: &mut PublishedCounts) {
    for (most, count) in now.buckets() {
        let before = published.insert(most, count).unwrap_or(0);
        let new = usize::try_from(count.saturating_sub(before)).unwrap_or(usize::MAX);
        if new > 0 {
            into.record_many(most.as_secs_f64(), new);
        }
    }
}

fn describe() {
    use metrics::{describe_counter, describe_gauge, describe_histogram};

    describe_counter!("sweet_async.task.spawned", Unit::Count, "Tasks spawned");
    describe_counter!("sweet_async.task.ended", Unit::Count, "Tasks that have ended, by their outcome");
    describe_gauge!("sweet_async.task.live", Unit::Count, "Tasks that have not ended");
    describe_histogram!("sweet_async.task.duration", Unit::Seconds, "From the spawn of a task to its end");
    describe_histogram!("sweet_async.task.schedule.delay", Unit::Seconds, "From a wake to the poll");
    describe_gauge!("sweet_async.task.cpu.time", Unit::Seconds, "Processor time of tasks");
    describe_counter!("sweet_async.task.memory.allocated", Unit::Bytes, "Memory that tasks have allocated");
    describe_counter!("sweet_async.task.memory.freed", Unit::Bytes, "Memory that tasks have freed");
    describe_counter!("sweet_async.task.memory.allocations", Unit::Count, "Allocations of tasks");
    describe_counter!("sweet_async.task.io", Unit::Bytes, "Input and output of tasks");
    describe_counter!("sweet_async.task.io.operations", Unit::Count, "Reads and writes of tasks");
    describe_gauge!("sweet_async.task.io.time", Unit::Seconds, "Time that reads and writes of tasks took");
    describe_gauge!("sweet_async.blocking.jobs", Unit::Count, "Blocking jobs, by their state");
    describe_counter!("sweet_async.blocking.ended", Unit::Count, "Blocking jobs that have ended");
    describe_gauge!("sweet_async.runtime.workers", Unit::Count, "Threads that poll tasks");
    describe_gauge!("sweet_async.runtime.queue.depth", Unit::Count, "Tasks that wait for a thread");
}
