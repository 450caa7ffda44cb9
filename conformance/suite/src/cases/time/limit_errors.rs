//! Promise 4, precedence: a timeout error names its limit, its attempts and the failure before it.
//! The limit of other work that is passed on is a failure.

use std::borrow::Borrow;

use crate::library::orchestra::OrchestratorError;
use crate::library::{
    CancelOutcome, CancellableTask as _, CircuitBreaker, RestartPolicy, RetryStrategy, TaskContext,
    TimedTask as _, TimeoutError, TimeoutKind,
};

use super::deadlines::passed;
use crate::cases::backoff::waiting_with;
use crate::cases::restarts::{Broken, Calls};
use crate::kit::orchestras::orchestra;
use crate::kit::prelude::*;

/// Returns work that fails in its first call, and then never ends.
fn fails_then_waits(calls: &Calls) -> impl Fn() -> FailsThenWaits + Send + Sync + Clone + 'static {
    let calls = calls.clone();
    move || {
        let call = calls.next();
        Box::pin(async move { if call == 1 { Err(Broken(call)) } else { pending().await } })
    }
}

type FailsThenWaits = std::pin::Pin<Box<dyn Future<Output = Result<(), Broken>> + Send>>;

/// Checks that the limit has ended the second attempt, and that its error reports the failure of the first.
fn check_first_failure(error: &AsyncTaskError) -> Outcome {
    let AsyncTaskError::Timeout(timeout) = error else { bail!("not a timeout: {error:?}") };
    ensure!((timeout.kind(), timeout.attempts()) == (TimeoutKind::Overall, 2), "{error:?}");
    ensure!(timeout.last().and_then(|last| last.downcast_ref()) == Some(&Broken(1)), "{error:?}");
    let text = error.to_string();
    ensure!(text.contains("in attempt 2; the one before had failed"), "{text}");
    Ok(())
}

pub async fn a_timeout_of_supervised_work_has_the_last_failure<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let policy = RestartPolicy { intensity: 5, period: 1.hours() };
    let breaker = CircuitBreaker::builder().failure_threshold(9).build()?;
    for guarded in [false, true] {
        let builder = AsyncTask::to::<()>().on(&rt).timeout(1.hours());
        let (calls, work) = {
            let calls = Calls::default();
            (calls.clone(), fails_then_waits(&calls))
        };
        let task = match guarded {
            false => builder.supervise(policy).backoff(RetryStrategy::Immediate).spawn(work),
            true => {
                let supervised = builder.circuit_breaker(&breaker).supervise(policy);
                supervised.backoff(RetryStrategy::Immediate).spawn(work)
            }
        };
        while calls.made() < 2 {
            yield_now().await;
        }
        task.set_deadline(rt.now())?;
        check_first_failure(&failed(task.await)?)?;
    }
    Ok(())
}

/// Runs work under a limit, and again under a longer one while that passes before the second attempt has begun, as it
/// may on a busy machine. Checks the error.
async fn within_a_limit<F, E>(run: impl Fn(Duration) -> F) -> Outcome
where
    F: Future<Output = Result<E, crate::Failure>>,
    E: Borrow<AsyncTaskError>,
{
    let mut limit = 20.millis();
    loop {
        let error = run(limit).await?;
        let error = error.borrow();
        let is_early = matches!(error, AsyncTaskError::Timeout(timeout) if timeout.attempts() < 2);
        if !is_early || limit > 10.seconds() {
            return check_first_failure(error);
        }
        limit *= 10;
    }
}

pub async fn a_timeout_in_an_orchestra_has_the_last_failure<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let builder = || AsyncTask::to::<()>().on(&rt).retry(5).backoff(RetryStrategy::Immediate);
    for limited in [false, true] {
        let new = || {
            let all = orchestra(&rt);
            if limited { all.max_concurrency(1) } else { all }.build()
        };
        within_a_limit(|limit| async move {
            let all = new()?;
            all.register_task("node", builder().timeout(limit), fails_then_waits(&Calls::default()))?;
            let error = failed(all.run().await)?;
            let OrchestratorError::TaskFailed { error, .. } = error else { bail!("{error:?}") };
            Ok(error)
        })
        .await?;
        within_a_limit(|limit| async move {
            let ad_hoc = builder().orchestrator(&new()?).timeout(limit);
            failed(ad_hoc.run(fails_then_waits(&Calls::default())).await)
        })
        .await?;
    }
    Ok(())
}

pub async fn a_timeout_of_in_place_work_has_the_last_failure<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let builder = || AsyncTask::to::<()>().on(&rt).retry(5).backoff(RetryStrategy::Immediate);
    within_a_limit(|limit| async move {
        failed(builder().timeout(limit).run(fails_then_waits(&Calls::default())).await)
    })
    .await
}

pub async fn a_timeout_in_the_first_backoff_has_the_failure_before_it<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let (task, calls) = waiting_with(AsyncTask::to().on(&rt).name("fetch").retry(5)).await;
    task.set_deadline(rt.now())?;
    let error = failed(task.await)?;
    let text = "task `fetch` timed out after 0ns, waiting to try again; attempt 1 had failed";
    ensure!(error.to_string().starts_with(text), "{error}");
    let error: TimeoutError = passed::<()>(Err(error))?;
    ensure!((error.attempts(), calls.made()) == (1, 1), "{error:?}");
    ensure!(error.last().and_then(|last| last.downcast_ref()) == Some(&Broken(1)), "{error:?}");
    Ok(())
}

/// Work whose own attempt is too slow.
async fn slow<R: Runtime>(rt: R, spawned: bool) -> Result<u32, AsyncTaskError> {
    let builder = AsyncTask::to::<u32>().on(&rt).attempt_timeout(5.millis());
    if spawned { builder.spawn(pending::<u32>).await } else { builder.run(pending::<u32>).await }
}

pub async fn a_passed_on_timeout_of_another_task_is_a_failure<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for (spawned, retries) in [(false, None), (true, None), (false, Some(0)), (true, Some(0))] {
        let inner = rt.clone();
        let work = move || slow(inner.clone(), spawned);
        let builder = AsyncTask::to::<u32>().on(&rt).timeout(1.hours()).attempt_timeout(30.minutes());
        let mut task = match retries {
            None => builder.spawn(work),
            Some(retries) => builder.retry(retries).spawn(work),
        };
        let error = failed((&mut task).await)?;
        // The error is as it was: a limit of other work, and a failure of this.
        ensure!(passed::<()>(Err(error))?.kind() == TimeoutKind::Attempt);
        ensure!(!task.is_expired(), "its own deadline is far off");
        let end = task.cancel(CancelLevel::Kill).await;
        ensure!((end.outcome(), end.status()) == (CancelOutcome::Failure, TaskStatus::Failed), "{end:?}");
    }
    Ok(())
}

pub async fn a_timeout_of_a_member_is_a_failure_of_its_scope<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (inner, (give, given)) = (rt.clone(), async_channel::bounded(1));
    let scope = AsyncTask::to::<()>().on(&rt).timeout(1.hours()).scope(|s| async move {
        give.send(s.context().clone()).await?;
        s.spawn_as(AsyncTask::to::<()>().on(&inner).attempt_timeout(5.millis()), pending::<()>);
        Ok(())
    });
    ensure!(failed(scope.await)?.is_timeout());
    let scope: TaskContext = given.recv().await?;
    ensure!(!scope.is_expired() && scope.status() == TaskStatus::Failed);
    ensure!(scope.cancel(CancelLevel::Kill).await.outcome() == CancelOutcome::Failure);
    Ok(())
}

pub async fn an_attempt_timeout_does_not_expire_the_task<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let builder = AsyncTask::to::<()>().on(&rt).timeout(1.hours()).attempt_timeout(5.millis());
    let mut task = builder.spawn(pending::<()>);
    ensure!(passed((&mut task).await)?.kind() == TimeoutKind::Attempt);
    ensure!(!task.is_expired() && task.remaining().is_some_and(|left| left > 30.minutes()));
    ensure!(task.cancel(CancelLevel::Kill).await.outcome() == CancelOutcome::Timeout, "but a limit was it");
    Ok(())
}

pub async fn a_passed_on_timeout_wins_a_tie_with_the_own_deadline<R: Runtime>(rt: R, at: Facts) -> Outcome {
    // The limit of other work passes at the moment of this one's deadline, and is passed on in the same poll:
    // a ready result wins.
    let inner = rt.clone();
    let work = move || {
        let inner = inner.clone();
        async move { slow(inner, false).await }
    };
    let task = AsyncTask::to::<u32>().on(&rt).timeout(5.millis()).spawn(work);
    let error = passed(task.await)?;
    ensure!(!at.virtual_time || error.kind() == TimeoutKind::Attempt, "{error:?}");
    Ok(())
}
