//! Orchestras, status: an ad-hoc task changes neither the status nor the result of the whole.

use crate::library::StatusEnabledTask as _;
use crate::library::orchestra::{Orchestrator, OrchestratorError};

use crate::kit::orchestras::{Log, failing, noting, orchestra};
use crate::kit::prelude::*;

/// Runs one ad-hoc task, and returns the status of the whole while it ran.
async fn one<R: Runtime>(all: &Orchestrator<R>) -> Result<TaskStatus, Failure> {
    let asked = all.clone();
    let run = AsyncTask::to::<TaskStatus>().orchestrator(all).name("one");
    Ok(run.run(|| async move { asked.status() }).await?)
}

pub async fn an_ad_hoc_task_leaves_the_status_as_it_is<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let all = orchestra(&rt).build()?;
    noting(&all, &Log::default(), "a")?;
    ensure!(
        one(&all).await? == TaskStatus::Pending && all.status() == TaskStatus::Pending,
        "{:?}",
        all.status()
    );
    all.run().await?;
    ensure!(one(&all).await? == TaskStatus::Completed && all.status() == TaskStatus::Completed);
    failing(&all, "b")?;
    failed(all.run().await)?;
    ensure!(
        one(&all).await? == TaskStatus::Failed && all.status() == TaskStatus::Failed,
        "{:?}",
        all.status()
    );
    failed(all.join_all().await)?;
    Ok(())
}

pub async fn an_ad_hoc_task_after_the_limit_leaves_the_result_as_it_is<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let all = orchestra(&rt).timeout(20.millis()).build()?;
    all.register_task("a", AsyncTask::to::<()>(), pending::<()>)?;
    for is_first in [true, false] {
        let result = if is_first { all.run().await } else { all.join_all().await };
        let error = failed(result)?;
        ensure!(matches!(&error, OrchestratorError::Stopped(error) if error.is_timeout()), "{error}");
        // It has the limit anew, which may pass before it begins on a busy machine: then again.
        let found = loop {
            match one(&all).await {
                Err(late) if late.downcast_ref().is_some_and(AsyncTaskError::is_cancelled) => {}
                found => break found?,
            }
        };
        ensure!(found == TaskStatus::Failed && all.status() == TaskStatus::Failed);
    }
    failed(all.join_all().await)?;
    Ok(())
}
