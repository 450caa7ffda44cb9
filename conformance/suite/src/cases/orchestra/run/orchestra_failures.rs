//! Orchestras, failures: a failed task skips its dependents alone, and each task keeps its own policies.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::library::orchestra::{EdgePolicy, NodeStatus, OrchestratorError};
use crate::library::{CircuitBreaker, RetryStrategy, StatusEnabledTask as _};

use crate::kit::explode;
use crate::kit::orchestras::{Log, RandomGraph, cause, failing, noting, orchestra, statuses};
use crate::kit::prelude::*;

pub async fn a_failure_of_any_task_skips_exactly_its_dependents<R: Runtime>(rt: R, _: Facts) -> Outcome {
    const NODES: usize = 14;
    let graph = RandomGraph::new(NODES, || rt.entropy());
    for fails in 0..NODES {
        let (all, log) = (orchestra(&rt).build()?, Log::default());
        for node in 0..NODES {
            let name = node.to_string();
            if node == fails {
                failing(&all, &name)?
            } else {
                noting(&all, &log, &name)?
            };
            for on in graph.dependencies.get(node).into_iter().flatten() {
                all.add_dependency(&name, on.to_string())?;
            }
        }
        let error = failed(all.run().await)?;
        ensure!(
            matches!(&error, OrchestratorError::TaskFailed { task, others: 0, .. } if **task == *fails.to_string())
        );
        let mut hit = [false; NODES];
        for node in 0..NODES {
            let dependencies = graph.dependencies.get(node).into_iter().flatten();
            let is_hit = node == fails || dependencies.into_iter().any(|on| hit.get(*on) == Some(&true));
            hit.get_mut(node).into_iter().for_each(|own| *own = is_hit);
            let status = all.task_status(node.to_string())?;
            match (node == fails, is_hit) {
                (true, _) => ensure!(status == NodeStatus::Failed, "{node}: {status}"),
                (_, true) => {
                    ensure!(cause(&all, &node.to_string())? == (fails.to_string(), false), "{status}")
                }
                _ => ensure!(status == NodeStatus::Completed, "{node}: {status}"),
            }
            let ran = log.read().contains(&node.to_string());
            ensure!(ran != is_hit, "{node} ran: {ran}, though {fails} has failed");
        }
    }
    Ok(())
}

pub async fn the_cause_of_a_skip_is_the_task_that_failed<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (all, log) = (orchestra(&rt).build()?, Log::default());
    failing(&all, "a")?;
    for (name, on) in [("b", "a"), ("c", "b"), ("d", "c")] {
        noting(&all, &log, name)?;
        all.add_dependency(name, on)?;
    }
    let error = failed(all.run().await)?;
    ensure!(error.to_string() == "the task `a` has failed", "{error}");
    for name in ["b", "c", "d"] {
        ensure!(cause(&all, name)? == ("a".to_owned(), false), "{name}");
    }
    let text = all.task_status("d")?.to_string();
    ensure!(text == "skipped: `a` has failed" && log.read().is_empty(), "{text}");
    ensure!(all.status() == TaskStatus::Failed, "{:?}", all.status());
    Ok(())
}

pub async fn an_any_end_edge_waits_and_ignores_the_outcome<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (all, log, open) = (orchestra(&rt).build()?, Log::default(), Latch::new());
    let (wait, noted) = (open.clone(), log.clone());
    all.register_task("fails", AsyncTask::to::<()>(), || async move {
        wait.wait().await;
        noted.note("fails");
        Err::<(), _>("at last")
    })?;
    for name in ["skipped", "after failed", "after skipped", "after both"] {
        noting(&all, &log, name)?;
    }
    all.add_dependency("skipped", "fails")?;
    all.add_dependency_with("after failed", "fails", EdgePolicy::AnyEnd)?;
    all.add_dependency_with("after skipped", "skipped", EdgePolicy::AnyEnd)?;
    all.add_dependency("after both", "after failed")?;
    all.add_dependency("after both", "after skipped")?;
    all.start_all()?;
    yield_now().await;
    ensure!(log.read().is_empty(), "{:?}", log.read());
    open.set();
    failed(all.join_all().await)?;
    let log = log.read();
    ensure!(log.len() == 4 && log.first().is_some_and(|first| first == "fails"), "{log:?}");
    ensure!(log.last().is_some_and(|last| last == "after both"), "{log:?}");
    Ok(())
}

pub async fn two_edges_to_one_task_must_both_hold<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (all, log) = (orchestra(&rt).build()?, Log::default());
    failing(&all, "fails")?;
    noting(&all, &log, "strict")?;
    all.add_dependency_with("strict", "fails", EdgePolicy::AnyEnd)?;
    all.add_dependency("strict", "fails")?;
    noting(&all, &log, "twice")?;
    noting(&all, &log, "fine")?;
    all.add_dependency("twice", "fine")?;
    all.add_dependency("twice", "fine")?;
    failed(all.run().await)?;
    ensure!(log.read() == ["fine", "twice"], "{:?}", log.read());
    Ok(())
}

pub async fn a_panic_is_a_failure_of_its_task_alone<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (all, log) = (orchestra(&rt).build()?, Log::default());
    all.register_task("panics", AsyncTask::to::<()>(), || async { explode::<()>("with a message") })?;
    all.register_task("in a job", AsyncTask::to::<()>(), || explode::<()>("in a job"))?;
    noting(&all, &log, "other")?;
    noting(&all, &log, "after")?;
    all.add_dependency("after", "panics")?;
    let error = failed(all.run().await)?;
    let OrchestratorError::TaskFailed { error, others: 1, .. } = &error else { bail!("{error}") };
    ensure!(error.is_panic(), "{error}");
    let due = ["panics: failed", "in a job: failed", "other: completed", "after: skipped"];
    ensure!(statuses(&all) == due, "{:?}", statuses(&all));
    Ok(())
}

pub async fn retries_are_the_tasks_own<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let all = orchestra(&rt).build()?;
    let tries = Arc::new(AtomicU32::new(0));
    let (number, input) =
        (tries.clone(), all.register_task("input", AsyncTask::to::<u32>(), || async { 40 })?);
    let builder = AsyncTask::to::<u32>().retry(5).backoff(RetryStrategy::Fixed { delay: 20.millis() });
    let flaky = all.register_after("flaky", &input, builder.clone(), move |input| {
        let number = number.clone();
        async move {
            match number.fetch_add(1, Ordering::SeqCst) {
                tried @ 0..2 => Err(format!("try {tried}")),
                tried => Ok(*input + tried),
            }
        }
    })?;
    let hopeless = all.register_task("hopeless", builder, || async { Err::<u32, _>("always") })?;
    failed(all.run().await)?;
    ensure!(
        flaky.output().as_deref() == Some(&42) && tries.load(Ordering::SeqCst) == 3,
        "{:?}",
        flaky.output()
    );
    let error = failed(all.join_task(&hopeless).await)?;
    let OrchestratorError::TaskFailed { error, .. } = &error else { bail!("{error}") };
    ensure!(error.is_retries_exhausted(), "{error}");
    Ok(())
}

pub async fn limits_are_the_tasks_own_and_count_from_its_start<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let all = orchestra(&rt).build()?;
    let sleeper = rt.clone();
    let slow =
        all.register_task("slow", AsyncTask::to::<()>(), || async move { sleeper.sleep(80.millis()).await })?;
    let late = AsyncTask::to::<()>().timeout(60.millis());
    // The wait for its dependencies is not part of a task's time.
    let in_time = all.register_after("in time", &slow, late.clone(), |_| async {})?;
    let stuck = all.register_after("stuck", &in_time, late, |_| pending::<()>())?;
    failed(all.run().await)?;
    ensure!(in_time.output().is_some(), "its time was up before it began");
    let error = failed(all.join_task(&stuck).await)?;
    let OrchestratorError::TaskFailed { error, .. } = &error else { bail!("{error}") };
    ensure!(error.is_timeout() && error.to_string().contains("stuck"), "{error}");
    Ok(())
}

pub async fn breakers_and_recoveries_are_the_tasks_own<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let breaker = CircuitBreaker::builder().failure_threshold(1).open_timeout(1.hours()).build()?;
    let all = orchestra(&rt).build()?;
    let guarded = || AsyncTask::to::<u32>().circuit_breaker(&breaker);
    all.register_task("opens it", guarded(), || async { Err::<u32, _>("bad") })?;
    let refused = all.register_task("refused", guarded(), || async { 1 })?;
    let builder = guarded().recover_with(|error| async move { if error.is_circuit_open() { 7 } else { 0 } });
    let mended = all.register_task("mended", builder, || async { 1 })?;
    all.add_dependency_with(&refused, "opens it", EdgePolicy::AnyEnd)?;
    all.add_dependency_with(&mended, &refused, EdgePolicy::AnyEnd)?;
    failed(all.run().await)?;
    let error = failed(all.join_task(&refused).await)?;
    let OrchestratorError::TaskFailed { error, .. } = &error else { bail!("{error}") };
    ensure!(error.is_circuit_open() && mended.output().as_deref() == Some(&7), "{error}");
    Ok(())
}

pub async fn a_node_ends_after_the_tasks_it_has_spawned<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (all, census, log) = (orchestra(&rt).build()?, Census::default(), Log::default());
    let (inside, on) = (census.clone(), rt.clone());
    let parent = all.register_task("parent", AsyncTask::to::<()>(), move || async move {
        for _ in 0..10 {
            let resident = inside.enter();
            let child = AsyncTask::to::<()>().on(&on).spawn(|| async move {
                yield_now().await;
                drop(resident);
            });
            // Only the task that they are below waits for them.
            std::mem::forget(child);
        }
    })?;
    let (seen, noted) = (census.clone(), log.clone());
    all.register_after("after", &parent, AsyncTask::to::<()>(), move |_| async move {
        noted.note(format!("{} alive", seen.alive()));
    })?;
    all.run().await?;
    ensure!(log.read() == ["0 alive"] && census.ever() == 10, "{:?}", log.read());
    Ok(())
}

pub async fn a_failure_is_reported_until_it_is_cleared<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (all, log) = (orchestra(&rt).build()?, Log::default());
    failing(&all, "a")?;
    failed(all.run().await)?;
    noting(&all, &log, "b")?;
    failed(all.run().await)?;
    ensure!(log.read() == ["b"] && all.status() == TaskStatus::Completed, "{:?}", all.status());
    ensure!(all.clear_completed_tasks() == 2 && all.join_all().await.is_ok(), "still reported");
    Ok(())
}
