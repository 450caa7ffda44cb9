//! Capabilities, `RecoverableTask`: a handle reports retries, resets their count and runs the recovery work.

use crate::library::{BoxError, Jitter, RecoverableTask, RetryStrategy, ScopedTask};

use super::backoff::waiting;
use super::retries::exhausted;
use crate::cases::restarts::{Broken, Calls};
use crate::kit::prelude::*;

pub async fn retries_are_reported_while_they_go_on<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (calls, (permit, permitted)) = (Calls::default(), async_channel::unbounded::<()>());
    let counted = calls.clone();
    let builder = AsyncTask::to::<()>().on(&rt).retry(3).backoff(RetryStrategy::Immediate);
    let (report, reported) = async_channel::unbounded();
    let mut task = builder.spawn(move || {
        let (call, permitted, report) = (counted.next(), permitted.clone(), report.clone());
        async move {
            let _ = report.try_send(call);
            permitted.recv().await?;
            Err::<(), BoxError>(Broken(call).into())
        }
    });
    ensure!(task.max_retries() == 3 && task.retry_strategy() == Some(RetryStrategy::Immediate));
    for retries in 0..=3 {
        ensure!(reported.recv().await? == retries + 1);
        ensure!(task.retry_count() == retries && task.retries_exhausted() == (retries == 3));
        permit.send(()).await?;
    }
    ensure!(exhausted((&mut task).await)?.attempts() == 4);
    ensure!((task.retry_count(), task.max_retries()) == (3, 3), "as long as there is a handle");
    Ok(())
}

pub async fn a_reset_permits_as_many_retries_again<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (calls, (permit, permitted)) = (Calls::default(), async_channel::unbounded::<()>());
    let counted = calls.clone();
    let builder = AsyncTask::to::<()>().on(&rt).retry(2).backoff(RetryStrategy::Immediate);
    let (report, reported) = async_channel::unbounded();
    let task = builder.spawn(move || {
        let (call, permitted, report) = (counted.next(), permitted.clone(), report.clone());
        async move {
            let _ = report.try_send(call);
            permitted.recv().await?;
            Err::<(), BoxError>(Broken(call).into())
        }
    });
    for attempt in 1..=3 {
        ensure!(reported.recv().await? == attempt);
        if attempt == 3 {
            ensure!(task.retries_exhausted());
            task.reset_retry_count();
            ensure!(!task.retries_exhausted() && task.retry_count() == 0);
        }
        permit.send(()).await?;
    }
    permit.send(()).await?;
    permit.send(()).await?;
    let error = exhausted(task.await)?;
    ensure!(error.attempts() == 5 && calls.made() == 5, "all that were made are counted: {error:?}");
    Ok(())
}

pub async fn a_reset_does_not_cut_the_wait_short<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (task, calls) = waiting(&rt).await;
    ensure!((task.retry_count(), task.max_retries()) == (1, 5));
    task.reset_retry_count();
    ensure!(task.retry_count() == 0 && !task.retries_exhausted());
    // The wait in progress is not cut short.
    ensure!(task.cancel(CancelLevel::Kill).await.was_cancelled() && calls.made() == 1);
    Ok(())
}

/// Checks a task without retries and recovery.
fn has_none(task: &impl RecoverableTask) -> Outcome {
    ensure!((task.max_retries(), task.retry_count()) == (0, 0) && !task.retries_exhausted());
    ensure!(task.retry_strategy().is_none());
    task.reset_retry_count();
    ensure!(!task.can_recover_from(&AsyncTaskError::failure(Broken(1))));
    Ok(())
}

pub async fn a_task_without_retries_says_so<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let task = AsyncTask::to::<u32>().on(&rt).spawn(|| async { 3 });
    has_none(&task)?;
    let error = failed(task.recover(AsyncTaskError::failure(Broken(1))).await)?;
    ensure!(error.downcast_ref() == Some(&Broken(1)), "{error:?}");
    ensure!(task.await? == 3);
    let scope = AsyncTask::to().on(&rt).scope(|s| async move {
        let member: ScopedTask<u32, R> = s.spawn(|| async { Ok(3) });
        has_none(&member).map_err(|error| error.to_string())?;
        let error = member.recover(AsyncTaskError::failure(Broken(2))).await.err();
        Ok(error)
    });
    let error = scope.await?.context("there is no recovery")?;
    ensure!(error.downcast_ref() == Some(&Broken(2)), "{error:?}");
    Ok(())
}

pub async fn a_handle_reports_which_errors_are_retried_or_recovered<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let builder = AsyncTask::to::<u32>().on(&rt);
    let retried = builder.clone().retry(0).retry_if(|error| error.downcast_ref() != Some(&Broken(2)));
    let retried = retried.spawn(|| async { 3 });
    let recovered = builder.clone().recover_with(|_| async { 7 }).spawn(|| async { 3 });
    let both = builder.recover_with(|_| async { 7 }).retry(2).jitter(Jitter::None).spawn(|| async { 3 });
    let cancelled = || AsyncTaskError::cancelled(CancelLevel::Kill, CancelCause::Requested);
    for (error, by_retry, by_recovery) in [
        (AsyncTaskError::failure(Broken(1)), true, true),
        (AsyncTaskError::failure(Broken(2)), false, true),
        (AsyncTaskError::InvalidState("no use"), false, true),
        (AsyncTaskError::CircuitOpen { breaker: None, retry_after: Duration::ZERO }, false, true),
        (AsyncTaskError::Shutdown, false, false),
        (cancelled(), false, false),
    ] {
        ensure!(retried.can_recover_from(&error) == by_retry, "{error:?}");
        ensure!(recovered.can_recover_from(&error) == by_recovery, "{error:?}");
        ensure!(both.can_recover_from(&error) == (by_retry || by_recovery), "{error:?}");
    }
    ensure!(recovered.max_retries() == 0 && recovered.retry_strategy().is_none());
    ensure!(both.max_retries() == 2 && both.retry_strategy() == Some(RetryStrategy::default()));
    for task in [retried, recovered, both] {
        ensure!(task.await? == 3);
    }
    Ok(())
}

pub async fn recover_does_the_recovery_work_for_the_caller<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let asked = Calls::default();
    let asking = asked.clone();
    let builder = AsyncTask::to::<u32>().on(&rt).recover_with(move |error| {
        let call = asking.next();
        async move { if error.downcast_ref() == Some(&Broken(1)) { Ok(call) } else { Err(error) } }
    });
    let member = builder.clone();
    let task = builder.spawn(|| async { 100 });
    ensure!(task.recover(AsyncTaskError::failure(Broken(1))).await? == 1);
    ensure!(failed(task.recover(AsyncTaskError::failure(Broken(2))).await)?.is_failure());
    let cancelled = AsyncTaskError::cancelled(CancelLevel::Kill, CancelCause::Requested);
    ensure!(failed(task.recover(cancelled).await)?.is_cancelled() && asked.made() == 2);
    ensure!(task.await? == 100, "its own end is another matter");
    let scope = AsyncTask::to().on(&rt).scope(|s| async move {
        let task = s.spawn_as(member, || async { Err::<u32, _>(Broken(1)) });
        Ok((task.recover(AsyncTaskError::failure(Broken(1))).await?, task.await?))
    });
    // With threads, the task's own call may come before that of the caller.
    let values = scope.await?;
    ensure!(values == (3, 4) || values == (4, 3), "{values:?}");
    Ok(())
}
