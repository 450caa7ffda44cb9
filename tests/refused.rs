//! Tasks for which no runtime was found: they have failed, and otherwise have the settings of their builders.
#![cfg(all(feature = "pipeline", feature = "tokio"))]

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sweet_async::prelude::*;
use sweet_async::{RestartPolicy, TaskId};

type TestResult = Result<(), Box<dyn std::error::Error>>;

/// Outside of every runtime, with Tokio compiled in: no executor is started without a request.
#[test]
fn a_task_without_a_runtime_has_its_name_priority_and_limit() -> TestResult {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let task = AsyncTask::to::<u32>()
        .name("lonely")
        .priority(TaskPriority::High)
        .timeout(5.seconds())
        .tracing(true)
        .spawn(|| async { CALLS.fetch_add(1, Ordering::SeqCst) });
    assert_eq!(NamedTask::name(&task).as_deref(), Some("lonely"));
    assert_eq!(task.priority(), TaskPriority::High);
    assert_eq!(TimedTask::timeout(&task), Some(Duration::from_secs(5)));
    assert!(TracingTask::is_tracing_enabled(&task));
    task.add_trace_field("tenant", &7);
    assert_eq!(task.trace_fields().len(), 1);
    assert_eq!(StatusEnabledTask::status(&task), TaskStatus::Failed);
    assert!(task.is_finished());
    assert_ne!(task.id(), TaskId::from_u64(0));
    task.set_name("renamed");
    assert_eq!(NamedTask::name(&task).as_deref(), Some("renamed"));
    // A request comes too late, and changes nothing.
    futures_lite::future::block_on(task.cancel(CancelLevel::Kill));
    assert_eq!(StatusEnabledTask::status(&task), TaskStatus::Failed);
    let ended = futures_lite::future::block_on(task);
    assert!(matches!(ended, Err(AsyncTaskError::NoRuntime | AsyncTaskError::AmbiguousRuntime)), "{ended:?}");
    assert_eq!(CALLS.load(Ordering::SeqCst), 0);
    Ok(())
}

/// The same with retries, supervised, and of a pipeline.
#[test]
fn builders_of_every_kind_keep_their_settings() {
    let retried = AsyncTask::to::<u32>().name("retried").retry(3).spawn(|| async { 1 });
    assert_eq!(NamedTask::name(&retried).as_deref(), Some("retried"));
    let supervised = AsyncTask::to::<u32>()
        .name("supervised")
        .supervise(RestartPolicy { intensity: 1, period: Duration::from_secs(1) })
        .spawn(|| async { 1 });
    assert_eq!(NamedTask::name(&supervised).as_deref(), Some("supervised"));
    let pipeline = AsyncTask::emits::<u32>()
        .name("pipeline")
        .sender(|sources| sources.of([1, 2, 3]).into_chunks(1.items()))
        .for_each(|_| {})
        .spawn();
    assert_eq!(NamedTask::name(&pipeline).as_deref(), Some("pipeline"));
}
