//! Cancellation, reasons: pipelines and orchestras pass a reason on; errors, snapshots and traces show it.

use crate::library::orchestra::{Node, Orchestrator, OrchestratorError};
use crate::library::pipeline::EmittingTask;
use crate::library::{CancellableTask as _, TaskContext};

use super::reasons::REASON;
use super::reasons_below::Reporting;
use crate::kit::cause_of;
use crate::kit::orchestras::{Log, noting, orchestra};
use crate::kit::prelude::*;
use crate::kit::spans::span;
use crate::kit::tape::record;

pub async fn the_error_names_the_task_that_was_cancelled<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for name in [Some("job"), None] {
        let inner = rt.clone();
        let around = AsyncTask::to::<()>().on(&rt).name("around").try_spawn(move || async move {
            let builder = AsyncTask::to::<()>().on(&inner);
            let job = match name {
                Some(name) => builder.name(name).spawn(pending::<()>),
                None => builder.spawn(pending::<()>),
            };
            drop(job.cancel_because(CancelLevel::Kill, REASON));
            Ok(job.await?)
        });
        let error = failed(around.await)?;
        // The task around only passes the error on: it has failed, and was not cancelled.
        let due = match name {
            Some(_) => "task `job` was cancelled (kill, requested): tenant removed",
            None => "cancelled (kill, requested): tenant removed",
        };
        ensure!(error.to_string() == due && error.cancel_reason() == Some(REASON), "{error}");
        let AsyncTaskError::Cancelled { task, reason, .. } = error else { bail!("{error:?}") };
        ensure!((task.as_deref(), reason.as_deref()) == (name, Some(REASON)), "{task:?}, {reason:?}");
    }
    Ok(())
}

pub async fn an_error_can_be_made_for_a_test<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let error = AsyncTaskError::cancelled(CancelLevel::Graceful, CancelCause::Unneeded);
    ensure!(error.is_cancelled() && error.cancel_reason().is_none(), "{error:?}");
    let given = AsyncTask::to::<()>().on(&rt).name("it").spawn(|| async move { Err::<(), _>(error) });
    let error = failed(given.await)?;
    ensure!(cause_of(&error) == Some(CancelCause::Unneeded), "{error:?}");
    ensure!(error.to_string() == "cancelled (graceful, it was not needed any more)", "{error}");
    Ok(())
}

pub async fn a_snapshot_shows_the_reason<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (report, reported) = async_channel::bounded(1);
    let task = AsyncTask::to::<()>().on(&rt).grace(1.hours()).spawn_with(move |cx| async move {
        cx.cancelled().await;
        let _ = report.try_send(());
        pending::<()>().await
    });
    drop(task.cancel_because(CancelLevel::Graceful, REASON));
    reported.recv().await?;
    // In its first poll it is not yet in the list of waiting tasks.
    let shown = loop {
        let snapshot = rt.snapshot();
        if let Some(shown) = snapshot.tasks.iter().find(|shown| shown.info.id == task.id()) {
            break shown.clone();
        }
        yield_now().await;
    };
    ensure!(shown.reason.as_deref() == Some(REASON), "{shown:?}");
    let text = shown.to_string();
    ensure!(text.contains("asked to stop (Graceful, Requested, \"tenant removed\")"), "{text}");
    task.cancel(CancelLevel::Kill).await;
    Ok(())
}

pub async fn a_trace_has_the_reason<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let caller = span()?;
    let mut tape = record(&caller)?;
    let spawn = |name: &'static str| {
        let builder = AsyncTask::to::<()>().on(&rt).name(name).tracing(true);
        caller.in_scope(|| builder.spawn(pending::<()>))
    };
    let (plain, explained) = (spawn("plain"), spawn("explained"));
    plain.cancel(CancelLevel::Kill).await;
    explained.cancel_because(CancelLevel::Kill, REASON).await;
    let recording = tape.read();
    for (name, due) in [("plain", None), ("explained", Some(REASON))] {
        let (index, task) = recording.task(name)?;
        ensure!(task.fields.get("task.reason").map(String::as_str) == due, "{task:?}");
        let mut events = recording.events.iter().filter(|event| event.span == Some(index));
        let end = events.find(|event| event.message() == "task ended").context("its end")?;
        ensure!(end.fields.get("task.reason").map(String::as_str) == due, "{end:?}");
    }
    Ok(())
}

pub async fn a_cancelled_pipeline_ends_with_the_reason<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for level in [CancelLevel::Graceful, CancelLevel::Kill] {
        let (started, (report, reported)) = (Latch::new(), async_channel::bounded(1));
        let start = started.clone();
        let mut task: EmittingTask<u64, R> = AsyncTask::emits::<u64>()
            .on(&rt)
            .name("import")
            .sender(|sources| sources.of(0..).into_chunks(10.items()))
            .receiver(move |_: Event<u64>, _: Collector<u64, u64>| {
                start.set();
                async { yield_now().await }
            })
            .spawn(move |event, _| {
                let reason = event.as_ref().err().and_then(AsyncTaskError::cancel_reason);
                let _ = report.try_send(reason.map(str::to_owned));
                event.map(|summary| summary.read())
            });
        started.wait().await;
        let end = task.cancel_because(level, REASON).await;
        ensure!(end.reason() == Some(REASON), "{end:?}");
        let error = failed((&mut task).await)?;
        ensure!(error.cancel_reason() == Some(REASON), "{error:?}");
        ensure!(error.to_string().starts_with("task `import` was cancelled ("), "{error}");
        if level == CancelLevel::Graceful {
            ensure!(reported.recv().await?.as_deref() == Some(REASON), "the final event does not have it");
        }
    }
    let numbers = AsyncTask::emits::<u64>().on(&rt).sender(|sources| sources.of(0..).into_chunks(10.items()));
    let mut pulled = numbers.pull();
    pulled.next_event().await.context("an event was due")??;
    drop(pulled.cancel_because(CancelLevel::Kill, REASON));
    let error = loop {
        if let Err(error) = pulled.next_event().await.context("the error was due")? {
            break error;
        }
    };
    ensure!(error.cancel_reason() == Some(REASON), "{error:?}");
    Ok(())
}

pub async fn a_pipeline_in_a_cancelled_task_has_the_reason<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (inner, started) = (rt.clone(), Latch::new());
    let start = started.clone();
    let around = AsyncTask::to::<AsyncTaskError>().on(&rt).try_spawn(|| async move {
        let numbers = AsyncTask::emits::<u64>().on(&inner);
        let numbers = numbers.sender(|sources| sources.of(0..).into_chunks(10.items()));
        let end = numbers.for_each(move |_: Event<u64>| start.set()).await;
        Ok(failed(end)?)
    });
    started.wait().await;
    drop(around.cancel_because(CancelLevel::Graceful, REASON));
    let error = around.await?;
    ensure!(cause_of(&error) == Some(CancelCause::ParentCancelled), "{error:?}");
    ensure!(error.cancel_reason() == Some(REASON), "{error:?}");
    Ok(())
}

/// Checks the error that is given for a node that was cancelled.
async fn is_cancelled_for<R: Runtime>(all: &Orchestrator<R>, node: &Node<()>, due: Option<&str>) -> Outcome {
    let error = failed(all.join_task(node).await)?;
    let text = error.to_string();
    let OrchestratorError::TaskCancelled { reason, .. } = error else { bail!("{text}") };
    ensure!(reason.as_deref() == due, "{}: {reason:?}", node.name());
    let tail = due.map(|reason| format!(": {reason}")).unwrap_or_default();
    ensure!(text == format!("the task `{}` was cancelled{tail}", node.name()), "{text}");
    Ok(())
}

pub async fn all_tasks_of_a_cancelled_orchestra_have_the_reason<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for level in [CancelLevel::Graceful, CancelLevel::Kill] {
        let (all, log) = (orchestra(&rt).build()?, Log::default());
        let (reporting, reports) = Reporting::new();
        let runs = all.register_task("runs", AsyncTask::to::<()>(), || async move {
            if let Some(cx) = TaskContext::current() {
                reporting.wait("runs", cx).await;
            }
        })?;
        let (waits, unstarted) = (noting(&all, &log, "waits")?, noting(&all, &log, "unstarted")?);
        all.add_dependency("waits", "runs")?;
        all.start_task("waits")?;
        reports.ready(1).await?;
        let end = all.cancel_because(level, REASON).await;
        ensure!(end.reason() == Some(REASON), "{end:?}");
        let (_, found) = reports.found.recv().await?;
        ensure!(found.as_deref() == Some(REASON), "{level}: {found:?}");
        let OrchestratorError::Stopped(stopped) = failed(all.join_all().await)? else { bail!("not stopped") };
        ensure!(stopped.cancel_reason() == Some(REASON), "{stopped:?}");
        for node in [&waits, &unstarted] {
            is_cancelled_for(&all, node, Some(REASON)).await?;
        }
        if level == CancelLevel::Kill {
            is_cancelled_for(&all, &runs, Some(REASON)).await?;
        }
        ensure!(log.read().is_empty(), "{:?}", log.read());
    }
    Ok(())
}

pub async fn ad_hoc_tasks_of_a_cancelled_orchestra_have_the_reason<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (all, started) = (orchestra(&rt).build()?, Latch::new());
    let start = started.clone();
    let task = AsyncTask::to::<()>().orchestrator(&all).name("ad hoc").spawn(|| async move {
        start.set();
        pending::<()>().await
    });
    started.wait().await;
    let end = all.cancel_because(CancelLevel::Kill, REASON).await;
    ensure!(end.reason() == Some(REASON), "{end:?}");
    let error = failed(task.await)?;
    ensure!(error.cancel_reason() == Some(REASON), "{error:?}");
    ensure!(error.to_string().starts_with("task `ad hoc` was cancelled ("), "{error}");
    Ok(())
}

pub async fn single_tasks_of_an_orchestra_are_cancelled_for_a_reason<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (all, log, open) = (orchestra(&rt).build()?, Log::default(), Latch::new());
    let ((reporting, reports), wait) = (Reporting::new(), open.clone());
    let runs = all.register_task("runs", AsyncTask::to::<()>(), || async move {
        if let Some(cx) = TaskContext::current() {
            reporting.wait("runs", cx).await;
        }
    })?;
    all.register_task("latch", AsyncTask::to::<()>(), || async move { wait.wait().await })?;
    let (waits, plain) = (noting(&all, &log, "waits")?, noting(&all, &log, "plain")?);
    for name in ["waits", "plain"] {
        all.add_dependency(name, "latch")?;
    }
    all.start_all()?;
    let (unstarted, grouped) = (noting(&all, &log, "unstarted")?, noting(&all, &log, "grouped")?);
    all.create_group("group")?;
    all.add_task_to_group("grouped", "group")?;
    reports.ready(1).await?;
    all.cancel_task_because("runs", CancelLevel::Kill, REASON)?.await;
    let (_, found) = reports.found.recv().await?;
    ensure!(found.as_deref() == Some(REASON), "{found:?}");
    all.cancel_task_because("waits", CancelLevel::Graceful, REASON)?.await;
    all.cancel_task_because(&unstarted, CancelLevel::Graceful, REASON)?.await;
    all.cancel_group_because("group", CancelLevel::Kill, REASON)?.await;
    all.cancel_task("plain", CancelLevel::Kill)?.await;
    for node in [&runs, &waits, &unstarted, &grouped] {
        is_cancelled_for(&all, node, Some(REASON)).await?;
    }
    is_cancelled_for(&all, &plain, None).await?;
    let unknown = all.cancel_task_because("nobody", CancelLevel::Kill, REASON);
    ensure!(matches!(unknown, Err(OrchestratorError::UnknownTask { .. })));
    let unknown = all.cancel_group_because("nobody", CancelLevel::Kill, REASON);
    ensure!(matches!(unknown, Err(OrchestratorError::UnknownGroup { .. })));
    open.set();
    let stats = all.join_all().await?;
    ensure!((stats.cancelled, stats.completed) == (5, 1), "{stats:?}");
    Ok(())
}

pub async fn an_orchestra_inside_a_cancelled_one_has_the_reason<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (outer, inner) = (orchestra(&rt).build()?, orchestra(&rt).build()?);
    let (reporting, reports) = Reporting::new();
    inner.register_task("runs", AsyncTask::to::<()>(), || async move {
        if let Some(cx) = TaskContext::current() {
            reporting.wait("runs", cx).await;
        }
    })?;
    outer.register_orchestrator("inner", &inner)?;
    outer.start_all()?;
    reports.ready(1).await?;
    let end = outer.cancel_because(CancelLevel::Kill, REASON).await;
    ensure!(end.reason() == Some(REASON), "{end:?}");
    let (_, found) = reports.found.recv().await?;
    ensure!(found.as_deref() == Some(REASON), "{found:?}");
    let OrchestratorError::Stopped(stopped) = failed(inner.join_all().await)? else { bail!("not stopped") };
    ensure!(stopped.cancel_reason() == Some(REASON), "{stopped:?}");
    Ok(())
}
