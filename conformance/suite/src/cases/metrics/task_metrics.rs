//! Metrics: a task reports its own use alone, and an unknown figure is absent, never zero.

use crate::library::metrics::CpuUsage;
use crate::library::{CancellableTask as _, MetricsEnabledTask, RetryStrategy};

use crate::kit::load::{Burnt, SLACK, allocate, burn, free, pretend, thread_time};
use crate::kit::prelude::*;

/// Checks that a task reports what it burnt, and little else. Without a thread clock the figure
/// is absent.
pub(super) fn is_about(cpu: Option<CpuUsage>, burnt: &Burnt) -> Outcome {
    let burnt = burnt.all();
    if thread_time().is_none() {
        ensure!(cpu.is_none(), "{cpu:?} without a clock");
        return Ok(());
    }
    let cpu = cpu.context("it is known")?;
    ensure!(!burnt.is_zero(), "nothing was burnt");
    ensure!(cpu.total() >= burnt && cpu.total() <= burnt + SLACK, "{cpu:?} for {burnt:?}");
    Ok(())
}

pub async fn without_them_nothing_is_known<R: Runtime>(rt: R, _: Facts) -> Outcome {
    pretend()?;
    let task = AsyncTask::to::<()>().on(&rt).spawn_with(|cx| async move {
        allocate(100);
        burn(1.millis());
        yield_now().await;
        cx.cancelled().await;
    });
    let known = || {
        let (cpu, memory) = (task.cpu_usage().is_some(), task.memory_usage().is_some());
        (task.is_metrics_enabled(), cpu, memory, task.io_usage().is_some(), task.poll_usage().is_some())
    };
    ensure!(known() == (false, false, false, false, false), "{:?}", known());
    task.cancel(CancelLevel::Graceful).await;
    ensure!(known() == (false, false, false, false, false), "{:?}", known());
    Ok(())
}

pub async fn processor_time_is_charged_to_the_task_that_uses_it<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let burnt = Burnt::default();
    let work = burnt.clone();
    let mut task = AsyncTask::to::<()>().on(&rt).metrics(true).spawn(|| async move {
        for _ in 0..10 {
            work.burn(3.millis());
            yield_now().await;
        }
    });
    ensure!(task.is_metrics_enabled());
    (&mut task).await?;
    is_about(task.cpu_usage(), &burnt)?;
    if let Some(cpu) = task.cpu_usage() {
        let utilization = cpu.utilization().context("time has passed")?;
        let wall = cpu.wall.context("it is that of one task")?;
        ensure!(utilization > 0.0 && wall >= cpu.total().saturating_sub(1.millis()), "{cpu:?}");
        ensure!(
            task.cpu_usage().map(|later| later.wall) == Some(cpu.wall),
            "its time stands still after its end"
        );
    }
    Ok(())
}

pub async fn a_noisy_neighbour_is_not_charged_to_it<R: Runtime>(rt: R, _: Facts) -> Outcome {
    pretend()?;
    // Twice as many neighbours as workers: some of them are on the task's thread, and each is polled between
    // two polls of the task.
    let over = Latch::new();
    let neighbours: Vec<_> = (0..rt.worker_count() * 2)
        .map(|_| {
            let over = over.clone();
            AsyncTask::to::<()>().on(&rt).spawn(|| async move {
                while !over.is_set() {
                    burn(2.millis());
                    allocate(1_000_000);
                    free(1_000_000);
                    yield_now().await;
                }
            })
        })
        .collect();
    let burnt = Burnt::default();
    let work = burnt.clone();
    let mut task = AsyncTask::to::<()>().on(&rt).metrics(true).spawn(|| async move {
        for _ in 0..30 {
            work.burn(100.micros());
            allocate(10);
            yield_now().await;
        }
    });
    (&mut task).await?;
    over.set();
    for neighbour in neighbours {
        neighbour.await?;
    }
    // The neighbours have used ten times as much meanwhile.
    is_about(task.cpu_usage(), &burnt)?;
    let memory = task.memory_usage().context("an allocator counts")?;
    ensure!((memory.allocated, memory.freed, memory.allocations) == (300, 0, Some(30)), "{memory:?}");
    Ok(())
}

pub async fn blocking_work_is_charged_to_its_task<R: Runtime>(rt: R, _: Facts) -> Outcome {
    pretend()?;
    let burnt = Burnt::default();
    let work = burnt.clone();
    let mut task = AsyncTask::to::<()>().on(&rt).metrics(true).spawn(move || {
        work.burn(10.millis());
        allocate(5);
    });
    (&mut task).await?;
    is_about(task.cpu_usage(), &burnt)?;
    let memory = task.memory_usage().context("an allocator counts")?;
    ensure!((memory.allocated, memory.allocations) == (5, Some(1)), "{memory:?}");

    // Also blocking work that is part of a task with other work.
    let (inner, burnt) = (rt.clone(), Burnt::default());
    let work = burnt.clone();
    let mut task = AsyncTask::to::<()>().on(&rt).metrics(true).try_spawn(move || async move {
        work.burn(5.millis());
        AsyncTask::to::<()>().on(&inner).run(move || work.burn(10.millis())).await?;
        Ok(())
    });
    (&mut task).await?;
    is_about(task.cpu_usage(), &burnt)
}

pub async fn attempts_are_charged_to_their_task<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let retried = || AsyncTask::to::<()>().on(&rt).metrics(true).retry(2).backoff(RetryStrategy::Immediate);
    let burnt = Burnt::default();
    let work = burnt.clone();
    let mut polled = retried().spawn(move || {
        let work = work.clone();
        async move {
            work.burn(5.millis());
            Err::<(), _>("it fails")
        }
    });
    ensure!(failed((&mut polled).await)?.is_retries_exhausted());
    is_about(polled.cpu_usage(), &burnt)?;
    let burnt = Burnt::default();
    let work = burnt.clone();
    let mut blocking = retried().spawn(move || {
        work.burn(5.millis());
        Err::<(), _>("it fails")
    });
    ensure!(failed((&mut blocking).await)?.is_retries_exhausted());
    is_about(blocking.cpu_usage(), &burnt)
}

pub async fn usage_of_destructors_is_charged<R: Runtime>(rt: R, _: Facts) -> Outcome {
    struct Burns(Burnt);
    impl Drop for Burns {
        fn drop(&mut self) {
            self.0.burn(5.millis());
        }
    }
    let (started, burnt) = (Latch::new(), Burnt::default());
    let (start, burns) = (started.clone(), Burns(burnt.clone()));
    let task = AsyncTask::to::<()>().on(&rt).metrics(true).spawn(|| async move {
        let _burns = burns;
        start.set();
        pending::<()>().await
    });
    started.wait().await;
    task.cancel(CancelLevel::Kill).await;
    is_about(task.cpu_usage(), &burnt)
}

pub async fn they_can_be_switched_while_the_task_runs<R: Runtime>(rt: R, _: Facts) -> Outcome {
    pretend()?;
    let mut task = AsyncTask::to::<()>().on(&rt).spawn_with(|cx| async move {
        allocate(1);
        cx.enable_metrics();
        yield_now().await;
        allocate(10);
        yield_now().await;
        allocate(100);
        cx.disable_metrics();
        yield_now().await;
        allocate(1000);
        yield_now().await;
        cx.enable_metrics();
        yield_now().await;
        allocate(10_000);
    });
    (&mut task).await?;
    let memory = task.memory_usage().context("it was measured")?;
    // From the poll after the one that enables metrics, to the end of the one that disables them.
    ensure!(memory.allocated == 10_110, "{memory:?}");
    ensure!(task.poll_usage().map(|polls| polls.count) == Some(3), "{:?}", task.poll_usage());
    let ended = task.poll_usage();
    task.disable_metrics();
    ensure!(!task.is_metrics_enabled() && task.poll_usage() == ended, "what was measured stays");
    task.enable_metrics();
    ensure!(!task.is_metrics_enabled(), "after its end there is nothing to measure");
    Ok(())
}

pub async fn generic_code_can_ask_for_metrics_alone<R: Runtime>(rt: R, _: Facts) -> Outcome {
    fn toggles(task: &impl MetricsEnabledTask) -> Outcome {
        let before = task.is_metrics_enabled();
        task.enable_metrics();
        ensure!(task.is_metrics_enabled());
        task.enable_metrics();
        task.disable_metrics();
        ensure!(!task.is_metrics_enabled());
        if before {
            task.enable_metrics();
        }
        Ok(())
    }
    let open = Latch::new();
    let wait = open.clone();
    let task = AsyncTask::to::<()>().on(&rt).spawn(|| async move { wait.wait().await });
    toggles(&task)?;
    toggles(&task.canceller())?;
    open.set();
    task.await?;
    let scope = AsyncTask::to().on(&rt).scope(|s| async move {
        let member = s.spawn(|| async { Ok(pending::<()>().await) });
        toggles(&member)?;
        toggles(&crate::library::TaskContext::current().context("inside")?)?;
        drop(member.cancel(CancelLevel::Kill));
        Ok(())
    });
    scope.await?;
    let open = Latch::new();
    let wait = open.clone();
    let events = AsyncTask::emits::<u64>()
        .on(&rt)
        .metrics(true)
        .sender(|sources| sources.of(0..10u64).into_chunks(1.items()))
        .for_each(move |_: Event<u64>| {
            let wait = wait.clone();
            async move { wait.wait().await }
        })
        .spawn();
    toggles(&events)?;
    open.set();
    ensure!(events.await?.handled() == 10);
    Ok(())
}
