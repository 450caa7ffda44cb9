//! Schedules: policies are those of each run, and work of all kinds can be
//! repeated, on the executor and in place.

use crate::library::{CircuitBreaker, Jitter, RetryStrategy, Schedule, TaskContext};
use futures_lite::future::or;

use crate::cases::restarts::{Broken, Calls};
use crate::kit::prelude::*;

/// `runs` runs, one each millisecond.
fn often(runs: u64) -> Schedule {
    Schedule::every(1.millis()).take(runs)
}

pub async fn each_run_has_the_time_limit_anew<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let calls = Calls::default();
    let builder = AsyncTask::to::<()>().on(&rt).timeout(20.millis());
    let task = builder.repeat(Schedule::every(30.millis()).take(3)).spawn(move || {
        let call = calls.next();
        async move {
            if call == 2 {
                pending::<()>().await;
            }
        }
    });
    let report = task.await?;
    // On a busy machine a run that only ends may be late, too, and a value in time is never lost.
    ensure!((report.runs, report.failures) == (3, 1), "{report:?}");
    ensure!(report.last_failure.is_some_and(|error| error.is_timeout()));
    Ok(())
}

pub async fn a_retried_run_is_one_run<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let calls = Calls::default();
    let counted = calls.clone();
    let builder = AsyncTask::to::<u32>().on(&rt).retry(2).backoff(RetryStrategy::Immediate);
    let task = builder.jitter(Jitter::None).repeat(often(2)).spawn(move || {
        let call = counted.next();
        async move { if call == 1 || call > 2 { Err(Broken(call)) } else { Ok(call) } }
    });
    // The first run: a failure and a success. The second: three failures.
    let report = task.await?;
    ensure!((report.runs, report.failures, calls.made()) == (2, 1, 5), "{report:?}");
    ensure!(report.last_failure.is_some_and(|error| error.is_retries_exhausted()));
    Ok(())
}

pub async fn an_open_breaker_refuses_runs<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let calls = Calls::default();
    let counted = calls.clone();
    let breaker = CircuitBreaker::builder().failure_threshold(1).open_timeout(1.hours()).build()?;
    let builder = AsyncTask::to::<()>().on(&rt).circuit_breaker(&breaker);
    let task = builder.repeat(often(3)).spawn(move || {
        let call = counted.next();
        async move { Err::<(), _>(Broken(call)) }
    });
    let report = task.await?;
    ensure!((report.runs, report.failures, calls.made()) == (3, 3, 1), "{report:?}");
    ensure!(report.last_failure.is_some_and(|error| error.is_circuit_open()));
    Ok(())
}

pub async fn a_recovery_is_that_of_each_run<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let calls = Calls::default();
    let recovered = calls.clone();
    let builder = AsyncTask::to::<u32>().on(&rt).recover_with(move |_| {
        let call = recovered.next();
        async move { call }
    });
    let report = builder.repeat(often(3)).spawn(|| async { Err::<u32, _>(Broken(1)) }).await?;
    ensure!((report.runs, report.failures, calls.made()) == (3, 0, 3), "{report:?}");
    Ok(())
}

pub async fn an_error_that_no_run_can_mend_ends_the_schedule<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let calls = Calls::default();
    let counted = calls.clone();
    let max = 1.seconds();
    let wrong = RetryStrategy::Exponential { base: max, factor: f64::NAN, max };
    let builder = AsyncTask::to::<()>().on(&rt).retry(1).backoff(wrong);
    let task = builder.repeat(Schedule::every(1.millis())).spawn(move || {
        counted.next();
        async {}
    });
    let error = failed(task.await)?;
    ensure!(matches!(error, AsyncTaskError::InvalidConfig(_)) && calls.made() == 0, "{error:?}");
    Ok(())
}

pub async fn work_of_all_kinds_can_be_repeated<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let repeat = || AsyncTask::to::<u32>().on(&rt).repeat(often(2));
    let reports = [
        repeat().spawn(|| 1_u32).await?,
        repeat().spawn(|| "1".parse::<u32>()).await?,
        repeat().spawn(|| async { 1_u32 }).await?,
        repeat().spawn(|| async { "1".parse::<u32>() }).await?,
        repeat().try_spawn(|| async { Ok("1".parse::<u32>()?) }).await?,
        repeat().spawn_with(|cx: TaskContext| async move { u32::from(cx.is_cancelled()) }).await?,
        repeat().run(|| 1_u32).await?,
        repeat().run(|| async { "1".parse::<u32>() }).await?,
        AsyncTask::to::<u32>().on(&rt).inline().repeat(often(2)).spawn(|| 1_u32).await?,
        AsyncTask::to::<u32>().on(&rt).retry(1).repeat(often(2)).run(|| async { 1_u32 }).await?,
    ];
    for report in reports {
        ensure!((report.runs, report.failures) == (2, 0), "{report:?}");
    }
    Ok(())
}

pub async fn the_deadline_of_a_task_around_ends_the_schedule<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (inner, before) = (rt.clone(), rt.now());
    let around = AsyncTask::to::<u64>().on(&rt).timeout(20.millis()).try_spawn(move || async move {
        let repeat = AsyncTask::to::<()>().on(&inner).repeat(Schedule::every(1.days()));
        Ok(repeat.run(|| async {}).await?.runs)
    });
    let error = failed(around.await)?;
    ensure!(error.is_timeout(), "{error:?}");
    let passed = rt.now().saturating_duration_since(before);
    ensure!(passed >= 20.millis() && (!at.virtual_time || passed == 20.millis()), "{passed:?}");
    Ok(())
}

pub async fn repeated_work_dropped_in_place_takes_its_run_along<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (started, dropped, inner) = (Latch::new(), Latch::new(), rt.clone());
    let (start, guarded) = (started.clone(), dropped.clone());
    let around = AsyncTask::to::<()>().on(&rt).spawn(move || async move {
        let repeat = AsyncTask::to::<()>().on(&inner).repeat(Schedule::every(1.days()));
        let whole = repeat.run(move || {
            start.set();
            let guard = guarded.on_drop();
            async move {
                let _guard = guard;
                pending::<()>().await
            }
        });
        or(async { drop(whole.await) }, started.wait()).await;
    });
    around.await?;
    ensure!(dropped.is_set(), "the task around has not waited for it");
    Ok(())
}
