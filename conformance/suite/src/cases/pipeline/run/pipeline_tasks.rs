//! Pipelines, capabilities: a pipeline, spawned or in place, is a task with an id and a task's settings.

use std::collections::BTreeSet;

use crate::library::pipeline::{EmittingTask, EventId, SenderStrategy};
use crate::library::{
    MetricsEnabledTask, NamedTask, PrioritizedTask, TaskContext, TaskId, TaskInfo, TaskPriority, TimedTask,
    TracingTask,
};

use crate::kit::prelude::*;
use crate::kit::spans::{inside, span};
use crate::kit::tape::record;

/// The parent of the task that calls this.
fn above() -> Result<TaskInfo, Failure> {
    let cx = TaskContext::current().context("a worker is a task")?;
    cx.relationships().parent().context("a worker is a child of its pipeline's task")
}

/// The pipeline's id as the event gives it, checked against the tree.
fn checked(event: &Event<u64>) -> Result<TaskId, Failure> {
    ensure!(above()?.id == event.task_id(), "{} is not {:?}", event.task_id(), above()?);
    ensure!(event.event_id().to_string() == format!("{}-{}", event.task_id(), event.sequence()));
    Ok(event.task_id())
}

pub async fn an_event_names_the_task_of_its_pipeline<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let numbers = || {
        let builder = AsyncTask::emits::<u64>().on(&rt).workers(2);
        builder.sender(|sources| sources.of(0..50).into_chunks(3.items()))
    };
    let (report, reported) = async_channel::unbounded();
    let reporter = || {
        let report = report.clone();
        move |event: Event<u64>| checked(&event).and_then(|id| Ok(report.try_send(id)?))
    };
    let ids = || std::iter::from_fn(|| reported.try_recv().ok()).collect::<BTreeSet<_>>();
    let each = numbers().for_each(reporter()).spawn();
    let id = each.id();
    each.await?;
    ensure!(ids() == BTreeSet::from([id]));
    let call = reporter();
    let collecting = numbers()
        .receiver(move |event, _: Collector<u64, u64>| call(event))
        .spawn(|event, _| event.map(|_| ()));
    let id = collecting.id();
    collecting.await?;
    ensure!(ids() == BTreeSet::from([id]));
    let call = reporter();
    let folding = numbers().fold(|| (), move |(), event| call(event), |(), ()| ()).spawn();
    let id = folding.id();
    folding.await?;
    ensure!(ids() == BTreeSet::from([id]));
    let mut pulled = numbers().pull();
    while let Some(event) = pulled.next_event().await {
        ensure!(event?.task_id() == pulled.id());
    }
    let named =
        AsyncTask::emits::<u64>().on(&rt).uuid().sender(|sources| sources.of(0..2).into_chunks(1.items()));
    let named = named.for_each(reporter()).spawn();
    let id = named.id();
    named.await?;
    ensure!(ids() == BTreeSet::from([id]) && id.as_uuid().is_some());
    // A pipeline in place is a task too, and each one has its own id.
    numbers().for_each(reporter()).await?;
    numbers().for_each(reporter()).await?;
    ensure!(ids().len() == 2);
    Ok(())
}

pub async fn two_pipelines_of_one_task_have_no_event_in_common<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let inner = rt.clone();
    let ids = AsyncTask::to::<Vec<EventId>>().on(&rt).try_spawn(|| async move {
        let (report, reported) = async_channel::unbounded();
        for _ in 0..2 {
            let report = report.clone();
            let builder = AsyncTask::emits::<u64>().on(&inner);
            let numbers = builder.sender(|sources| sources.of(0..3).into_chunks(1.items()));
            numbers.for_each(move |event: Event<u64>| report.try_send(event.event_id())).await?;
        }
        Ok(std::iter::from_fn(|| reported.try_recv().ok()).collect())
    });
    ensure!(ids.await?.into_iter().collect::<BTreeSet<_>>().len() == 6);
    Ok(())
}

pub async fn a_value_that_comes_too_late_names_the_pipelines_task<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let caller = span()?;
    let mut tape = record(&caller)?;
    let (keep, kept) = async_channel::unbounded();
    let task = AsyncTask::emits::<u64>()
        .on(&rt)
        .sender(|sources| sources.of(0..1).into_chunks(1.items()))
        .receiver(move |_: Event<u64>, collector: Collector<u64, u64>| drop(keep.try_send(collector)))
        .spawn(|event, _| event.map(|_| ()));
    let id = task.id();
    task.await?;
    let collector = kept.recv().await?;
    caller.in_scope(|| collector.collect(1, 1));
    let reported = tape.read();
    let late = reported.events.iter().find(|event| event.message().contains("is dropped"));
    let late = late.context("it is reported")?;
    ensure!(late.fields.get("task.id") == Some(&id.to_string()), "{late:?}, the pipeline is {id}");
    Ok(())
}

/// Checks the settings of a pipeline through its handle, and changes some of them.
fn check_settings<H>(handle: &H) -> Outcome
where
    H: NamedTask + PrioritizedTask + TimedTask + TracingTask + MetricsEnabledTask,
{
    ensure!(handle.name().as_deref() == Some("named") && handle.priority() == TaskPriority::High);
    ensure!(handle.timeout() == Some(1.hours()) && handle.created_timestamp().is_some());
    ensure!(handle.is_tracing_enabled() && handle.is_metrics_enabled());
    handle.add_trace_field("tenant", &7);
    ensure!(handle.trace_fields() == [("tenant".into(), "7".into())]);
    handle.set_priority(TaskPriority::Low);
    handle.set_name("renamed");
    ensure!(handle.name().as_deref() == Some("renamed") && handle.priority() == TaskPriority::Low);
    Ok(())
}

pub async fn a_pipeline_has_the_settings_of_a_task<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let builder = || {
        let builder = AsyncTask::emits::<u64>().on(&rt).name("named").priority(TaskPriority::High);
        builder.timeout(1.hours()).grace(1.hours()).timestamps(true).tracing(true).metrics(true).with(5_u8)
    };
    let open = Latch::new();
    let opened = open.clone();
    let receiver = move |_: Event<u64>| {
        let opened = opened.clone();
        async move {
            opened.wait().await;
            let cx = TaskContext::current().context("a task")?;
            // Settings of the whole pipeline hold for its parts.
            ensure!(cx.priority() == TaskPriority::Low && cx.get::<u8>().as_deref() == Some(&5));
            ensure!(cx.is_metrics_enabled() && cx.deadline().is_some());
            Ok(())
        }
    };
    let items = || builder().sender(|sources| sources.of(0..1).into_chunks(1.items()));
    let mut task = items().for_each(receiver).spawn();
    check_settings(&task)?;
    open.set();
    (&mut task).await?;
    ensure!(task.elapsed().is_some() && task.completed_timestamp().is_some() && task.poll_usage().is_some());
    let mut pulled = items().pull();
    check_settings(&pulled)?;
    while let Some(event) = pulled.next_event().await {
        event?;
    }
    // In place, the sender closure is a part of the pipeline too.
    let (report, reported) = async_channel::bounded(1);
    let sender = builder().sender(move |sources| {
        let cx = TaskContext::current().context("a task in place");
        let _ = report.try_send(cx.and_then(|cx| check_settings(&cx).map(|()| cx)));
        sources.of(0..1).into_chunks(1.items());
    });
    sender.for_each(|_: Event<u64>| {}).await?;
    let cx = reported.recv().await??;
    ensure!(cx.name().as_deref() == Some("renamed") && cx.status() == TaskStatus::Completed);
    Ok(())
}

pub async fn a_traced_pipeline_runs_in_its_span<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let caller = span()?;
    let mut tape = record(&caller)?;
    let builder = |name: &'static str| AsyncTask::emits::<u64>().on(&rt).name(name).tracing(true);
    let is_outside = inside(&caller);
    let receiver = move |_: Event<u64>| if is_outside() { Err("not in its own span") } else { Ok(()) };
    let pending = |_: Event<u64>| pending::<()>();
    let (done, late) = caller.in_scope(|| {
        let items =
            |sources: &mut crate::library::pipeline::Sources<u64>| sources.of(0..9).into_chunks(2.items());
        let late = builder("late").timeout(5.millis()).sender(items).for_each(pending).spawn();
        (builder("done").sender(items).for_each(receiver).spawn(), late)
    });
    let id = done.id();
    done.await?;
    ensure!(failed(late.await)?.is_timeout());
    let reported = tape.read();
    let (index, span_record) = reported.task("done")?;
    ensure!(
        span_record.fields.get("task.id") == Some(&id.to_string())
            && span_record.statuses == ["running", "completed"]
    );
    ensure!(reported.messages(index) == ["task started", "task ended"] && span_record.closed);
    let (_, span_record) = reported.task("late")?;
    ensure!(span_record.statuses == ["running", "timed out"] && span_record.closed, "{span_record:?}");
    Ok(())
}

/// A pipeline of one stream. For each item it reports whether its worker has metrics, and whether the reader
/// of its source has.
fn measured<R: Runtime>(
    rt: &R,
    go: async_channel::Receiver<()>,
    report: async_channel::Sender<(bool, bool)>,
) -> EmittingTask<FinalEvent, R> {
    let is_measured = || TaskContext::current().is_some_and(|cx| cx.is_metrics_enabled());
    AsyncTask::emits::<bool>()
        .on(rt)
        .workers(1)
        .queue(1)
        .sender_strategy(SenderStrategy::Parallel { sources: 2 })
        .sender(move |sources| {
            let read = futures_lite::stream::unfold(go, move |go| async move {
                go.recv().await.ok()?;
                Some((is_measured(), go))
            });
            sources.of_stream(read).into_chunks(1.items());
        })
        .for_each(move |event: Event<bool>| report.try_send((is_measured(), event.take_data())))
        .spawn()
}

pub async fn metrics_are_switched_for_all_parts_of_it<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let ((go, goes), (report, reported)) = (async_channel::unbounded(), async_channel::unbounded());
    let task = measured(&rt, goes, report);
    for on in [false, true, false, true] {
        match on {
            true => task.enable_metrics(),
            false => task.disable_metrics(),
        }
        go.send(()).await?;
        ensure!(reported.recv().await? == (on, on), "metrics were switched: {on}");
    }
    ensure!(task.is_metrics_enabled() && task.poll_usage().is_some());
    drop(go);
    task.await?;
    Ok(())
}
