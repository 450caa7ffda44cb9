//! Orchestras: user code that runs inside a call of the orchestrator may call it without a deadlock.
//! Such code is destructors, the texts of errors, and names.

use std::fmt;

use crate::library::StatusEnabledTask as _;
use crate::library::orchestra::{NamedContext, Orchestrator, OrchestratorError};

use crate::kit::orchestras::{Log, noting, orchestra};
use crate::kit::prelude::*;

/// A value that calls the orchestrator when it is dropped, displayed or read as a name.
#[derive(Clone)]
struct CallsOrchestrator<R: Runtime>(Orchestrator<R>, Log);

impl<R: Runtime> CallsOrchestrator<R> {
    fn call(&self, what: &str) {
        let _ = self.0.task_status("a");
        self.1.note(format!("{what}: {} tasks", self.0.execution_stats().total()));
    }
}

impl<R: Runtime> Drop for CallsOrchestrator<R> {
    fn drop(&mut self) {
        self.call("dropped");
    }
}

impl<R: Runtime> fmt::Debug for CallsOrchestrator<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("asks")
    }
}

impl<R: Runtime> fmt::Display for CallsOrchestrator<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.call("shown");
        f.write_str("asks")
    }
}

impl<R: Runtime> std::error::Error for CallsOrchestrator<R> {}

impl<R: Runtime> AsRef<str> for CallsOrchestrator<R> {
    fn as_ref(&self) -> &str {
        self.call("named");
        "a"
    }
}

pub async fn destructors_of_refused_work_may_call_the_orchestrator<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (all, foreign) = (orchestra(&rt).build()?, orchestra(&rt).build()?);
    let (log, due) = (Log::default(), "dropped: 1 tasks".to_owned());
    let calling = || CallsOrchestrator(all.clone(), log.clone());
    let node = foreign.register_task("a", AsyncTask::to::<u32>(), || async { 1 })?;
    noting(&all, &log, "a")?;
    let held = calling();
    let taken = failed(all.register_task("a", AsyncTask::to::<()>(), || async move { drop(held) }))?;
    ensure!(matches!(taken, OrchestratorError::NameTaken { .. }) && log.read() == [due.clone()], "{taken}");
    let held = calling();
    let work = |_| async move { drop(held) };
    let refused = failed(all.register_after("b", &node, AsyncTask::to::<()>(), work))?;
    ensure!(matches!(refused, OrchestratorError::Foreign { .. }) && log.read().len() == 2, "{refused}");
    all.create_context("c", NamedContext::new())?;
    let taken = failed(all.create_context("c", NamedContext::new().with(calling())))?;
    ensure!(matches!(taken, OrchestratorError::NameTaken { .. }) && log.read().len() == 3, "{taken}");
    ensure!(all.cancel(CancelLevel::Kill).await.outcome() == crate::library::CancelOutcome::Cancelled);
    let held = calling();
    let closed = failed(all.register_task("d", AsyncTask::to::<()>(), || async move { drop(held) }))?;
    ensure!(matches!(closed, OrchestratorError::Closed) && log.read() == vec![due; 4], "{:?}", log.read());
    Ok(())
}

pub async fn destructors_of_unstarted_work_may_call_the_orchestrator<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for is_cancelled in [true, false] {
        let (all, log) = (orchestra(&rt).build()?, Log::default());
        let held = CallsOrchestrator(all.clone(), log.clone());
        all.register_task("a", AsyncTask::to::<()>(), || async move { drop(held) })?;
        if is_cancelled {
            all.cancel(CancelLevel::Kill).await;
        } else {
            all.register_task("b", AsyncTask::to::<()>(), pending::<()>)?;
            all.start_task("b")?;
            all.set_status(TaskStatus::Cancelled)?;
        }
        ensure!(log.read().iter().any(|line| line.starts_with("dropped: ")), "{:?}", log.read());
    }
    Ok(())
}

pub async fn errors_may_call_the_orchestrator_when_displayed_and_dropped<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let (all, log) = (orchestra(&rt).build()?, Log::default());
    let error = CallsOrchestrator(all.clone(), log.clone());
    all.register_task("a", AsyncTask::to::<()>(), || async move { Err::<(), _>(error) })?;
    failed(all.run().await)?;
    let report = all.report();
    ensure!(report.tasks.first().and_then(|task| task.error.as_deref()) == Some("asks"), "{report:?}");
    ensure!(log.read().contains(&"shown: 1 tasks".to_owned()), "{:?}", log.read());
    all.clear_completed_tasks();
    // The orchestra's own task, which has failed with it, may still be held by the executor.
    while log.read().last().map(String::as_str) != Some("dropped: 0 tasks") {
        yield_now().await;
    }
    Ok(())
}

pub async fn names_may_call_the_orchestrator_when_they_are_read<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (all, log) = (orchestra(&rt).build()?, Log::default());
    let name = || CallsOrchestrator(all.clone(), log.clone());
    noting(&all, &log, "a")?;
    noting(&all, &log, "b")?;
    all.add_dependency(name(), "b")?;
    all.create_group("group")?;
    all.add_task_to_group(name(), "group")?;
    all.create_context("context", NamedContext::new())?;
    all.set_task_context(name(), "context")?;
    ensure!(!all.task_status(name())?.is_terminal());
    all.start_task(name())?;
    all.cancel_task(name(), CancelLevel::Graceful)?.await;
    all.join_all().await?;
    Ok(())
}
