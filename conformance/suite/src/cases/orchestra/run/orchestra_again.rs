//! Orchestras: a task that failed, was cancelled, skipped or not started can be given new work.

use crate::library::StatusEnabledTask as _;
use crate::library::orchestra::{NodeStatus, OrchestratorError};

use crate::kit::orchestras::{Log, noting, orchestra, statuses};
use crate::kit::prelude::*;

pub async fn failed_and_skipped_tasks_can_be_given_new_work_and_run<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (all, task) = (orchestra(&rt).build()?, || AsyncTask::to::<u32>());
    let other = all.register_task("other", task(), || async { 3 })?;
    let fails = all.register_task("fails", task(), || async { Err::<u32, _>("no") })?;
    let skipped = all.register_after("skipped", (&other, &fails), task(), |(a, b)| async move { *a + *b })?;
    all.create_group("group")?;
    all.add_task_to_group(&fails, "group")?;
    failed(all.run().await)?;
    all.register_again(&fails, task(), || async { 4 })?;
    ensure!(
        statuses(&all) == ["other: completed", "fails: pending", "skipped: skipped"],
        "{:?}",
        statuses(&all)
    );
    ensure!(all.join_all().await.is_ok(), "the failure is still reported");
    let sum = |(a, b): (std::sync::Arc<u32>, std::sync::Arc<u32>)| async move { *a + *b };
    all.register_again_after(&skipped, (&other, &fails), task(), sum)?;
    all.start_group("group")?;
    all.run().await?;
    ensure!(skipped.output().as_deref() == Some(&7) && *all.join_task(&fails).await? == 4);
    let stats = all.execution_stats();
    ensure!((stats.completed, stats.total()) == (3, 3) && all.status() == TaskStatus::Completed, "{stats:?}");
    Ok(())
}

pub async fn cancelled_tasks_can_be_given_new_work_and_run<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (all, log) = (orchestra(&rt).build()?, Log::default());
    let before = noting(&all, &log, "before")?;
    let (started, noted) = (Latch::new(), log.clone());
    let start = started.clone();
    let running = all.register_task("running", AsyncTask::to::<()>(), || async move {
        start.set();
        pending::<()>().await
    })?;
    noting(&all, &log, "below")?;
    all.add_dependency("below", &running)?;
    all.cancel_task(&before, CancelLevel::Graceful)?.await;
    all.start_all()?;
    started.wait().await;
    all.cancel_task(&running, CancelLevel::Kill)?.await;
    all.join_all().await?;
    let works: [(_, &'static str); 2] = [(&before, "before"), (&running, "running")];
    for (node, name) in works {
        ensure!(all.task_status(node)? == NodeStatus::Cancelled, "{name}");
        let noted = noted.clone();
        all.register_again(node, AsyncTask::to::<()>(), move || async move { noted.note(name) })?;
    }
    all.run().await?;
    let mut ran = log.read();
    ran.sort_unstable();
    ensure!(ran == ["before", "running"], "{ran:?}");
    ensure!(
        statuses(&all) == ["before: completed", "running: completed", "below: skipped"],
        "{:?}",
        statuses(&all)
    );
    Ok(())
}

pub async fn running_and_completed_tasks_refuse_new_work<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (all, census, open) = (orchestra(&rt).build()?, Census::default(), Latch::new());
    let (wait, held) = (open.clone(), census.enter());
    let task = all.register_task("task", AsyncTask::to::<()>(), || async move {
        wait.wait().await;
    })?;
    let below =
        all.register_after("below", &task, AsyncTask::to::<()>(), move |_| async move { drop(held) })?;
    let again = || all.register_again(&task, AsyncTask::to::<()>(), || async {});
    // A task that was not started can change its work; the first work is dropped then.
    all.register_again(&below, AsyncTask::to::<()>(), || async {})?;
    ensure!(census.alive() == 0, "kept");
    let circle = all.register_again_after(&task, &below, AsyncTask::to::<()>(), |_| async {});
    ensure!(matches!(circle, Err(OrchestratorError::Cycle { .. })), "a circle");
    all.start_all()?;
    ensure!(matches!(again(), Err(OrchestratorError::AlreadyStarted { .. })), "it was started");
    open.set();
    all.join_all().await?;
    ensure!(matches!(again(), Err(OrchestratorError::AlreadyStarted { .. })), "it has completed");
    ensure!(statuses(&all) == ["task: completed", "below: completed"], "{:?}", statuses(&all));
    Ok(())
}
