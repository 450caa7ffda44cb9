//! An export of the metrics of a runtime and its tasks through OpenTelemetry. The instruments query the
//! runtime when they are read.
//!
//! ```text
//! cargo run --release --example export_opentelemetry --features opentelemetry
//! ```
//!
//! The exporter prints. One for a collector replaces it in `run`.

use std::process::ExitCode;

use examples::{exit, observed};
use opentelemetry::KeyValue;
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_stdout::MetricExporter;
use sweet_async::prelude::*;
use sweet_async::{Ambient, RuntimeSource as _};

/// Registers the instruments. Each queries `runtime` when it is read, and costs nothing in between.
fn instruments<R: Runtime>(provider: &SdkMeterProvider, runtime: &R) {
    let meter = provider.meter("sweet_async");
    let handle = runtime.clone();
    meter
        .u64_observable_counter("sweet_async.task.spawned")
        .with_description("Tasks spawned")
        .with_callback(move |spawned| spawned.observe(handle.metrics().tasks.spawned as u64, &[]))
        .build();
    let handle = runtime.clone();
    meter
        .u64_observable_counter("sweet_async.task.ended")
        .with_description("Tasks that have ended, by their outcome")
        .with_callback(move |ended| {
            let tasks = handle.metrics().tasks;
            for (outcome, count) in
                [("completed", tasks.completed), ("failed", tasks.failed), ("cancelled", tasks.cancelled)]
            {
                ended.observe(count as u64, &[KeyValue::new("task.outcome", outcome)]);
            }
        })
        .build();
    let handle = runtime.clone();
    meter
        .f64_observable_counter("sweet_async.task.cpu.time")
        .with_unit("s")
        .with_description("Processor time of tasks with metrics")
        .with_callback(move |time| {
            if let Some(cpu) = handle.metrics().used.cpu {
                time.observe(cpu.user.as_secs_f64(), &[KeyValue::new("cpu.mode", "user")]);
                time.observe(cpu.system.as_secs_f64(), &[KeyValue::new("cpu.mode", "system")]);
            }
        })
        .build();
    let handle = runtime.clone();
    meter
        .u64_observable_counter("sweet_async.task.io")
        .with_unit("By")
        .with_description("Input and output of tasks with metrics")
        .with_callback(move |bytes| {
            if let Some(io) = handle.metrics().used.io {
                bytes.observe(io.read.bytes, &[KeyValue::new("io.direction", "read")]);
                bytes.observe(io.written.bytes, &[KeyValue::new("io.direction", "write")]);
            }
        })
        .build();
}

fn run() -> anyhow::Result<()> {
    let reader = PeriodicReader::builder(MetricExporter::default()).build();
    let provider = SdkMeterProvider::builder().with_reader(reader).build();
    let exported = provider.clone();
    let done = sweet_async::block_on(async move {
        let runtime = Ambient.resolve()?;
        instruments(&exported, &runtime);
        let folder = tempfile::tempdir()?;
        observed::start(folder.path()).await?;
        anyhow::Ok(exported.force_flush()?)
    });
    provider.shutdown()?;
    done?
}

fn main() -> ExitCode {
    exit(run())
}
