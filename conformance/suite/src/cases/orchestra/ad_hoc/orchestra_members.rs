//! Orchestras, ad-hoc tasks: they are cancelled with their orchestra, with their own grace, and end with it.

use crate::library::orchestra::{Orchestrator, OrchestratorError};
use crate::library::{CancelOutcome, StatusEnabledTask as _, TaskContext};

use crate::kit::orchestras::{Log, ends_when_cancelled, orchestra};
use crate::kit::prelude::*;

/// An ad-hoc task that ends with a value once it is cancelled, and a latch that is set once it has begun.
fn ad_hoc_ends_when_cancelled<R: Runtime>(rt: &R, all: &Orchestrator<R>, log: &Log) -> (Task<u32, R>, Latch) {
    let (started, run, noted) = (Latch::new(), AsyncTask::to::<u32>().orchestrator(all), log.clone());
    let start = started.clone();
    let run = run.name("heeds").run(|| async move {
        start.set();
        if let Some(cx) = TaskContext::current() {
            cx.cancelled().await;
        }
        noted.note("ad-hoc cancelled");
        yield_now().await;
        noted.note("ad-hoc ends");
        7
    });
    (AsyncTask::to::<u32>().on(rt).spawn(|| run), started)
}

/// An ad-hoc task that ends when it is killed, and a latch that is set once it has begun.
fn ad_hoc_ends_when_killed<R: Runtime>(
    rt: &R,
    all: &Orchestrator<R>,
    grace: Option<Duration>,
) -> (Task<u32, R>, Latch) {
    let started = Latch::new();
    let (start, run) = (started.clone(), AsyncTask::to::<u32>().orchestrator(all).name("ignores"));
    let work = || async move {
        start.set();
        pending::<u32>().await
    };
    let task = AsyncTask::to::<u32>().on(rt);
    let task = match grace {
        Some(grace) => {
            let run = run.grace(grace).run(work);
            task.spawn(|| run)
        }
        None => {
            let run = run.run(work);
            task.spawn(|| run)
        }
    };
    (task, started)
}

/// Registers and starts a task that ends when it is killed.
async fn node<R: Runtime>(all: &Orchestrator<R>, name: &str) -> Outcome {
    let started = Latch::new();
    let start = started.clone();
    all.register_task(name, AsyncTask::to::<()>(), || async move {
        start.set();
        pending::<()>().await
    })?;
    all.start_task(name)?;
    started.wait().await;
    Ok(())
}

pub async fn a_shutdown_cancels_ad_hoc_tasks_before_nodes<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (all, log) = (orchestra(&rt).build()?, Log::default());
    let node = ends_when_cancelled(&all, &log, "node")?;
    all.start_all()?;
    let (task, started) = ad_hoc_ends_when_cancelled(&rt, &all, &log);
    node.wait().await;
    started.wait().await;
    let stats = all.shutdown().await;
    let found = log.read();
    ensure!(found == ["ad-hoc cancelled", "ad-hoc ends", "node cancelled", "node ends"], "{found:?}");
    ensure!((stats.completed, stats.total()) == (2, 2), "{stats:?}");
    ensure!(task.await? == 7, "another value");
    Ok(())
}

pub async fn a_shutdown_kills_ad_hoc_tasks_after_their_grace_period<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let mut graces = vec![Some(30.millis())];
    // The default is too long where the clock does not jump.
    graces.extend(at.virtual_time.then_some(None));
    for grace in graces {
        let all = orchestra(&rt).build()?;
        let (task, started) = ad_hoc_ends_when_killed(&rt, &all, grace);
        started.wait().await;
        let begun = rt.now();
        let stats = all.shutdown().await;
        let took = rt.now().saturating_duration_since(begun);
        let due = grace.unwrap_or(crate::library::task::DEFAULT_GRACE);
        ensure!(took >= due && (!at.virtual_time || took == due), "{took:?}, {due:?}");
        ensure!((stats.cancelled, stats.total()) == (1, 1), "{stats:?}");
        ensure!(failed(task.await)?.is_cancelled());
    }
    Ok(())
}

pub async fn the_default_grace_period_applies_to_ad_hoc_tasks_and_nodes<R: Runtime>(
    rt: R,
    at: Facts,
) -> Outcome {
    if !at.virtual_time {
        // The default is too long where the clock does not jump.
        return Ok(());
    }
    for with_node in [true, false] {
        for with_ad_hoc in [true, false] {
            let all = orchestra(&rt).build()?;
            let mut task = None;
            if with_node {
                node(&all, "node").await?;
            }
            if with_ad_hoc {
                let (own, started) = ad_hoc_ends_when_killed(&rt, &all, None);
                started.wait().await;
                task = Some(own);
            }
            let begun = rt.now();
            all.cancel(CancelLevel::Graceful).await;
            let took = rt.now().saturating_duration_since(begun);
            let due = if task.is_some() || with_node {
                crate::library::task::DEFAULT_GRACE
            } else {
                Duration::ZERO
            };
            ensure!(took == due, "{with_node} {with_ad_hoc}: {took:?}");
            if let Some(task) = task {
                failed(task.await)?;
            }
        }
    }
    Ok(())
}

pub async fn an_own_grace_period_is_kept_when_the_orchestra_is_cancelled<R: Runtime>(
    rt: R,
    at: Facts,
) -> Outcome {
    let all = orchestra(&rt).build()?;
    let (task, started) = ad_hoc_ends_when_killed(&rt, &all, Some(40.millis()));
    started.wait().await;
    let begun = rt.now();
    all.cancel(CancelLevel::Graceful).await;
    let took = rt.now().saturating_duration_since(begun);
    ensure!(took >= 40.millis() && (!at.virtual_time || took == 40.millis()), "{took:?}");
    failed(task.await)?;
    Ok(())
}

pub async fn a_grace_of_the_request_reaches_all<R: Runtime>(rt: R, at: Facts) -> Outcome {
    for with_node in [true, false] {
        let all = orchestra(&rt).build()?;
        let (task, started) = ad_hoc_ends_when_killed(&rt, &all, None);
        started.wait().await;
        if with_node {
            node(&all, "node").await?;
        }
        let begun = rt.now();
        let result = all.cancel(CancelLevel::Graceful).grace(40.millis()).await;
        let took = rt.now().saturating_duration_since(begun);
        ensure!(result.outcome() == CancelOutcome::Cancelled, "{result:?}");
        ensure!(took >= 40.millis() && (!at.virtual_time || took == 40.millis()), "{took:?}");
        failed(task.await)?;
    }
    Ok(())
}

pub async fn a_limit_on_the_wait_holds_for_all<R: Runtime>(rt: R, at: Facts) -> Outcome {
    for (with_node, with_ad_hoc) in [(true, true), (false, true), (true, false)] {
        let all = orchestra(&rt).build()?;
        let (mut task, mut due) = (None, Vec::new());
        if with_node {
            all.register_task("node", AsyncTask::to::<()>().grace(1.hours()), pending::<()>)?;
            all.start_all()?;
            while all.execution_stats().running == 0 {
                yield_now().await;
            }
            due.push("node");
        }
        if with_ad_hoc {
            let (own, started) = ad_hoc_ends_when_killed(&rt, &all, Some(1.hours()));
            started.wait().await;
            task = Some(own);
            due.push("ignores");
        }
        let begun = rt.now();
        let result = all.cancel(CancelLevel::Graceful).within(40.millis()).await;
        let took = rt.now().saturating_duration_since(begun);
        ensure!(result.outcome() == CancelOutcome::Running, "{result:?}");
        ensure!(took >= 40.millis() && (!at.virtual_time || took == 40.millis()), "{took:?}");
        let stuck: Vec<_> = result.stuck().iter().filter_map(|task| task.name.as_deref()).collect();
        ensure!(due.iter().all(|name| stuck.contains(name)), "{stuck:?}");
        all.cancel(CancelLevel::Kill).await;
        if let Some(task) = task {
            failed(task.await)?;
        }
    }
    Ok(())
}

/// Checks that an ad-hoc task is stopped at the limit of its orchestra. False if the task had not begun by then.
async fn is_stopped_at<R: Runtime>(
    rt: &R,
    at: Facts,
    limit: Duration,
    with_node: bool,
) -> Result<bool, Failure> {
    let all = orchestra(rt).timeout(limit).build()?;
    let begun = rt.now();
    if with_node {
        all.register_task("node", AsyncTask::to::<()>(), pending::<()>)?;
        all.start_all()?;
    }
    let (task, started) = ad_hoc_ends_when_killed(rt, &all, None);
    while !started.is_set() && !task.status().is_terminal() {
        yield_now().await;
    }
    if !started.is_set() {
        return Ok(false);
    }
    let error = failed(all.join_all().await)?;
    let took = rt.now().saturating_duration_since(begun);
    ensure!(matches!(&error, OrchestratorError::Stopped(error) if error.is_timeout()), "{error}");
    ensure!(took >= limit && (!at.virtual_time || took == limit), "{took:?}");
    ensure!(all.execution_stats().running == 0, "{:?}", all.execution_stats());
    ensure!(failed(task.await)?.is_cancelled());
    Ok(true)
}

pub async fn the_orchestras_timeout_applies_to_ad_hoc_tasks<R: Runtime>(rt: R, at: Facts) -> Outcome {
    for with_node in [true, false] {
        // On a busy machine a limit may pass before the task begins: then again, with a longer one.
        let mut limit = 40.millis();
        while !is_stopped_at(&rt, at, limit, with_node).await? {
            limit *= 10;
        }
    }
    Ok(())
}

pub async fn ad_hoc_tasks_end_with_the_task_that_runs_the_orchestra<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for level in [CancelLevel::Graceful, CancelLevel::Kill] {
        let (all, log) = (orchestra(&rt).build()?, Log::default());
        let node = ends_when_cancelled(&all, &log, "node")?;
        let run = all.clone();
        let around = AsyncTask::to::<()>().on(&rt).spawn(|| async move { run.run().await.map(drop) });
        node.wait().await;
        let (task, started) = ad_hoc_ends_when_cancelled(&rt, &all, &log);
        started.wait().await;
        around.cancel(level).await;
        let result = task.await;
        ensure!(result.is_ok() == (level == CancelLevel::Graceful), "{level}: {result:?}");
        let _ = all.join_all().await;
        ensure!(all.execution_stats().running == 0, "{level}: {:?}", all.execution_stats());
    }
    Ok(())
}

pub async fn ad_hoc_tasks_are_cancelled_with_their_caller<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (all, log) = (orchestra(&rt).build()?, Log::default());
    let (task, started) = ad_hoc_ends_when_cancelled(&rt, &all, &log);
    started.wait().await;
    let result = task.cancel(CancelLevel::Graceful).await;
    ensure!(result.outcome() == CancelOutcome::Success && task.await? == 7, "{result:?}");
    ensure!(log.read() == ["ad-hoc cancelled", "ad-hoc ends"], "{:?}", log.read());
    Ok(())
}

pub async fn a_stop_during_registration_leaves_no_task<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for round in 0..20 {
        let all = orchestra(&rt).build()?;
        let mut callers = Vec::new();
        for n in 0..8u32 {
            let (all, on) = (all.clone(), rt.clone());
            callers.push(AsyncTask::to::<u32>().on(&rt).spawn(move || async move {
                let name = format!("node {n}");
                let is_registered = all.register_task(name.clone(), AsyncTask::to::<()>(), || async {
                    match TaskContext::current() {
                        Some(cx) => cx.cancelled().await,
                        None => pending().await,
                    }
                });
                if is_registered.is_ok() {
                    let _ = all.start_task(name);
                }
                let run = AsyncTask::to::<u32>().orchestrator(&all).name("one").run(move || async move {
                    if let Some(cx) = TaskContext::current() {
                        cx.cancelled().await;
                    }
                    on.now();
                    n
                });
                run.await
            }));
        }
        for _ in 0..round {
            yield_now().await;
        }
        match round % 3 {
            0 => {
                let _ = all.shutdown().await;
            }
            1 => {
                all.cancel(CancelLevel::Graceful).await;
            }
            _ => {
                all.cancel(CancelLevel::Kill).await;
            }
        }
        let _ = all.join_all().await;
        let stats = all.execution_stats();
        ensure!((stats.running, stats.pending) == (0, 0), "{round}: {stats:?}");
        for caller in callers {
            if let Err(error) = caller.await {
                let closed = matches!(error.downcast_ref(), Some(OrchestratorError::Closed));
                ensure!(closed || error.is_cancelled(), "{round}: {error}");
            }
        }
        ensure!(all.status().is_terminal(), "{round}: {:?}", all.status());
    }
    Ok(())
}
