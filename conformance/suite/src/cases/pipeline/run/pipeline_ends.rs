//! Pipelines, limits: a running pipeline's limit can be moved, and a cancelled one ends with exact counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::library::pipeline::EmittingTask;
use crate::library::{
    CancelOutcome, CancellableTask as _, StatusEnabledTask as _, TaskContext, TimedTask as _,
};

use crate::kit::cause_of;
use crate::kit::prelude::*;

/// A pipeline with one event, which ends once the latch is set. The final handler gives the number of items
/// that were read, or the error.
fn held<R: Runtime>(rt: &R, limit: Duration, open: &Latch) -> EmittingTask<u64, R> {
    let opened = open.clone();
    AsyncTask::emits::<u64>()
        .on(rt)
        .name("held")
        .with_timeout(limit)
        .sender(|sources| sources.of(0..1).into_chunks(1.items()))
        .receiver(move |event: Event<u64>, collector: Collector<u64, u64>| {
            let opened = opened.clone();
            collector.collect_item(event.take_data());
            async move { opened.wait().await }
        })
        .spawn(|event, _| event.map(|summary| summary.read()))
}

pub async fn a_limit_can_be_moved_while_it_runs<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let open = Latch::new();
    // So that the first limit is not seen to pass, however long the move takes.
    let workers = hold_workers(&rt, at).await?;
    let task = held(&rt, 20.millis(), &open);
    ensure!(task.timeout() == Some(20.millis()) && task.remaining() <= Some(20.millis()));
    task.set_timeout(1.hours())?;
    workers.release().await?;
    let left = task.timeout().context("it has a limit")?;
    ensure!(left <= 1.hours() && (!at.virtual_time || left == 1.hours()), "{left:?}");
    rt.sleep(40.millis()).await?;
    ensure!(!task.status().is_terminal() && !task.is_expired());
    open.set();
    ensure!(task.await? == 1);
    // Without a limit.
    let open = Latch::new();
    let workers = hold_workers(&rt, at).await?;
    let task = held(&rt, 20.millis(), &open);
    task.set_timeout(Duration::MAX)?;
    workers.release().await?;
    ensure!((task.timeout(), task.deadline()) == (None, None));
    rt.sleep(40.millis()).await?;
    open.set();
    ensure!(task.await? == 1);
    Ok(())
}

pub async fn a_limit_that_comes_later_ends_it_with_a_final_event<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for limit in [Duration::MAX, 1.hours()] {
        let (started, census) = (Latch::new(), Census::default());
        let (start, counted) = (started.clone(), census.clone());
        let mut task: EmittingTask<(), R> = AsyncTask::emits::<u64>()
            .on(&rt)
            .timeout(limit)
            .sender(|sources| sources.of(0..9).into_chunks(1.items()))
            .receiver(move |_: Event<u64>, _: Collector<u64, u64>| {
                let guard = counted.enter();
                start.set();
                async move {
                    let _guard = guard;
                    pending::<()>().await;
                }
            })
            .spawn(|event, collector| match event {
                Err(error) if error.is_timeout() && collector.summary().read() > 0 => Err(error),
                _ => Err(AsyncTaskError::failure("a final event after the limit was due")),
            });
        started.wait().await;
        task.set_timeout(5.millis())?;
        let error = failed((&mut task).await)?;
        ensure!(matches!(&error, AsyncTaskError::Timeout(late) if late.limit() <= 5.millis()), "{error:?}");
        ensure!(census.alive() == 0, "a receiver is left");
        ensure!(task.is_expired() && task.remaining() == Some(Duration::ZERO), "{task:?}");
        ensure!(task.status() == TaskStatus::Failed);
        ensure!(task.cancel(CancelLevel::Kill).await.outcome() == CancelOutcome::Timeout);
        ensure!(matches!(task.set_timeout(1.hours()), Err(AsyncTaskError::InvalidState(_))));
    }
    Ok(())
}

pub async fn a_moment_can_be_its_limit<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let builder = |deadline| {
        let builder = AsyncTask::emits::<u64>().on(&rt).timeout_at(deadline);
        let sender = builder
            .sender(|sources| sources.of_stream(futures_lite::stream::pending()).into_chunks(1.items()));
        sender.for_each(|_: Event<u64>| {})
    };
    let deadline = rt.now() + 10.millis();
    let mut task = builder(deadline).spawn();
    ensure!(task.deadline() == Some(deadline));
    ensure!(failed((&mut task).await)?.is_timeout() && rt.now() >= deadline && task.is_expired());
    ensure!(failed(builder(rt.now()).await)?.is_timeout(), "one that has passed polls once");
    Ok(())
}

pub async fn a_limit_in_place_can_be_moved_from_within<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let numbers = AsyncTask::emits::<u64>().on(&rt).timeout(1.hours());
    let numbers = numbers.sender(|sources| {
        if let Some(cx) = TaskContext::current() {
            let _ = cx.set_timeout(5.millis());
        }
        sources.of_stream(futures_lite::stream::pending()).into_chunks(1.items());
    });
    let error = failed(numbers.for_each(|_: Event<u64>| {}).await)?;
    ensure!(matches!(&error, AsyncTaskError::Timeout(late) if late.limit() <= 5.millis()), "{error:?}");
    Ok(())
}

/// A pipeline of endless numbers, each handled with one yield; the number that was read; and a latch that the
/// first event sets.
fn endless<R: Runtime>(
    rt: &R,
    workers: usize,
) -> (impl FnOnce() -> EmittingTask<u64, R>, Arc<AtomicU64>, Latch) {
    let (read, started) = (Arc::new(AtomicU64::new(0)), Latch::new());
    let (counter, start, builder) =
        (read.clone(), started.clone(), AsyncTask::emits::<u64>().on(rt).workers(workers));
    let items = (0..).inspect(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
    });
    let pipeline = builder.sender(|sources| sources.of(items).into_chunks(10.items())).receiver(
        move |_: Event<u64>, _: Collector<u64, u64>| {
            start.set();
            async { yield_now().await }
        },
    );
    // The error of the request is passed on unchanged, if the counts add up.
    let spawn = move || {
        pipeline.spawn::<u64, _, _>(|event, collector| match (event, collector.summary()) {
            (Err(error), summary) if summary.dropped() == 0 && summary.read() == summary.handled() => {
                Err(error)
            }
            (event, summary) => Err(AsyncTaskError::failure(format!("{event:?} {summary:?}"))),
        })
    };
    (spawn, read, started)
}

pub async fn a_pipeline_cancelled_on_request_is_drained_and_ends_as_cancelled<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    for workers in [1, 3] {
        let (spawn, read, started) = endless(&rt, workers);
        let mut task = spawn();
        started.wait().await;
        let end = task.cancel_gracefully().await;
        ensure!(end.outcome() == CancelOutcome::Cancelled && end.was_cancelled(), "{end:?}");
        ensure!(
            (end.level(), end.cause()) == (Some(CancelLevel::Graceful), Some(CancelCause::Requested)),
            "{end:?}"
        );
        ensure!(task.status() == TaskStatus::Cancelled);
        let error = failed((&mut task).await)?;
        ensure!(cause_of(&error) == Some(CancelCause::Requested), "{error:?}");
        let progress = task.progress();
        let read = read.load(Ordering::SeqCst);
        ensure!(progress.handled == progress.read && progress.read <= read, "{progress:?}, {read} were read");
    }
    // A pipeline that is pulled.
    let mut events =
        AsyncTask::emits::<u64>().on(&rt).sender(|sources| sources.of(0..).into_chunks(10.items())).pull();
    events.next_event().await.context("an event")??;
    let end = events.cancel_gracefully();
    let error = loop {
        if let Err(error) = events.next_event().await.context("the error is the last item")? {
            break error;
        }
    };
    ensure!(cause_of(&error) == Some(CancelCause::Requested), "{error:?}");
    ensure!(end.await.outcome() == CancelOutcome::Cancelled && events.status() == TaskStatus::Cancelled);
    Ok(())
}

pub async fn a_cancellation_of_the_enclosing_task_is_the_reported_cause<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let (inner, started) = (rt.clone(), Latch::new());
    let start = started.clone();
    let around = AsyncTask::to::<CancelCause>().on(&rt).try_spawn(|| async move {
        let numbers = AsyncTask::emits::<u64>().on(&inner);
        let numbers = numbers.sender(|sources| sources.of(0..).into_chunks(10.items()));
        let end = numbers.for_each(move |_: Event<u64>| start.set()).await;
        Ok(cause_of(&failed(end)?).context("a cancellation")?)
    });
    started.wait().await;
    drop(around.cancel(CancelLevel::Graceful));
    ensure!(around.await? == CancelCause::ParentCancelled);
    Ok(())
}

pub async fn a_value_made_from_a_cancellation_is_the_pipelines_result<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let started = Latch::new();
    let start = started.clone();
    let task = AsyncTask::emits::<u64>()
        .on(&rt)
        .sender(|sources| sources.of(0..).into_chunks(10.items()))
        .receiver(move |_: Event<u64>, _: Collector<u64, u64>| start.set())
        .spawn(|event, collector| match (event, collector.summary()) {
            (Err(error), summary) if error.is_cancelled() => Ok(summary.handled()),
            _ => Err("a cancellation was due"),
        });
    started.wait().await;
    let end = task.cancel_gracefully();
    ensure!(task.await? > 0 && end.await.outcome() == CancelOutcome::Success);
    Ok(())
}

pub async fn a_pipeline_that_does_not_end_is_killed_after_its_grace_period<R: Runtime>(
    rt: R,
    at: Facts,
) -> Outcome {
    let started = Latch::new();
    let start = started.clone();
    let task = AsyncTask::emits::<u64>()
        .on(&rt)
        .grace(20.millis())
        .sender(|sources| sources.of(0..9).into_chunks(1.items()))
        .for_each(move |_: Event<u64>| {
            start.set();
            pending::<()>()
        })
        .spawn();
    started.wait().await;
    let before = rt.now();
    let end = task.cancel_gracefully().await;
    ensure!(end.outcome() == CancelOutcome::Cancelled && end.status() == TaskStatus::Cancelled, "{end:?}");
    let took = rt.now() - before;
    ensure!(took >= 20.millis() && (!at.virtual_time || took == 20.millis()), "{took:?}");
    Ok(())
}

pub async fn a_limit_on_events_that_cannot_be_kept_is_refused<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let numbers = |limit| {
        let builder = AsyncTask::emits::<u64>().on(&rt).event_timeout(limit);
        builder.sender(|sources| sources.of(0..3).into_chunks(1.items()))
    };
    fn is_refused<T>(end: Result<T, AsyncTaskError>) -> Outcome {
        let error = failed(end)?;
        ensure!(matches!(error, AsyncTaskError::InvalidConfig(_)), "{error:?}");
        ensure!(error.to_string().contains("event_timeout"), "{error}");
        Ok(())
    }
    is_refused(numbers(1.hours()).for_each(|_: Event<u64>| {}).await)?;
    is_refused(numbers(1.hours()).for_each(|_: Event<u64>| {}).blocking().spawn().await)?;
    is_refused(numbers(1.hours()).batched(2, 1.hours()).for_each(|_| {}).await)?;
    let collecting = numbers(1.hours()).receiver(|_: Event<u64>, _: Collector<u64, u64>| {});
    is_refused(collecting.await_final_event(|event, _| event).await)?;
    is_refused(numbers(1.hours()).fold(|| (), |(), _| {}, |(), ()| ()).await)?;
    is_refused(numbers(1.hours()).pull().next_event().await.context("the error")?)?;
    // The longest duration is no limit, and an asynchronous receiver can be limited.
    numbers(Duration::MAX).for_each(|_: Event<u64>| {}).await?;
    numbers(1.hours()).for_each(|_: Event<u64>| async {}).await?;
    Ok(())
}
