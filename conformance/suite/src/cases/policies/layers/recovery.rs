//! Promise 3, composition: recovery is outside of all other policies, and gets each failure that they leave.
//! It is not under the task's own limit, and is not called after a cancellation.

use std::sync::Arc;
use std::time::Instant;

use crate::library::{
    CancelOutcome, CancellableTask as _, CircuitBreaker, Limiter, RestartPolicy, RetryStrategy, TaskContext,
    TimeoutKind,
};

use crate::cases::backoff::waiting_with;
use crate::cases::deadlines::is_due;
use crate::cases::restarts::{Broken, Calls};
use crate::kit::prelude::*;
use crate::kit::{cause_of, explode};

/// Recovery work that gives 7 for an error for which `is_due` is true, and fails for others.
fn mends(
    is_due: impl Fn(&AsyncTaskError) -> bool + Send + Sync + 'static,
) -> impl Fn(AsyncTaskError) -> std::future::Ready<Result<u32, AsyncTaskError>> + Send + Sync + 'static {
    move |error| std::future::ready(if is_due(&error) { Ok(7) } else { Err(error) })
}

pub async fn recovery_runs_after_all_other_policies_have_failed<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let builder = || AsyncTask::to::<u32>().on(&rt);
    let broken = || async { Err::<u32, _>(Broken(1)) };
    let task = builder().recover_with(mends(|error| error.downcast_ref() == Some(&Broken(1))));
    ensure!(task.clone().run(broken).await? == 7, "run");
    ensure!(task.clone().run_with(|_| broken()).await? == 7, "run_with");
    ensure!(task.clone().spawn(broken).await? == 7, "spawn");
    ensure!(task.clone().spawn_blocking(|| Err::<u32, _>(Broken(1))).await? == 7, "spawn_blocking");
    ensure!(task.clone().scope(|_| async { Err(Broken(1).into()) }).await? == 7, "scope");
    ensure!(task.run(|| async { 3 }).await? == 3, "a value is nothing to recover from");
    let task = builder().recover_with(mends(AsyncTaskError::is_panic));
    ensure!(task.spawn(|| async { explode::<u32>("a panic") }).await? == 7, "a panic");
    let task = builder().retry(2).backoff(RetryStrategy::Immediate);
    let task = task.recover_with(mends(AsyncTaskError::is_retries_exhausted));
    ensure!(task.clone().spawn(broken).await? == 7 && task.run(broken).await? == 7, "after all retries");
    let task = builder().attempt_timeout(5.millis());
    let task = task.recover_with(mends(
        |error| matches!(error, AsyncTaskError::Timeout(error) if error.kind() == TimeoutKind::Attempt),
    ));
    ensure!(task.spawn(pending::<u32>).await? == 7, "the limit of one attempt");
    Ok(())
}

pub async fn recovery_is_called_for_refusals<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let breaker = CircuitBreaker::builder().failure_threshold(1).open_timeout(1.hours()).build()?;
    let builder = AsyncTask::to::<u32>().on(&rt);
    let task = builder.clone().circuit_breaker(&breaker).recover_with(mends(AsyncTaskError::is_circuit_open));
    ensure!(failed(task.clone().run(|| async { Err::<u32, _>("opens it") }).await)?.is_failure());
    ensure!(task.spawn(|| async { 3 }).await? == 7, "a breaker's refusal");
    let limiter = Limiter::builder().max_concurrent(1).max_waiting(0).build()?;
    let (started, start) = (Latch::new(), Latch::new());
    let begin = started.clone();
    let holds = builder.clone().limiter(&limiter).spawn(|| async move {
        begin.set();
        start.wait().await;
        3
    });
    started.wait().await;
    let task = builder.clone().limiter(&limiter).recover_with(mends(AsyncTaskError::is_rejected));
    ensure!(task.run(|| async { 3 }).await? == 7, "a limiter's refusal");
    holds.cancel(CancelLevel::Kill).await;
    let wrong = RetryStrategy::Exponential { base: 1.millis(), factor: 0.0, max: 1.millis() };
    let task = builder.retry(1).backoff(wrong);
    let task = task.recover_with(mends(|error| matches!(error, AsyncTaskError::InvalidConfig(_))));
    ensure!(task.run(|| async { 3 }).await? == 7, "a setting that cannot work");
    Ok(())
}

pub async fn the_overall_timeout_does_not_cover_recovery<R: Runtime>(rt: R, at: Facts) -> Outcome {
    for (retries, spawned) in [(0, false), (0, true), (1, false), (1, true)] {
        let (alive, clock, begun) = (Census::default(), rt.clone(), rt.now());
        let (below, seen) = (alive.clone(), alive.clone());
        let recovery = move |error: AsyncTaskError| {
            let (clock, left) = (clock.clone(), seen.alive());
            async move {
                let AsyncTaskError::Timeout(limit) = &error else { return Err(error) };
                if left > 0 || limit.kind() != TimeoutKind::Overall || limit.limit() != 5.millis() {
                    return Err(error);
                }
                clock.sleep(20.millis()).await?;
                Ok(7)
            }
        };
        let work = move || {
            let resident = below.enter();
            async move {
                let _resident = resident;
                pending::<u32>().await
            }
        };
        let builder = AsyncTask::to::<u32>().on(&rt).timeout(5.millis()).recover_with(recovery);
        let value = match (retries, spawned) {
            (0, false) => builder.run(work).await?,
            (0, true) => builder.spawn(work).await?,
            (_, false) => builder.retry(retries).run(work).await?,
            (_, true) => builder.retry(retries).spawn(work).await?,
        };
        ensure!(value == 7);
        is_due(&rt, at, begun, 25.millis())?;
    }
    Ok(())
}

pub async fn a_limit_that_passes_while_a_callback_runs_is_recovered_from<R: Runtime>(
    rt: R,
    at: Facts,
) -> Outcome {
    // A clock that stands still while there is something to do never passes a limit between two readings.
    if at.virtual_time {
        return Ok(());
    }
    let (started, clock) = (Latch::new(), rt.clone());
    let start = started.clone();
    let due = rt.now() + 30.millis();
    let builder = AsyncTask::to::<u32>().on(&rt).grace(1.hours()).timeout_at(due);
    let task = builder.recover_with(mends(AsyncTaskError::is_timeout)).spawn(|| async move {
        start.set();
        pending::<u32>().await
    });
    started.wait().await;
    task.on_cancel(move || {
        while clock.now() < due {
            std::thread::yield_now();
        }
    })?;
    drop(task.cancel_gracefully());
    ensure!(task.await? == 7);
    Ok(())
}

pub async fn the_limit_of_an_enclosing_task_covers_recovery<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (begun, recovers, inner) = (rt.now(), Latch::new(), rt.clone());
    let begins = recovers.clone();
    let task = AsyncTask::to::<u32>().on(&rt).timeout(20.millis()).spawn(move || async move {
        let builder = AsyncTask::to::<u32>().on(&inner).timeout(5.millis()).recover_with(move |_| {
            begins.set();
            pending::<u32>()
        });
        builder.run(pending::<u32>).await
    });
    let error = crate::cases::deadlines::passed(task.await)?;
    ensure!(error.limit() == 20.millis());
    ensure!(recovers.is_set() || !at.virtual_time);
    is_due(&rt, at, begun, 20.millis())
}

pub async fn recovery_is_not_called_for_cancellations_and_shutdown<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let asked = Calls::default();
    let counted = || {
        let asked = asked.clone();
        move |_| std::future::ready(asked.next())
    };
    for level in [CancelLevel::Graceful, CancelLevel::Kill] {
        let task = AsyncTask::to::<u32>().on(&rt).recover_with(counted());
        let task = task.grace(Duration::ZERO).spawn(pending::<u32>);
        task.cancel(level).await;
        ensure!(cause_of(&failed(task.await)?) == Some(CancelCause::Requested));
        let (task, _) = waiting_with(AsyncTask::to().on(&rt).recover_with(counted()).retry(5)).await;
        ensure!(task.cancel(level).await.was_cancelled());
        ensure!(failed(task.await)?.is_cancelled());
    }
    // Nor if the work itself gives such an error.
    let builder = AsyncTask::to::<u32>().on(&rt).recover_with(counted());
    let shutdown = builder.clone().run(|| async { Err::<u32, _>(AsyncTaskError::Shutdown) });
    ensure!(failed(shutdown.await)?.is_shutdown());
    let cancelled = || AsyncTaskError::cancelled(CancelLevel::Kill, CancelCause::Requested);
    ensure!(failed(builder.run(|| async { Err::<u32, _>(cancelled()) }).await)?.is_cancelled());
    ensure!(asked.made() == 0);
    Ok(())
}

pub async fn it_may_fail_or_panic_itself<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let builder = AsyncTask::to::<u32>().on(&rt);
    let broken = || async { Err::<u32, _>(Broken(1)) };
    let fails = builder.clone().recover_with(|_| async { Err::<u32, _>(Broken(2)) });
    for error in [failed(fails.clone().run(broken).await)?, failed(fails.spawn(broken).await)?] {
        ensure!(error.downcast_ref() == Some(&Broken(2)), "{error:?}");
    }
    let panics = builder.clone().recover_with(|_| async { explode::<u32>("in the future") });
    for error in [failed(panics.clone().run(broken).await)?, failed(panics.spawn(broken).await)?] {
        ensure!(error.is_panic() && error.to_string().contains("in the future"), "{error:?}");
    }
    let panics = builder.recover_with(|_| explode::<std::future::Ready<u32>>("in the closure"));
    for error in [failed(panics.clone().run(broken).await)?, failed(panics.spawn(broken).await)?] {
        ensure!(error.is_panic() && error.to_string().contains("in the closure"), "{error:?}");
    }
    Ok(())
}

/// A task whose recovery has begun, a latch that lets it go on and give 7, and a latch that is set when it is
/// dropped.
async fn recovering<R: Runtime>(rt: &R) -> (Task<u32, R>, Latch, Latch) {
    let (begun, open, dropped) = (Latch::new(), Latch::new(), Latch::new());
    let (begin, opened, drops) = (begun.clone(), open.clone(), dropped.clone());
    let builder = AsyncTask::to::<u32>().on(rt).grace(1.hours()).recover_with(move |_| {
        let (guard, begin, opened) = (drops.on_drop(), begin.clone(), opened.clone());
        async move {
            let _guard = guard;
            begin.set();
            opened.wait().await;
            7
        }
    });
    let task = builder.spawn(|| async { Err::<u32, _>(Broken(1)) });
    begun.wait().await;
    (task, open, dropped)
}

pub async fn a_kill_drops_it<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (task, _open, dropped) = recovering(&rt).await;
    ensure!(!dropped.is_set());
    ensure!(task.cancel(CancelLevel::Kill).await.was_cancelled() && dropped.is_set());
    ensure!(cause_of(&failed(task.await)?) == Some(CancelCause::Requested));
    Ok(())
}

pub async fn a_recovered_value_counts_after_a_graceful_request<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (task, open, _) = recovering(&rt).await;
    let end = task.cancel_gracefully();
    open.set();
    ensure!(end.await.outcome() == CancelOutcome::Success && task.await? == 7);
    Ok(())
}

pub async fn supervised_work_is_recovered_once_after_all_attempts<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (calls, asked) = (Calls::default(), Calls::default());
    let (counted, asking) = (calls.clone(), asked.clone());
    let policy = RestartPolicy { intensity: 3, period: Duration::MAX };
    let builder = AsyncTask::to::<u32>().on(&rt).recover_with(move |error| {
        asking.next();
        mends(|error| error.is_retries_exhausted() && error.downcast_ref() == Some(&Broken(4)))(error)
    });
    let task = builder.supervise(policy).spawn(move || {
        let call = counted.next();
        async move { Err::<u32, _>(Broken(call)) }
    });
    ensure!(task.await? == 7 && (calls.made(), asked.made()) == (4, 1));
    Ok(())
}

pub async fn it_is_part_of_the_task<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let seen: Arc<std::sync::OnceLock<Option<Instant>>> = Arc::default();
    let sees = seen.clone();
    let builder = AsyncTask::to::<u32>().on(&rt).name("whole").with(7u32).timeout(1.hours());
    let task = builder.recover_with(move |_| {
        let sees = sees.clone();
        async move {
            let cx = TaskContext::current().ok_or("no context")?;
            let _ = sees.set(cx.deadline());
            let value = cx.get::<u32>().filter(|_| cx.name().as_deref() == Some("whole"));
            value.map(|value| *value).ok_or("no value, or no name")
        }
    });
    ensure!(task.spawn(|| async { Err::<u32, _>(Broken(1)) }).await? == 7);
    ensure!(seen.get() == Some(&None), "it is under no limit: {seen:?}");
    Ok(())
}
