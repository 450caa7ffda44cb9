//! Chaos, kinds: all kinds of work have it, and one future can have it alone.

use crate::library::orchestra::OrchestratorError;
use crate::library::{BoxError, Chaos, RestartPolicy, RetryStrategy, TaskContext};

use super::chaos_faults::is_injected;
use crate::cases::deadlines::is_due;
use crate::cases::restarts::Calls;
use crate::kit::orchestras::orchestra;
use crate::kit::prelude::*;

/// A chaos in which every attempt fails.
fn failing() -> Chaos {
    Chaos::new().failure(1.0)
}

pub async fn each_kind_of_work_can_have_chaos<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let calls = Calls::default();
    let builder = || AsyncTask::to::<u32>().on(&rt).chaos(failing());
    let work = || {
        let calls = calls.clone();
        move || calls.next()
    };
    let later = || {
        let calls = calls.clone();
        move |_: TaskContext| async move { calls.next() }
    };
    let errors = [
        failed(builder().run(|| async { calls.next() }).await)?,
        failed(builder().run(work()).await)?,
        failed(builder().inline().run(work()).await)?,
        failed(builder().run_blocking(work()).await)?,
        failed(builder().run_with(later()).await)?,
        failed(builder().try_run(|| async { Ok(calls.next()) }).await)?,
        failed(builder().scope(|_| async { Ok(calls.next()) }).await)?,
        failed(builder().spawn(work()).await)?,
        failed(builder().inline().spawn(work()).await)?,
        failed(builder().spawn_blocking(work()).await)?,
        failed(builder().spawn_with(later()).await)?,
        failed(builder().spawn_with_timeout(1.hours(), work()).await)?,
    ];
    for (number, error) in errors.iter().enumerate() {
        ensure!(error.is_failure() && is_injected(error), "{number}: {error:?}");
    }
    ensure!(calls.made() == 0, "work was called");
    Ok(())
}

pub async fn an_injected_failure_of_a_member_is_that_of_its_scope<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let member = AsyncTask::to::<u32>().on(&rt).chaos(failing());
    let scope = AsyncTask::to::<u32>().on(&rt).scope(|s| async move {
        s.spawn_as(member, || async { 1 });
        Ok(pending::<u32>().await)
    });
    let error = failed(scope.await)?;
    ensure!(is_injected(&error), "{error:?}");
    Ok(())
}

pub async fn supervised_work_is_restarted_after_injected_faults<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let policy = RestartPolicy { intensity: 2, period: Duration::MAX };
    for chaos in [failing(), Chaos::new().panic(1.0)] {
        let (attempts, calls) = (Calls::default(), Calls::default());
        let (begun, counted) = (attempts.clone(), calls.clone());
        let chaos = chaos.enabled_if(move || begun.next() <= 2);
        let builder = AsyncTask::to::<u32>().on(&rt).chaos(chaos).supervise(policy);
        let task = builder.backoff(RetryStrategy::Immediate).spawn(move || {
            let calls = counted.clone();
            async move { calls.next() }
        });
        ensure!(task.await? == 1 && (attempts.made(), calls.made()) == (3, 1));
    }
    // An injected error uses up a restart, whatever it is: also that of an open breaker.
    let open = || AsyncTaskError::CircuitOpen { breaker: None, retry_after: Duration::ZERO };
    for chaos in [failing(), Chaos::new().failure_with(1.0, open)] {
        let builder = AsyncTask::to::<u32>().on(&rt).chaos(chaos).supervise(policy);
        let error = failed(builder.backoff(RetryStrategy::Immediate).spawn(|| async { 1 }).await)?;
        let AsyncTaskError::RetriesExhausted(retries) = &error else { bail!("{error:?}") };
        ensure!(retries.attempts() == 3, "{} attempts", retries.attempts());
        ensure!(is_injected(&error) || retries.last().is_circuit_open(), "{error:?}");
    }
    Ok(())
}

pub async fn tasks_of_an_orchestrator_can_have_chaos<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let all = orchestra(&rt).build()?;
    let before = AsyncTask::to::<u32>().on(&rt).chaos(failing()).orchestrator(&all);
    let after = || AsyncTask::to::<u32>().on(&rt).orchestrator(&all).chaos(failing());
    let errors = [
        failed(before.run(|| async { 1 }).await)?,
        failed(after().spawn(|| async { 1 }).await)?,
        failed(after().run_blocking(|| 1).await)?,
        failed(after().retry(1).backoff(RetryStrategy::Immediate).run(|| async { 1 }).await)?,
    ];
    for (number, error) in errors.iter().enumerate() {
        ensure!(is_injected(error) && error.is_retries_exhausted() == (number == 3), "{number}: {error:?}");
    }
    let graph = orchestra(&rt).build()?;
    graph.register_task("node", AsyncTask::to::<u32>().chaos(failing()), || async { 1 })?;
    let error = failed(graph.run().await)?;
    let OrchestratorError::TaskFailed { error, .. } = &error else { bail!("{error:?}") };
    ensure!(is_injected(error), "{error:?}");
    Ok(())
}

pub async fn chaos_stands_alone<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let calls = Calls::default();
    let work = || async { Ok::<_, BoxError>(calls.next()) };
    let error = failed(failing().apply_on(&rt, work).await)?;
    ensure!(is_injected(&error), "{error:?}");
    ensure!(format!("{error:#}") == "the work failed: a failure injected by `Chaos`", "{error:#}");
    let error = failed(Chaos::new().panic(1.0).apply_on(&rt, work).await)?;
    ensure!(error.is_panic() && error.to_string().contains("injected by `Chaos`"), "{error:?}");
    // Dropped during the latency, the work is never called.
    let mut waits = Box::pin(Chaos::new().latency(1.0, 1.hours()).apply_on(&rt, work));
    ensure!(poll_once(&mut waits).await.is_none());
    drop(waits);
    ensure!(calls.made() == 0, "the work was called");
    let begun = rt.now();
    ensure!(Chaos::new().latency(1.0, 10.millis()).apply_on(&rt, work).await? == 1);
    is_due(&rt, at, begun, 10.millis())?;
    // A future that has ended injects nothing more.
    let mut ended = Box::pin(failing().apply_on(&rt, work));
    ensure!(is_injected(&failed((&mut ended).await)?));
    ensure!(matches!(failed(ended.await)?, AsyncTaskError::InvalidState(_)));
    Ok(())
}
