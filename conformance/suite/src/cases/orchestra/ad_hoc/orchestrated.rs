//! Orchestras, ad-hoc tasks: the builder has all of a task's policies, before or after the orchestrator.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::library::{
    AsyncTask, Jitter, MetricsEnabledTask as _, RecoverableTask as _, Retry, RetryBudget, RetryStrategy,
    TaskContext, TaskPriority, TimedTask as _,
};

use crate::kit::orchestras::orchestra;
use crate::kit::prelude::*;

/// Work that fails in its first `failures` calls, and then returns the number of its calls.
fn flaky(failures: u32) -> (impl Fn() -> Result<u32, String> + Clone + Send + Sync, Arc<AtomicU32>) {
    let calls = Arc::new(AtomicU32::new(0));
    let counted = calls.clone();
    let work = move || match counted.fetch_add(1, Ordering::SeqCst) + 1 {
        call if call > failures => Ok(call),
        call => Err(format!("call {call}")),
    };
    (work, calls)
}

pub async fn retry_policies_can_be_set_before_or_after_the_orchestrator<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let all = orchestra(&rt).build()?;
    let budget = RetryBudget::new(4, 0.0);
    let retried = || AsyncTask::to::<u32>().on(&rt).retry(2);
    let later = || AsyncTask::to::<u32>().on(&rt).orchestrator(&all).retry(2);
    let (work, _) = flaky(2);
    let before = retried().backoff(RetryStrategy::Immediate).jitter(Jitter::None).orchestrator(&all);
    ensure!(before.inline().run(work).await? == 3);
    let (work, _) = flaky(2);
    let after = later().backoff(RetryStrategy::Immediate).jitter(Jitter::None);
    ensure!(after.run(move || std::future::ready(work())).await? == 3);
    for after in [true, false] {
        let builder = match after {
            true => later().retry_if(|error| source_text(error) != "call 2"),
            false => retried().retry_if(|error| source_text(error) != "call 2").orchestrator(&all),
        };
        let (work, calls) = flaky(9);
        let error = failed(builder.backoff(RetryStrategy::Immediate).run_blocking(work).await)?;
        ensure!(calls.load(Ordering::SeqCst) == 2, "{error}");
    }
    let (work, calls) = flaky(9);
    let error =
        failed(later().backoff(RetryStrategy::Immediate).retry_budget(&budget).inline().run(work).await)?;
    ensure!(calls.load(Ordering::SeqCst) == 2, "{error}");
    let (work, calls) = flaky(9);
    let budgeted = retried().retry_budget(&budget).orchestrator(&all).inline();
    let error = failed(budgeted.run(work).await)?;
    ensure!(calls.load(Ordering::SeqCst) == 1, "{error}");
    Ok(())
}

pub async fn its_work_can_be_run_in_all_ways<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let all = orchestra(&rt).max_concurrency(2).build()?;
    let one = || AsyncTask::to::<u32>().on(&rt).orchestrator(&all).name("one");
    let parsed = || async { Ok("7".parse::<u32>()?) };
    ensure!(one().try_run(parsed).await? == 7 && one().try_spawn(parsed).await? == 7);
    ensure!(one().run_blocking(|| 7).await? == 7 && one().spawn_blocking(|| 7).await? == 7);
    ensure!(one().inline().run(|| 7).await? == 7 && one().inline().spawn(|| 7).await? == 7);
    ensure!(one().await_result(|| async { 7 }, |result| result.unwrap_or(0)).await == 7);
    ensure!(one().spawn_with_timeout(1.hours(), || async { 7 }).await? == 7);
    let named = |cx: TaskContext| async move { u32::from(cx.name().as_deref() == Some("one")) };
    ensure!(one().run_with(named).await? == 1 && one().spawn_with(named).await? == 1);
    let again = || one().retry_as(Retry::new(1).backoff(RetryStrategy::Immediate));
    let attempt = |cx: TaskContext| async move {
        let above = TaskContext::current().map(|cx| cx.id());
        Ok::<_, String>(u32::from(above == Some(cx.id())))
    };
    ensure!(again().run_with(attempt).await? == 1 && again().spawn_with(attempt).await? == 1);
    let stats = all.execution_stats();
    ensure!((stats.completed, stats.total()) == (12, 12), "{stats:?}");
    Ok(())
}

pub async fn the_handle_has_the_settings_of_the_ad_hoc_task<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (all, (started, open)) = (orchestra(&rt).max_concurrency(1).build()?, (Latch::new(), Latch::new()));
    let (start, wait) = (started.clone(), open.clone());
    let holds = AsyncTask::to::<()>().orchestrator(&all).name("holds").spawn(|| async move {
        start.set();
        wait.wait().await;
    });
    started.wait().await;
    let builder = AsyncTask::to::<u32>().orchestrator(&all).name("waits").metrics(true).timestamps(true);
    let builder = builder.timeout(1.hours()).recover_with(|_| async { 9 });
    let waits = builder.retry(3).spawn(|| async { 5 });
    ensure!(waits.name().as_deref() == Some("waits") && waits.is_metrics_enabled());
    ensure!(waits.max_retries() == 3 && waits.can_recover_from(&AsyncTaskError::failure("x")));
    ensure!(waits.timeout() == Some(1.hours()) && waits.created_timestamp().is_some());
    crate::library::PrioritizedTask::set_priority(&waits, TaskPriority::Critical);
    waits.set_timeout(2.hours())?;
    ensure!(waits.timeout() == Some(2.hours()) && !waits.status().is_terminal(), "{:?}", waits.status());
    open.set();
    ensure!(waits.await? == 5);
    holds.await?;
    all.join_all().await?;
    Ok(())
}

pub async fn a_dropped_handle_stops_it_and_a_detached_one_does_not<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let all = orchestra(&rt).build()?;
    for is_detached in [false, true] {
        let (started, open, dropped) = (Latch::new(), Latch::new(), Latch::new());
        let (start, wait, guard) = (started.clone(), open.clone(), dropped.on_drop());
        let task = AsyncTask::to::<()>().orchestrator(&all).name("ad-hoc").spawn(|| async move {
            let _guard = guard;
            start.set();
            wait.wait().await;
        });
        started.wait().await;
        if is_detached {
            task.detach();
            ensure!(!dropped.is_set(), "it is gone");
            open.set();
        } else {
            drop(task);
        }
        all.join_all().await?;
        ensure!(dropped.is_set(), "something of it is left");
    }
    let stats = all.execution_stats();
    ensure!((stats.cancelled, stats.completed, stats.total()) == (1, 1, 2), "{stats:?}");
    Ok(())
}

pub async fn the_handle_of_a_refused_task_gives_the_error<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let all = orchestra(&rt).build()?;
    all.cancel(CancelLevel::Kill).await;
    let late = AsyncTask::to::<u32>().orchestrator(&all).name("late").spawn(|| async { 1 });
    let error = failed(late.await)?;
    let closed = error.downcast_ref::<crate::library::orchestra::OrchestratorError>();
    ensure!(matches!(closed, Some(crate::library::orchestra::OrchestratorError::Closed)), "{error}");
    Ok(())
}
