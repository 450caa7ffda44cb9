//! Orchestras, concurrency: at most so many tasks are under way, and the most urgent come first.

use crate::library::orchestra::OrchestratorError;
use crate::library::{Limiter, TaskPriority};

use crate::kit::orchestras::{Log, RandomGraph, orchestra};
use crate::kit::prelude::*;

pub async fn running_tasks_never_exceed_the_maximum<R: Runtime>(rt: R, _: Facts) -> Outcome {
    const NODES: usize = 120;
    let graph = RandomGraph::new(NODES, || rt.entropy());
    for most in [1, 3, 8] {
        let (all, census) = (orchestra(&rt).max_concurrency(most).build()?, Census::default());
        for (node, dependencies) in graph.dependencies.iter().enumerate() {
            let census = census.clone();
            all.register_task(node.to_string(), AsyncTask::to::<()>(), || async move {
                let _resident = census.enter();
                yield_now().await;
                yield_now().await;
            })?;
            for on in dependencies {
                all.add_dependency(node.to_string(), on.to_string())?;
            }
        }
        all.run().await?;
        ensure!(census.ever() == NODES && census.most() <= most, "{} of {most}", census.most());
        ensure!(all.concurrency() == Some(most), "{:?}", all.concurrency());
    }
    Ok(())
}

pub async fn a_permit_is_held_until_nothing_of_the_task_is_left<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (all, census) = (orchestra(&rt).max_concurrency(1).build()?, Census::default());
    for node in 0..6 {
        let (census, on) = (census.clone(), rt.clone());
        let builder = AsyncTask::to::<()>().retry(1).backoff(crate::library::RetryStrategy::Immediate);
        let tried = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(node % 2 == 0));
        all.register_task(node.to_string(), builder, move || {
            let (resident, on, tried) = (census.enter(), on.clone(), tried.clone());
            async move {
                let child = AsyncTask::to::<()>().on(&on).spawn(|| async move {
                    yield_now().await;
                    drop(resident);
                });
                // The task that it is below waits for it.
                std::mem::forget(child);
                if tried.swap(true, std::sync::atomic::Ordering::SeqCst) {
                    Ok(())
                } else {
                    Err("the first time")
                }
            }
        })?;
    }
    all.run().await?;
    ensure!(census.ever() == 9 && census.most() == 1, "{} at the same time", census.most());
    Ok(())
}

pub async fn a_task_holds_permits_of_both_its_limiters<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let limiter = Limiter::builder().max_concurrent(2).build()?;
    let (all, census) = (orchestra(&rt).max_concurrency(3).build()?, Census::default());
    for node in 0..12 {
        let census = census.clone();
        all.register_task(node.to_string(), AsyncTask::to::<()>().limiter(&limiter), || async move {
            let _resident = census.enter();
            yield_now().await;
        })?;
    }
    all.run().await?;
    ensure!(census.ever() == 12 && census.most() <= 2, "{} at the same time", census.most());
    ensure!((limiter.under_way(), limiter.waiting()) == (0, 0), "{limiter:?}");
    // Both permits were returned.
    all.register_task("more", AsyncTask::to::<()>().limiter(&limiter), || async {})?;
    all.run().await?;
    Ok(())
}

/// Runs tasks of these priorities once the only permit is free. Returns the order in which they began.
async fn order<R: Runtime>(
    rt: &R,
    default: Option<TaskPriority>,
    tasks: &[(&'static str, Option<TaskPriority>)],
) -> Result<Vec<String>, Failure> {
    let builder = orchestra(rt).max_concurrency(1).ageing(Duration::MAX);
    let (all, log) = (builder.build()?, Log::default());
    let (started, open) = (Latch::new(), Latch::new());
    let (start, wait) = (started.clone(), open.clone());
    all.register_task("holds the permit", AsyncTask::to::<()>(), || async move {
        start.set();
        wait.wait().await;
    })?;
    all.start_all()?;
    started.wait().await;
    for (name, priority) in tasks {
        let (log, name) = (log.clone(), *name);
        let work = move || async move { log.note(name) };
        match priority {
            Some(priority) => all.register_task(name, AsyncTask::to::<()>().priority(*priority), work)?,
            None => all.register_task(name, AsyncTask::to::<()>(), work)?,
        };
    }
    all.start_all()?;
    if let Some(default) = default {
        all.set_default_priority(default);
    }
    // In virtual time everything that can run has run by then: the tasks wait in the queue.
    rt.sleep(1.millis()).await?;
    open.set();
    all.join_all().await?;
    Ok(log.read())
}

pub async fn the_most_urgent_task_starts_first<R: Runtime>(rt: R, at: Facts) -> Outcome {
    use TaskPriority::{Background, Critical, High, Low};
    let tasks = [("low", Some(Low)), ("usual", None), ("background", Some(Background)), ("high", Some(High))];
    let tasks = [&tasks[..], &[("critical", Some(Critical)), ("usual, too", None)]].concat();
    let begun = order(&rt, None, &tasks).await?;
    if at.virtual_time {
        ensure!(begun == ["critical", "high", "usual", "usual, too", "low", "background"], "{begun:?}");
    }
    ensure!(begun.len() == 6, "{begun:?}");
    Ok(())
}

pub async fn tasks_without_a_priority_have_the_default_one<R: Runtime>(rt: R, at: Facts) -> Outcome {
    use TaskPriority::{High, Low};
    let tasks = [("high", Some(High)), ("low", Some(Low)), ("default", None)];
    let begun = order(&rt, Some(TaskPriority::Critical), &tasks).await?;
    if at.virtual_time {
        ensure!(begun == ["default", "high", "low"], "{begun:?}");
    }
    let begun = order(&rt, Some(TaskPriority::Background), &tasks).await?;
    if at.virtual_time {
        ensure!(begun == ["high", "low", "default"], "{begun:?}");
    }
    Ok(())
}

pub async fn a_long_waiting_task_starts_before_a_more_urgent_one<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let all = orchestra(&rt).max_concurrency(1).ageing(10.millis()).build()?;
    let log = Log::default();
    let note = log.clone();
    let sleeper = rt.clone();
    all.register_task("first", AsyncTask::to::<()>(), || async move { sleeper.sleep(100.millis()).await })?;
    all.start_all()?;
    let builder = AsyncTask::to::<()>().priority(TaskPriority::Background);
    all.register_task("background", builder, || async move { note.note("background") })?;
    all.start_all()?;
    rt.sleep(60.millis()).await?;
    let note = log.clone();
    let builder = AsyncTask::to::<()>().priority(TaskPriority::Critical);
    all.register_task("critical", builder, || async move { note.note("critical") })?;
    all.start_all()?;
    all.join_all().await?;
    // Four classes in 40 ms: from then on it comes before everything that came after it.
    // On a busy machine both may come to the queue at the same time.
    let begun = log.read();
    ensure!(begun.len() == 2 && (!at.virtual_time || begun == ["background", "critical"]), "{begun:?}");
    Ok(())
}

pub async fn the_concurrency_follows_the_load<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (all, census) = (orchestra(&rt).auto_scale(1..=16).build()?, Census::default());
    ensure!(all.concurrency() == Some(1), "{:?}", all.concurrency());
    for node in 0..600 {
        let (census, sleeper) = (census.clone(), rt.clone());
        all.register_task(node.to_string(), AsyncTask::to::<()>(), || async move {
            let _resident = census.enter();
            sleeper.sleep(5.millis()).await
        })?;
    }
    let begun = rt.now();
    all.run().await?;
    let took = rt.now().saturating_duration_since(begun);
    ensure!(census.most() <= 16 && census.ever() == 600, "{} at the same time", census.most());
    if at.virtual_time {
        // No resource is used up here, and one after the other the tasks would take 3 s. A window sees few
        // tasks, so that the limit is not exact.
        ensure!(census.most() >= 4 && took < 1_500.millis(), "{} at the same time, {took:?}", census.most());
    }
    Ok(())
}

pub async fn invalid_numbers_are_refused<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let config = |result: Result<_, OrchestratorError>| {
        matches!(result.map(drop), Err(OrchestratorError::Task(error))
            if matches!(*error, AsyncTaskError::InvalidConfig(_)))
    };
    ensure!(config(orchestra(&rt).max_concurrency(0).build()), "zero permits");
    ensure!(config(orchestra(&rt).auto_scale(0..=4).build()), "from zero");
    #[allow(clippy::reversed_empty_ranges, reason = "that is what is refused")]
    let upside_down = 4..=2;
    ensure!(config(orchestra(&rt).auto_scale(upside_down).build()), "upside down");
    ensure!(config(orchestra(&rt).max_concurrency(1).ageing(Duration::ZERO).build()), "no ageing");
    ensure!(orchestra(&rt).build()?.concurrency().is_none(), "a limit");
    Ok(())
}
