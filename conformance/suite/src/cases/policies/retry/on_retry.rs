//! Recovery, `on_retry`: it is called once for each failed attempt that another follows, before the wait.

use crate::library::{
    BoxError, CancelOutcome, CancellableTask as _, FailedAttempt, Jitter, RecoverableTask as _, Retry,
    RetryBudget, RetryStrategy, TaskContext,
};

use super::retries::{after, exhausted};
use super::retry_after::Times;
use crate::cases::restarts::{Broken, Calls};
use crate::kit::explode;
use crate::kit::orchestras::Log;
use crate::kit::prelude::*;

/// Notes each failed attempt: its number, the wait after it, and the work's own error.
pub(super) fn notes(log: &Log) -> impl Fn(&FailedAttempt<'_>) + Send + Sync + 'static {
    let log = log.clone();
    move |failed: &FailedAttempt<'_>| {
        log.note(format!("{}, {:?}: {}", failed.number(), failed.delay(), source_text(failed.error())));
    }
}

/// Counts the calls of `on_retry`.
pub(super) fn counting(calls: &Calls) -> impl Fn(&FailedAttempt<'_>) + Send + Sync + 'static {
    let calls = calls.clone();
    move |_: &FailedAttempt<'_>| {
        calls.next();
    }
}

/// Work that fails twice, and notes the beginning of each attempt.
fn noted(log: &Log) -> impl Fn() -> Result<u32, Broken> + Clone + Send + Sync + 'static {
    let (log, calls) = (log.clone(), Calls::default());
    move || {
        log.note(format!("attempt {}", calls.made() + 1));
        after(2, &calls)
    }
}

/// The notes of [`noted`] work, with waits of 1 ms and 3 ms.
const NOTES: [&str; 5] = ["attempt 1", "1, 1ms: broken 1", "attempt 2", "2, 3ms: broken 2", "attempt 3"];

pub async fn the_function_is_called_before_each_wait<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let strategy = RetryStrategy::Linear { base: 1.millis(), step: 2.millis(), max: 1.hours() };
    let retry = |log: &Log| Retry::new(5).backoff(strategy).jitter(Jitter::None).on_retry(notes(log));
    let builder = |log: &Log| AsyncTask::to::<u32>().on(&rt).retry_as(retry(log));
    let log = Log::default();
    let work = noted(&log);
    ensure!(builder(&log).run(|| async { work() }).await? == 3);
    ensure!(log.read() == NOTES, "in place: {:?}", log.read());
    let log = Log::default();
    let work = noted(&log);
    let task = builder(&log).spawn(move || {
        let work = work.clone();
        async move { work() }
    });
    ensure!(task.await? == 3);
    ensure!(log.read() == NOTES, "spawned: {:?}", log.read());
    let log = Log::default();
    ensure!(builder(&log).spawn_blocking(noted(&log)).await? == 3);
    ensure!(log.read() == NOTES, "on the pool: {:?}", log.read());
    let log = Log::default();
    let work = noted(&log);
    ensure!(retry(&log).apply_on(&rt, || std::future::ready(work())).await? == 3);
    ensure!(log.read() == NOTES, "without a task: {:?}", log.read());
    Ok(())
}

pub async fn the_reported_delay_is_that_of_the_wait_with_its_jitter<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let delay = if at.virtual_time { 1.hours() } else { 3.millis() };
    let (begun, due) = (Times::default(), Times::default());
    let (begins, waits) = (begun.clone(), due.clone());
    let (clock, waiting) = (rt.clone(), rt.clone());
    let builder = AsyncTask::to::<()>().on(&rt).retry(5).backoff(RetryStrategy::Fixed { delay });
    let builder = builder.jitter(Jitter::Full).on_retry(move |failed| {
        waits.note(waiting.now() + failed.delay());
    });
    let task = builder.spawn(move || {
        begins.note(clock.now());
        async { Err::<(), _>("an attempt") }
    });
    ensure!(exhausted(task.await)?.attempts() == 6);
    let (begun, due) = (begun.all(), due.all());
    ensure!((begun.len(), due.len()) == (6, 5));
    for (begun, due) in begun.iter().skip(1).zip(&due) {
        ensure!(begun >= due && (!at.virtual_time || begun == due), "{due:?} was due: {begun:?}");
    }
    Ok(())
}

pub async fn the_function_is_not_called_where_no_attempt_follows<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let calls = Calls::default();
    let builder = |retries| {
        let builder = AsyncTask::to::<u32>().on(&rt).retry(retries).backoff(RetryStrategy::Immediate);
        builder.on_retry(counting(&calls))
    };
    let broken = || async { Err::<u32, _>(Broken(1)) };
    ensure!(builder(5).run(|| async { 3 }).await? == 3, "a success");
    ensure!(failed(builder(0).run(broken).await)?.is_failure(), "no retries");
    ensure!(failed(builder(5).retry_if(|_| false).run(broken).await)?.is_failure(), "an excluded error");
    ensure!(failed(builder(5).run(|| async { explode::<u32>("a panic") }).await)?.is_panic(), "a panic");
    let empty = RetryBudget::new(0, 0.0);
    ensure!(failed(builder(5).retry_budget(&empty).run(broken).await)?.is_failure(), "an empty budget");
    ensure!(calls.made() == 0, "{} calls", calls.made());
    // Nor after the last of three failures.
    ensure!(exhausted(builder(2).run(broken).await)?.attempts() == 3 && calls.made() == 2);
    Ok(())
}

pub async fn the_function_is_not_called_in_a_cancelled_task<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for level in [CancelLevel::Graceful, CancelLevel::Kill] {
        let (calls, started) = (Calls::default(), Latch::new());
        let starts = started.clone();
        let builder = AsyncTask::to::<u32>().on(&rt).grace(1.hours()).retry(5);
        let builder = builder.backoff(RetryStrategy::Immediate).on_retry(counting(&calls));
        let task = builder.spawn_with(move |cx: TaskContext| {
            let starts = starts.clone();
            async move {
                starts.set();
                cx.cancelled().await;
                Err::<u32, _>(Broken(1))
            }
        });
        started.wait().await;
        task.cancel(level).await;
        let error = failed(task.await)?;
        // Asked gracefully, the work ends by itself. So it does if a kill comes in its own poll.
        ensure!(error.is_failure() || (level == CancelLevel::Kill && error.is_cancelled()), "{error:?}");
        ensure!(calls.made() == 0, "{level:?}");
    }
    Ok(())
}

pub async fn a_standalone_retry_in_a_cancelled_task_calls_no_function<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let (calls, started, inner) = (Calls::default(), Latch::new(), rt.clone());
    let (retry, starts) = (Retry::new(5).on_retry(counting(&calls)), started.clone());
    let builder = AsyncTask::to::<()>().on(&rt).grace(1.hours());
    let task = builder.spawn_with(move |cx: TaskContext| async move {
        let work = || {
            let (starts, cx) = (starts.clone(), cx.clone());
            async move {
                starts.set();
                cx.cancelled().await;
                Err::<(), _>(Broken(1))
            }
        };
        retry.apply_on(&inner, work).await
    });
    started.wait().await;
    let end = task.cancel_gracefully().await;
    ensure!(end.outcome() == CancelOutcome::Failure && calls.made() == 0, "{end:?}");
    let error = failed(task.await)?;
    ensure!(error.downcast_ref() == Some(&Broken(1)), "{error:?}");
    Ok(())
}

pub async fn the_function_is_called_in_the_task_and_may_cancel_it<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for level in [CancelLevel::Graceful, CancelLevel::Kill] {
        let (calls, log) = (Calls::default(), Log::default());
        let (counted, noted) = (calls.clone(), log.clone());
        let builder = AsyncTask::to::<()>().on(&rt).name("fetch").retry(5).backoff(RetryStrategy::Immediate);
        let builder = builder.on_retry(move |_| {
            if let Some(cx) = TaskContext::current() {
                noted.note(cx.name().as_deref().unwrap_or("no name"));
                drop(cx.canceller().cancel(level));
            }
        });
        let task = builder.spawn(move || {
            counted.next();
            async { Err::<(), _>("an attempt") }
        });
        ensure!(failed(task.await)?.is_cancelled());
        ensure!(log.read() == ["fetch"] && calls.made() == 1, "{:?}", log.read());
    }
    Ok(())
}

pub async fn numbers_go_on_after_a_reset_of_the_count<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (permit, permitted) = async_channel::unbounded::<()>();
    let (report, reported) = async_channel::unbounded();
    let log = Log::default();
    let builder = AsyncTask::to::<()>().on(&rt).retry(1).backoff(RetryStrategy::Immediate);
    let task = builder.on_retry(notes(&log)).spawn(move || {
        let (permitted, report) = (permitted.clone(), report.clone());
        async move {
            let _ = report.try_send(());
            permitted.recv().await?;
            Err::<(), BoxError>("an attempt".into())
        }
    });
    for attempt in 1..=3 {
        reported.recv().await?;
        if attempt == 2 {
            task.reset_retry_count();
        }
        permit.send(()).await?;
    }
    ensure!(exhausted(task.await)?.attempts() == 3);
    ensure!(log.read() == ["1, 0ns: an attempt", "2, 0ns: an attempt"], "{:?}", log.read());
    Ok(())
}

pub async fn the_last_function_that_was_set_is_called<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (first, second) = (Calls::default(), Calls::default());
    let builder = AsyncTask::to::<u32>().on(&rt).retry(1).backoff(RetryStrategy::Immediate);
    let builder = builder.on_retry(counting(&first));
    let broken = || async { Err::<u32, _>(Broken(1)) };
    exhausted(builder.clone().on_retry(counting(&second)).run(broken).await)?;
    ensure!((first.made(), second.made()) == (0, 1));
    // A builder is a value, and keeps its own.
    exhausted(builder.clone().run(broken).await)?;
    ensure!((first.made(), second.made()) == (1, 1));
    // All settings of another policy take the place of its settings.
    let other = Retry::new(1).backoff(RetryStrategy::Immediate);
    exhausted(builder.retry_as(other).run(broken).await)?;
    ensure!((first.made(), second.made()) == (1, 1));
    Ok(())
}
