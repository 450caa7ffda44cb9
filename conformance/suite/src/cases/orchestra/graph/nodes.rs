//! Orchestras, nodes: a node of a cleared task, or of another orchestrator, is refused despite its name.
//! The dependents of a task that was cancelled before its start never begin.

use crate::library::StatusEnabledTask as _;
use crate::library::orchestra::{Node, Orchestrator, OrchestratorError};

use crate::kit::orchestras::{Log, cause, failing, noting, orchestra, statuses};
use crate::kit::prelude::*;

pub async fn dependents_of_a_cancelled_node_never_start<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for _ in 0..50 {
        let (all, log) = (orchestra(&rt).build()?, Log::default());
        let a = all.register_task("a", AsyncTask::to::<u32>(), || async { 1 })?;
        all.cancel_task("a", CancelLevel::Graceful)?.await;
        noting(&all, &log, "b")?;
        all.add_dependency("b", "a")?;
        let noted = log.clone();
        let c = all.register_after("c", &a, AsyncTask::to::<u32>(), move |one| async move {
            noted.note("c");
            *one
        })?;
        noting(&all, &log, "d")?;
        all.add_dependency("d", &c)?;
        all.run().await?;
        for name in ["b", "c", "d"] {
            ensure!(cause(&all, name)? == ("a".to_owned(), true), "{name}");
        }
        ensure!(log.read().is_empty(), "{:?}", log.read());
    }
    Ok(())
}

pub async fn a_failure_after_a_clear_fails_the_orchestra<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (all, open) = (orchestra(&rt).build()?, Latch::new());
    failing(&all, "first")?;
    let wait = open.clone();
    all.register_task("second", AsyncTask::to::<()>(), || async move {
        wait.wait().await;
        Err::<(), _>("second")
    })?;
    all.start_all()?;
    while !all.task_status("first")?.is_terminal() {
        yield_now().await;
    }
    ensure!(all.clear_completed_tasks() == 1, "{:?}", statuses(&all));
    open.set();
    let error = failed(all.join_all().await)?;
    let OrchestratorError::TaskFailed { task, others: 0, .. } = &error else { bail!("{error}") };
    ensure!(&**task == "second" && all.status() == TaskStatus::Failed, "{error}: {:?}", all.status());
    Ok(())
}

/// Asks every question that takes a node. Returns the errors.
async fn asked<R: Runtime>(
    all: &Orchestrator<R>,
    node: &Node<u32>,
) -> Result<Vec<(&'static str, OrchestratorError)>, Failure> {
    let after = all.register_after("after", node, AsyncTask::to::<u32>(), |n| async move { *n });
    Ok(vec![
        ("join_task", failed(all.join_task(node).await)?),
        ("task_status", failed(all.task_status(node))?),
        ("start_task", failed(all.start_task(node))?),
        ("cancel_task", failed(all.cancel_task(node, CancelLevel::Kill))?),
        ("add_dependency", failed(all.add_dependency(node, "other"))?),
        ("add_dependency", failed(all.add_dependency("other", node))?),
        ("add_task_to_group", failed(all.add_task_to_group(node, "group"))?),
        ("set_task_context", failed(all.set_task_context(node, "context"))?),
        ("register_after", failed(after)?),
    ])
}

fn prepared<R: Runtime>(rt: &R) -> Result<Orchestrator<R>, Failure> {
    let all = orchestra(rt).build()?;
    noting(&all, &Log::default(), "other")?;
    all.create_group("group")?;
    all.create_context("context", crate::library::orchestra::NamedContext::new())?;
    Ok(all)
}

pub async fn a_node_is_distinguished_from_a_namesake_of_another_orchestrator<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let (all, foreign) = (prepared(&rt)?, prepared(&rt)?);
    all.register_task("a", AsyncTask::to::<u32>(), || async { 1 })?;
    let node = foreign.register_task("a", AsyncTask::to::<u32>(), || async { 2 })?;
    for has_output in [false, true] {
        if has_output {
            foreign.run().await?;
        }
        for (method, error) in asked(&all, &node).await? {
            ensure!(
                matches!(&error, OrchestratorError::Foreign { task } if &**task == "a"),
                "{method}: {error}"
            );
        }
    }
    Ok(())
}

pub async fn a_node_is_distinguished_from_a_later_namesake<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let all = prepared(&rt)?;
    let stale = all.register_task("a", AsyncTask::to::<u32>(), || async { Err::<u32, _>("a") })?;
    let given = all.register_task("b", AsyncTask::to::<u32>(), || async { 2 })?;
    failed(all.run().await)?;
    ensure!(all.clear_completed_tasks() == 3, "{:?}", statuses(&all));
    noting(&all, &Log::default(), "other")?;
    for has_namesake in [false, true] {
        if has_namesake {
            for name in ["a", "b"] {
                all.register_task(name, AsyncTask::to::<u32>(), || async { 3 })?;
            }
        }
        for (method, error) in asked(&all, &stale).await? {
            ensure!(
                matches!(&error, OrchestratorError::Cleared { task } if &**task == "a"),
                "{method}: {error}"
            );
        }
        // The output stays with its node.
        ensure!(*all.join_task(&given).await? == 2, "another's output");
    }
    Ok(())
}
