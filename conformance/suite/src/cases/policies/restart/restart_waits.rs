//! Recovery, supervision: a restart waits for its backoff, and a cancellation ends the wait at once.
//! The cancellation of another task, passed on by the work, is a failure like any other.

use std::time::Instant;

use crate::library::{
    CancellableTask as _, Jitter, RecoverableTask as _, RestartPolicy, RetryStrategy, TaskContext,
};

use super::restarts::{Broken, Calls, in_all};
use crate::kit::cause_of;
use crate::kit::entropy::ScriptedEntropy;
use crate::kit::prelude::*;

pub async fn a_policy_that_counts_nothing_is_refused_before_any_call<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let calls = Calls::default();
    let nothing = RestartPolicy { intensity: 1, period: Duration::ZERO };
    let (max, factor) = (1.seconds(), f64::NAN);
    let wrong = RetryStrategy::Exponential { base: max, factor, max };
    let builder = AsyncTask::to::<()>().on(&rt);
    for supervised in
        [builder.clone().supervise(nothing), builder.clone().supervise(in_all(1)).backoff(wrong)]
    {
        let counted = calls.clone();
        let task = supervised.spawn(move || {
            counted.next();
            async {}
        });
        let error = failed(task.await)?;
        ensure!(matches!(error, AsyncTaskError::InvalidConfig(_)), "{error:?}");
    }
    ensure!(calls.made() == 0);
    // A policy without any restart is valid.
    builder.supervise(in_all(0)).spawn(|| async {}).await?;
    Ok(())
}

/// The times at which the attempts begin. Each attempt fails at once, except for the last.
async fn begins<R: Runtime>(
    rt: &R,
    attempts: u32,
    policy: RestartPolicy,
    wait: Option<(RetryStrategy, Jitter)>,
) -> Result<Vec<Duration>, Failure> {
    let (begin, begun) = async_channel::unbounded();
    let (calls, clock, start) = (Calls::default(), rt.clone(), rt.now());
    let mut supervised = AsyncTask::to::<()>().on(rt).supervise(policy);
    if let Some((strategy, jitter)) = wait {
        supervised = supervised.backoff(strategy).jitter(jitter);
    }
    let task = supervised.spawn(move || {
        let call = calls.next();
        let _ = begin.try_send(clock.now());
        async move { if call < attempts { Err(Broken(call)) } else { Ok(()) } }
    });
    task.await?;
    let since = |at: Instant| at.saturating_duration_since(start);
    Ok(std::iter::from_fn(|| begun.try_recv().ok()).map(since).collect())
}

pub async fn a_restart_waits_for_the_set_backoff<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (base, step, max) = (10.millis(), 5.millis(), 18.millis());
    for (strategy, due) in [
        (RetryStrategy::Immediate, [0, 0, 0, 0]),
        (RetryStrategy::Fixed { delay: base }, [0, 10, 20, 30]),
        (RetryStrategy::Linear { base, step, max }, [0, 10, 25, 43]),
        (RetryStrategy::Exponential { base, factor: 1.5, max }, [0, 10, 25, 43]),
    ] {
        let begun = begins(&rt, 4, in_all(3), Some((strategy, Jitter::None))).await?;
        let due = due.map(Duration::from_millis);
        ensure!(begun.iter().zip(due).all(|(begun, due)| *begun >= due), "{strategy:?}: {begun:?}");
        ensure!(begun.len() == 4 && (!at.virtual_time || begun == due), "{strategy:?}: {begun:?}");
    }
    Ok(())
}

pub async fn the_default_backoff_doubles_from_100_ms_with_full_jitter<R: Runtime>(
    rt: R,
    at: Facts,
) -> Outcome {
    let attempts = if at.virtual_time { 12 } else { 2 };
    let begun = begins(&rt, attempts, in_all(u32::MAX), None).await?;
    let strategy = RetryStrategy::default();
    for (number, pair) in (1..).zip(begun.windows(2)) {
        let [before, after] = pair else { bail!("not two") };
        let (wait, most) = (*after - *before, strategy.delay(number));
        ensure!(!at.virtual_time || wait <= most, "{number}: {wait:?} of {most:?}");
    }
    // Eleven draws of zero from waits of up to 20 s would be no chance.
    let last = begun.last().copied().unwrap_or_default();
    ensure!(!at.virtual_time || last > Duration::ZERO);
    Ok(())
}

pub async fn restarts_that_no_longer_count_make_the_wait_short_again<R: Runtime>(
    rt: R,
    at: Facts,
) -> Outcome {
    if !at.virtual_time {
        return Ok(());
    }
    // Waits of 10 ms, then of 20 ms: after 30 ms the first restart no longer counts, so that the second wait
    // of each pair is 20 ms.
    let policy = RestartPolicy { intensity: 5, period: 25.millis() };
    let (base, max) = (10.millis(), 1.hours());
    let wait = (RetryStrategy::Exponential { base, factor: 2.0, max }, Jitter::None);
    let begun = begins(&rt, 20, policy, Some(wait)).await?;
    let waits: Vec<_> = begun.windows(2).filter_map(|pair| Some(*pair.last()? - *pair.first()?)).collect();
    ensure!(waits.iter().all(|wait| *wait <= 20.millis()), "{waits:?}");
    ensure!(waits.first() == Some(&10.millis()) && waits.contains(&20.millis()), "{waits:?}");
    Ok(())
}

pub async fn a_cancellation_ends_the_wait_at_once<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for level in [CancelLevel::Graceful, CancelLevel::Kill] {
        let (calls, failing) = (Calls::default(), Latch::new());
        let (counted, fails) = (calls.clone(), failing.clone());
        let supervised = AsyncTask::to::<()>().on(&rt).supervise(in_all(5));
        let mut task = supervised
            .backoff(RetryStrategy::Fixed { delay: Duration::MAX })
            .jitter(Jitter::None)
            .spawn(move || {
                counted.next();
                fails.set();
                async { Err::<(), _>("an attempt") }
            });
        failing.wait().await;
        for _ in 0..20 {
            yield_now().await;
        }
        ensure!(poll_once(&mut task).await.is_none());
        // On any clock: the wait has no end.
        drop(task.cancel(level));
        let error = failed(task.await)?;
        ensure!(calls.made() == 1 && !error.is_retries_exhausted(), "{error:?}");
    }
    Ok(())
}

pub async fn a_cancelled_helper_task_is_a_failure_like_any_other<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (calls, inner) = (Calls::default(), rt.clone());
    let counted = calls.clone();
    let supervised = AsyncTask::to::<u32>().on(&rt).supervise(in_all(2)).backoff(RetryStrategy::Immediate);
    let task = supervised.clone().spawn(move || {
        let (call, rt) = (counted.next(), inner.clone());
        async move {
            let helper = AsyncTask::to::<u32>()
                .on(&rt)
                .spawn(move || async move { if call < 3 { pending().await } else { call } });
            if call < 3 {
                drop(helper.cancel(CancelLevel::Kill));
            }
            helper.await
        }
    });
    ensure!(task.await? == 3 && calls.made() == 3);
    // It is counted like any other.
    let inner = rt.clone();
    let task = supervised.spawn(move || {
        let rt = inner.clone();
        async move {
            let helper = AsyncTask::to::<u32>().on(&rt).spawn(pending::<u32>);
            drop(helper.cancel(CancelLevel::Kill));
            helper.await
        }
    });
    let AsyncTaskError::RetriesExhausted(retries) = failed(task.await)? else { bail!("not exhausted") };
    ensure!(retries.attempts() == 3 && cause_of(retries.last()) == Some(CancelCause::Requested));
    Ok(())
}

pub async fn work_that_cancels_itself_is_not_restarted<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let calls = Calls::default();
    let counted = calls.clone();
    let task = AsyncTask::to::<()>().on(&rt).supervise(in_all(5)).spawn(move || {
        counted.next();
        async {
            let cx = TaskContext::current().ok_or("no context")?;
            drop(cx.cancel(CancelLevel::Graceful));
            cx.cancelled().await;
            Err::<(), _>("it ends as it was asked to")
        }
    });
    let error = failed(task.await)?;
    ensure!(calls.made() == 1 && !error.is_retries_exhausted(), "{error:?}");
    Ok(())
}

pub async fn a_handle_reports_restarts_as_retries<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (calls, (permit, permitted)) = (Calls::default(), async_channel::unbounded::<()>());
    let (report, reported) = async_channel::unbounded();
    let supervised = AsyncTask::to::<()>().on(&rt).supervise(in_all(2)).backoff(RetryStrategy::Immediate);
    let task = supervised.spawn(move || {
        let (call, permitted, report) = (calls.next(), permitted.clone(), report.clone());
        async move {
            let _ = report.try_send(call);
            permitted.recv().await.map_err(|_| Broken(0))?;
            Err::<(), _>(Broken(call))
        }
    });
    ensure!((task.max_retries(), task.retry_strategy()) == (2, Some(RetryStrategy::Immediate)));
    ensure!(task.can_recover_from(&AsyncTaskError::failure(Broken(1))));
    ensure!(!task.can_recover_from(&AsyncTaskError::InvalidConfig("no use".into())));
    for restarts in 0..=2 {
        ensure!(reported.recv().await? == restarts + 1);
        ensure!(task.retry_count() == restarts && task.retries_exhausted() == (restarts == 2));
        if restarts < 2 {
            permit.send(()).await?;
        }
    }
    // The count starts at zero again, and as many more are permitted.
    task.reset_retry_count();
    ensure!(task.retry_count() == 0 && !task.retries_exhausted());
    for _ in 0..3 {
        permit.send(()).await?;
    }
    let AsyncTaskError::RetriesExhausted(retries) = failed(task.await)? else { bail!("not exhausted") };
    ensure!(retries.attempts() == 5);
    Ok(())
}

pub async fn a_restart_that_comes_too_late_is_not_waited_for<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let begun = rt.now();
    let builder = AsyncTask::to::<()>().on(&rt).timeout(1.hours());
    let wait = RetryStrategy::Fixed { delay: 2.hours() };
    let supervised = builder.supervise(in_all(5)).backoff(wait).jitter(Jitter::None);
    let error = failed(supervised.spawn(|| async { Err::<(), _>(Broken(1)) }).await)?;
    ensure!(error.downcast_ref() == Some(&Broken(1)), "{error:?}");
    ensure!(!at.virtual_time || rt.now() == begun);
    Ok(())
}

pub async fn without_jitter_a_restart_draws_no_random_number<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for (jitter, due) in [(Jitter::None, 0), (Jitter::Full, 2), (Jitter::Equal, 2)] {
        let (calls, scripted) = (Calls::default(), ScriptedEntropy::new(&rt, &[]));
        let counted = calls.clone();
        let supervised = AsyncTask::to::<u32>().on(&scripted).supervise(in_all(2)).jitter(jitter);
        let task = supervised.backoff(RetryStrategy::Fixed { delay: 1.millis() }).spawn(move || {
            let call = counted.next();
            async move { if call < 3 { Err(Broken(call)) } else { Ok(call) } }
        });
        ensure!(task.await? == 3 && scripted.drawn() == due, "{jitter:?}: {} numbers", scripted.drawn());
    }
    Ok(())
}
