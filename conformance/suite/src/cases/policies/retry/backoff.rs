//! Promise 5, cancellation during backoff: a cancellation ends the wait between two attempts at once.
//! The wait is as long as the strategy and the jitter say.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::library::task::Retrying;
use crate::library::{
    CancelOutcome, CancellableTask as _, Jitter, RecoverableTask as _, RetryStrategy, TaskBuilder,
    TaskContext,
};

use super::retries::exhausted;
use crate::cases::deadlines::is_due;
use crate::cases::restarts::{Broken, Calls};
use crate::kit::cause_of;
use crate::kit::prelude::*;

/// Returns the waits before each retry of work that fails at once.
async fn waits<R: Runtime>(
    rt: &R,
    strategy: RetryStrategy,
    jitter: Jitter,
    retries: u32,
) -> Result<Vec<Duration>, Failure> {
    let (times, clock): (Arc<Mutex<Vec<Instant>>>, _) = (Arc::default(), rt.clone());
    let noted = times.clone();
    let builder = AsyncTask::to::<()>().on(rt).retry(retries).backoff(strategy).jitter(jitter);
    let task = builder.spawn(move || {
        noted.lock().unwrap_or_else(PoisonError::into_inner).push(clock.now());
        async { Err::<(), _>("an attempt") }
    });
    ensure!(exhausted(task.await)?.attempts() == retries + 1);
    let times = times.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok(times.iter().zip(times.iter().skip(1)).map(|(from, to)| to.duration_since(*from)).collect())
}

pub async fn it_is_as_long_as_the_strategy_says<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (base, max) = (1.millis(), 5.millis());
    for (strategy, due) in [
        (RetryStrategy::Immediate, [0, 0, 0, 0]),
        (RetryStrategy::Fixed { delay: 3.millis() }, [3, 3, 3, 3]),
        (RetryStrategy::Linear { base, step: 2.millis(), max }, [1, 3, 5, 5]),
        (RetryStrategy::Exponential { base, factor: 2.0, max }, [1, 2, 4, 5]),
    ] {
        let waits = waits(&rt, strategy, Jitter::None, 4).await?;
        let due = due.map(Duration::from_millis);
        let is_early = waits.iter().zip(&due).any(|(wait, due)| wait < due);
        ensure!(waits.len() == 4 && !is_early, "{strategy:?}: {waits:?}");
        ensure!(!at.virtual_time || waits == due, "{strategy:?}: {waits:?}");
    }
    Ok(())
}

pub async fn with_jitter_it_is_within_its_bounds<R: Runtime>(rt: R, at: Facts) -> Outcome {
    // Where time costs nothing, the delay is so long that no two waits are the same by chance.
    let delay = if at.virtual_time { 1.hours() } else { 2.millis() };
    for (jitter, least) in [(Jitter::Full, Duration::ZERO), (Jitter::Equal, delay / 2)] {
        let mut waits = waits(&rt, RetryStrategy::Fixed { delay }, jitter, 8).await?;
        ensure!(waits.iter().all(|wait| *wait >= least), "{jitter:?}: {waits:?}");
        if at.virtual_time {
            ensure!(waits.iter().all(|wait| *wait <= delay), "{jitter:?}: {waits:?}");
            waits.sort();
            waits.dedup();
            ensure!(waits.len() == 8, "{jitter:?}: all the same, {waits:?}");
        }
    }
    Ok(())
}

pub async fn the_default_backoff_doubles_from_100_ms_with_full_jitter<R: Runtime>(
    rt: R,
    at: Facts,
) -> Outcome {
    let task = AsyncTask::to::<()>().on(&rt).retry(1).spawn(pending::<()>);
    ensure!(task.retry_strategy() == Some(RetryStrategy::default()) && Jitter::default() == Jitter::Full);
    task.cancel(CancelLevel::Kill).await;
    if at.virtual_time {
        let begun = rt.now();
        let builder = AsyncTask::to::<()>().on(&rt).retry(3);
        exhausted(builder.run(|| async { Err::<(), _>("an attempt") }).await)?;
        let took = rt.now().duration_since(begun);
        // No seed gives a jitter of exactly none, or of all of it.
        ensure!(took > Duration::ZERO && took < 700.millis(), "{took:?}");
    }
    Ok(())
}

pub async fn a_factor_that_cannot_work_is_refused_before_any_attempt<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for factor in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -2.0, 0.0, 0.999] {
        let calls = Calls::default();
        let (counted, recounted) = (calls.clone(), calls.clone());
        let strategy = RetryStrategy::Exponential { base: 1.millis(), factor, max: 1.millis() };
        let builder = AsyncTask::to::<u32>().on(&rt).retry(3).backoff(strategy);
        for error in [
            failed(builder.clone().run(move || recounted.next()).await)?,
            failed(builder.spawn(move || counted.next()).await)?,
        ] {
            ensure!(matches!(error, AsyncTaskError::InvalidConfig(_)), "{factor}: {error:?}");
            ensure!(error.to_string().contains(&format!("factor {factor}")), "{error}");
        }
        ensure!(calls.made() == 0, "{factor}");
    }
    Ok(())
}

/// A task that has failed once, and tries again in an hour.
pub(super) async fn waiting<R: Runtime>(rt: &R) -> (Task<u32, R>, Calls) {
    waiting_with(AsyncTask::to().on(rt).retry(5)).await
}

/// As [`waiting`], on a builder with more policies.
pub(crate) async fn waiting_with<R: Runtime>(
    builder: TaskBuilder<u32, R, Retrying<u32>>,
) -> (Task<u32, R>, Calls) {
    let calls = Calls::default();
    let counted = calls.clone();
    let builder = builder.backoff(RetryStrategy::Fixed { delay: 1.hours() }).jitter(Jitter::None);
    let task = builder.spawn(move || {
        let call = counted.next();
        async move { Err::<u32, _>(Broken(call)) }
    });
    // A retry is counted once it is certain that another attempt follows.
    while task.retry_count() == 0 {
        yield_now().await;
    }
    (task, calls)
}

pub async fn a_cancellation_ends_it_at_once<R: Runtime>(rt: R, at: Facts) -> Outcome {
    for level in [CancelLevel::Graceful, CancelLevel::Kill, CancelLevel::KillHard] {
        let (task, calls) = waiting(&rt).await;
        let (canceller, begun) = (task.canceller(), rt.now());
        let end = task.cancel(level).await;
        // A hard kill does not wait for a poll in progress.
        let end = if end.has_ended() { end } else { canceller.cancel(CancelLevel::Graceful).await };
        ensure!(
            (end.outcome(), end.status()) == (CancelOutcome::Cancelled, TaskStatus::Cancelled),
            "{end:?}"
        );
        ensure!((end.level(), end.cause()) == (Some(level), Some(CancelCause::Requested)), "{end:?}");
        let AsyncTaskError::Cancelled { level: found, cause, .. } = failed(task.await)? else {
            bail!("not cancelled")
        };
        ensure!((found, cause) == (level, CancelCause::Requested) && calls.made() == 1);
        is_due(&rt, at, begun, Duration::ZERO)?;
    }
    Ok(())
}

pub async fn a_dropped_handle_ends_it_at_once<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (task, calls) = waiting(&rt).await;
    let (canceller, begun) = (task.canceller(), rt.now());
    drop(task);
    let end = canceller.cancel(CancelLevel::Graceful).await;
    ensure!(end.was_cancelled() && end.cause() == Some(CancelCause::HandleDropped), "{end:?}");
    ensure!(calls.made() == 1);
    is_due(&rt, at, begun, Duration::ZERO)
}

pub async fn callbacks_run_before_the_end_of_a_gracefully_cancelled_backoff<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let (mut task, calls) = waiting(&rt).await;
    let (called, entered, open, ended) = (Latch::new(), Latch::new(), Latch::new(), Latch::new());
    let call = called.clone();
    task.on_cancel(move || call.set())?;
    let (enter, opened, ends) = (entered.clone(), open.clone(), ended.clone());
    task.on_cancel(move || async move {
        enter.set();
        opened.wait().await;
        ends.set();
    })?;
    let end = task.cancel_gracefully().grace(1.hours());
    entered.wait().await;
    crate::cases::scopes::stays_pending(&rt, &mut task).await?;
    open.set();
    let end = end.await;
    ensure!(
        (end.outcome(), end.level()) == (CancelOutcome::Cancelled, Some(CancelLevel::Graceful)),
        "{end:?}"
    );
    ensure!(called.is_set() && ended.is_set() && calls.made() == 1);
    ensure!(failed(task.await)?.is_cancelled());
    Ok(())
}

pub async fn a_cancellation_of_the_task_around_ends_it<R: Runtime>(rt: R, at: Facts) -> Outcome {
    for level in [CancelLevel::Graceful, CancelLevel::Kill] {
        let (calls, waiting, inner) = (Calls::default(), Latch::new(), rt.clone());
        let (counted, waits) = (calls.clone(), waiting.clone());
        let task = AsyncTask::to::<()>().on(&rt).grace(1.hours()).try_spawn(move || async move {
            let builder = AsyncTask::to::<()>().on(&inner).retry(5);
            let builder = builder.backoff(RetryStrategy::Fixed { delay: 1.hours() }).jitter(Jitter::None);
            let run = builder.run(move || {
                let call = counted.next();
                async move { Err::<(), _>(Broken(call)) }
            });
            // The first poll makes an attempt, and then waits.
            let mut run = Box::pin(run);
            if poll_once(&mut run).await.is_none() {
                waits.set();
            }
            Ok(run.await?)
        });
        waiting.wait().await;
        let begun = rt.now();
        let end = task.cancel(level).await;
        is_due(&rt, at, begun, Duration::ZERO)?;
        ensure!(calls.made() == 1, "{end:?}");
        let error = failed(task.await)?;
        let killed = level == CancelLevel::Kill;
        let cause = if killed { CancelCause::Requested } else { CancelCause::ParentCancelled };
        ensure!(cause_of(&error) == Some(cause), "{error:?}");
    }
    Ok(())
}

pub async fn an_attempt_gracefully_cancelled_decides_the_end_of_the_task<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    for succeeds in [false, true] {
        let (calls, started) = (Calls::default(), Latch::new());
        let (counted, starts) = (calls.clone(), started.clone());
        let builder = AsyncTask::to::<u32>().on(&rt).grace(1.hours()).retry(5);
        let task = builder.backoff(RetryStrategy::Immediate).spawn_with(move |cx: TaskContext| {
            let (call, starts) = (counted.next(), starts.clone());
            async move {
                if call == 1 {
                    return Err(Broken(call));
                }
                starts.set();
                cx.cancelled().await;
                if succeeds { Ok(call) } else { Err(Broken(call)) }
            }
        });
        started.wait().await;
        let end = task.cancel_gracefully().await;
        let (outcome, status) = match succeeds {
            true => (CancelOutcome::Success, TaskStatus::Completed),
            false => (CancelOutcome::Failure, TaskStatus::Failed),
        };
        ensure!((end.outcome(), end.status()) == (outcome, status), "{end:?}");
        ensure!(calls.made() == 2, "no attempt begins once it was asked");
        match task.await {
            Ok(value) => ensure!(succeeds && value == 2),
            Err(error) => {
                ensure!(error.is_failure() && error.downcast_ref() == Some(&Broken(2)), "{error:?}")
            }
        }
    }
    Ok(())
}

pub async fn work_without_any_can_be_killed_between_its_attempts<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (calls, started) = (Calls::default(), Latch::new());
    let (counted, starts) = (calls.clone(), started.clone());
    let builder = AsyncTask::to::<()>().on(&rt).retry(u32::MAX).backoff(RetryStrategy::Immediate);
    let task = builder.spawn(move || {
        // The work is never pending by itself: other tasks run between its attempts.
        if counted.next() == 3 {
            starts.set();
        }
        async { Err::<(), _>("an attempt") }
    });
    started.wait().await;
    // With threads, the request may come within an attempt, whose error is then that of the task.
    let end = task.cancel(CancelLevel::Kill).await;
    ensure!(end.was_cancelled() || (!at.virtual_time && end.outcome() == CancelOutcome::Failure), "{end:?}");
    ensure!(!failed(task.await)?.is_retries_exhausted());
    let made = calls.made();
    AsyncTask::to::<()>().on(&rt).spawn(|| async {}).await?;
    ensure!(calls.made() == made && made >= 3);
    Ok(())
}
