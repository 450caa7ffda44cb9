//! Tracing, `.tracing(true)`: a task has a span in which its work runs, and its start and end are recorded.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::library::{NamedTask as _, RestartPolicy, RetryStrategy, TaskContext, TaskId, TracingTask as _};
use tracing::Instrument as _;

use crate::kit::explode;
use crate::kit::prelude::*;
use crate::kit::spans::{current_span, inside, span};
use crate::kit::tape::record;

pub async fn a_traced_task_has_a_span_with_its_id_and_parent<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let caller = span()?;
    let mut tape = record(&caller)?;
    let task = caller.in_scope(|| {
        AsyncTask::to::<TaskId>().on(&rt).name("outer").tracing(true).try_spawn(|| async move {
            let cx = TaskContext::current().context("a task")?;
            let child = AsyncTask::to::<()>().on(&cx.runtime()).name("inner").tracing(true);
            let child = child.spawn(|| async {});
            let id = child.id();
            child.await?;
            Ok(id)
        })
    });
    let outer_id = task.id();
    let inner_id = task.await?;
    let recording = tape.read();
    let (index, outer) = recording.task("outer")?;
    let (_, inner) = recording.task("inner")?;
    let field = |of: &crate::kit::tape::RecordedSpan, name: &str| of.fields.get(name).cloned();
    ensure!(field(outer, "task.id") == Some(outer_id.to_string()), "{outer:?}");
    ensure!(field(inner, "task.id") == Some(inner_id.to_string()), "{inner:?}");
    ensure!(field(outer, "task.parent").is_none(), "{outer:?}");
    ensure!(field(inner, "task.parent") == Some(outer_id.to_string()), "{inner:?}");
    ensure!((outer.parent, inner.parent) == (None, Some(index)), "spans nest as tasks do");
    ensure!(outer.closed && inner.closed, "a span ends with its task: {recording:?}");
    Ok(())
}

pub async fn start_end_and_status_are_recorded<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let caller = span()?;
    let mut tape = record(&caller)?;
    let builder = |name: &'static str| AsyncTask::to::<()>().on(&rt).name(name).tracing(true);
    let (started, inner) = (Latch::new(), rt.clone());
    let start = started.clone();
    let mut tasks = caller.in_scope(|| {
        [
            builder("completed").spawn(|| async {}),
            builder("failed").spawn(|| async { Err::<(), _>("no") }),
            builder("panicked").spawn(|| async { explode::<()>("no") }),
            builder("timed out").timeout(5.millis()).spawn(pending::<()>),
            builder("blocking").spawn_blocking(|| ()),
            builder("cancelled").spawn(|| async move {
                start.set();
                inner.sleep(1.hours()).await
            }),
        ]
    });
    started.wait().await;
    let [.., last] = &tasks;
    drop(last.cancel(CancelLevel::Kill));
    for task in &mut tasks {
        let _ = task.await;
    }
    let recording = tape.read();
    for (name, end) in [
        ("completed", "completed"),
        ("failed", "failed"),
        ("panicked", "failed"),
        ("timed out", "timed out"),
        ("blocking", "completed"),
        ("cancelled", "cancelled"),
    ] {
        let (index, task) = recording.task(name)?;
        ensure!(task.statuses == ["running", end], "{task:?}");
        ensure!(
            recording.messages(index) == ["task started", "task ended"],
            "{name}: {:?}",
            recording.events
        );
        ensure!(task.closed, "its handle is still there, and keeps the span open");
    }
    Ok(())
}

pub async fn a_task_killed_before_its_first_poll_never_started<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let caller = span()?;
    let mut tape = record(&caller)?;
    let held = hold_workers(&rt, at).await?;
    let task =
        caller.in_scope(|| AsyncTask::to::<()>().on(&rt).name("never").tracing(true).spawn(|| async {}));
    let end = task.cancel(CancelLevel::Kill);
    held.release().await?;
    ensure!(end.await.was_cancelled());
    let recording = tape.read();
    let (index, task) = recording.task("never")?;
    ensure!(recording.messages(index) == ["task ended"] && task.statuses == ["cancelled"], "{recording:?}");
    Ok(())
}

pub async fn the_work_and_its_destructors_are_in_the_span<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let caller = span()?;
    let mut tape = record(&caller)?;
    struct LogsWhenDropped;
    impl Drop for LogsWhenDropped {
        fn drop(&mut self) {
            tracing::info!("dropped");
        }
    }
    let started = Latch::new();
    let start = started.clone();
    let task = caller.in_scope(|| {
        AsyncTask::to::<()>().on(&rt).name("work").tracing(true).spawn(|| async move {
            let _logs = LogsWhenDropped;
            tracing::info!("first");
            yield_now().await;
            tracing::info!("later");
            start.set();
            pending::<()>().await
        })
    });
    started.wait().await;
    task.cancel(CancelLevel::Kill).await;
    let recording = tape.read();
    let (index, _) = recording.task("work")?;
    let all = ["task started", "first", "later", "dropped", "task ended"];
    ensure!(
        recording.messages(index) == all && recording.events.len() == all.len(),
        "{:?}",
        recording.events
    );
    Ok(())
}

pub async fn work_in_place_can_be_traced<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let caller = span()?;
    let mut tape = record(&caller)?;
    let builder = |name: &'static str| AsyncTask::to::<()>().on(&rt).name(name).tracing(true);
    let log = || async { tracing::info!("work") };
    builder("run").run(log).instrument(caller.clone()).await?;
    builder("run_with").run_with(|_| log()).instrument(caller.clone()).await?;
    let scope = builder("scope").scope(|s| async move {
        s.spawn_as(AsyncTask::to::<()>().name("member").tracing(true).on(&s.context().runtime()), log)
            .await?;
        Ok(())
    });
    scope.instrument(caller.clone()).await?;
    ensure!(current_span().is_none(), "a span was left on the caller's thread");
    let recording = tape.read();
    for name in ["run", "run_with", "member"] {
        let (index, task) = recording.task(name)?;
        ensure!(recording.messages(index) == ["task started", "work", "task ended"], "{name}: {recording:?}");
        ensure!(task.statuses == ["running", "completed"] && task.closed, "{task:?}");
    }
    let (scope, member) = (recording.task("scope")?.0, recording.task("member")?.1);
    ensure!(member.parent == Some(scope), "a member is in the span of its scope");
    Ok(())
}

pub async fn each_attempt_of_work_that_is_tried_again_has_a_span<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for supervised in [true, false] {
        let caller = span()?;
        let mut tape = record(&caller)?;
        let call = Arc::new(AtomicU32::new(0));
        let builder = AsyncTask::to::<u32>().on(&rt).name("again").tracing(true);
        let work = move || {
            let call = call.fetch_add(1, Ordering::SeqCst);
            async move {
                tracing::info!("call {call}");
                if call < 2 { Err("again") } else { Ok(call) }
            }
        };
        let task = caller.in_scope(|| match supervised {
            true => builder.supervise(RestartPolicy { intensity: 5, period: 1.hours() }).spawn(work),
            false => builder.retry(5).backoff(RetryStrategy::Immediate).spawn(work),
        });
        ensure!(task.await? == 2);
        let recording = tape.read();
        let (whole, task) = recording.task("again")?;
        ensure!(task.statuses == ["running", "completed"], "{task:?}");
        let attempts = recording.named("attempt");
        ensure!(attempts.len() == 3, "{attempts:?}");
        for (n, (attempt, status)) in attempts.into_iter().zip(["failed", "failed", "completed"]).enumerate()
        {
            ensure!(attempt.parent == Some(whole) && attempt.closed, "{attempt:?}");
            ensure!(attempt.fields.get("task.attempt") == Some(&(n + 1).to_string()), "{attempt:?}");
            ensure!(attempt.statuses.last().is_some_and(|last| last == status), "{attempt:?}");
        }
        let calls: Vec<_> =
            recording.events.iter().filter(|event| event.message().starts_with("call")).collect();
        ensure!(calls.len() == 3, "{calls:?}");
        for (n, event) in calls.into_iter().enumerate() {
            let attempt =
                event.span.and_then(|span| recording.spans.get(span)).context("it was recorded outside")?;
            ensure!(
                attempt.name == "attempt" && event.message() == format!("call {n}"),
                "{event:?} {attempt:?}"
            );
        }
    }
    Ok(())
}

pub async fn an_untraced_task_records_nothing<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let caller = span()?;
    let mut tape = record(&caller)?;
    let policy = RestartPolicy { intensity: 1, period: 1.hours() };
    let builder = || AsyncTask::to::<()>().on(&rt).name("quiet");
    let within = inside(&caller);
    let tasks = caller.in_scope(|| {
        let work = |cx: TaskContext| async move {
            cx.trace_start();
            cx.trace_error(&AsyncTaskError::Shutdown);
            cx.add_trace_field("key", &1);
            if cx.is_tracing_enabled() || !cx.trace_fields().is_empty() || !within() {
                return Err("it is traced");
            }
            Ok(())
        };
        [
            builder().spawn_with(work.clone()),
            builder().tracing(true).tracing(false).spawn_with(work),
            builder().supervise(policy).spawn(|| async {}),
        ]
    });
    for task in tasks {
        task.await?;
    }
    let recording = tape.read();
    ensure!(recording.named("task").is_empty() && recording.named("attempt").is_empty(), "{recording:?}");
    ensure!(recording.events.is_empty(), "{recording:?}");
    Ok(())
}

pub async fn tracing_changes_no_result<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // With or without a subscriber: this case has not asked for one.
    let task = AsyncTask::to::<u32>().on(&rt).tracing(true).spawn_with(|cx| async move {
        cx.set_name("renamed");
        cx.add_trace_field("answer", &42);
        cx.trace_event("here");
        cx.trace_fields().len() as u32
    });
    ensure!(task.is_tracing_enabled() && task.await? == 1);
    let failed_one = AsyncTask::to::<u32>().on(&rt).tracing(true).spawn(|| async { Err::<u32, _>("no") });
    ensure!(failed(failed_one.await)?.is_failure());
    Ok(())
}
