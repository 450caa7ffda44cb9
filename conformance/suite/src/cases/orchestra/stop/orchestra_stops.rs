//! Orchestras, cancellation: a cancelled task takes its dependents along, never its dependencies.
//! The same holds for a group, the whole, the last handle and a time limit: nothing is left of what is
//! stopped.

use crate::library::orchestra::{EdgePolicy, NodeStatus, Orchestrator, OrchestratorError};
use crate::library::{CancelOutcome, CancellableTask as _, StatusEnabledTask as _, TimedTask as _};

use crate::kit::orchestras::{Log, cause, ends_when_cancelled, noting, orchestra, statuses};
use crate::kit::prelude::*;

/// Registers a task that waits forever once it has set `started`, and is noted in `log` when it is dropped.
fn waiting<R: Runtime>(all: &Orchestrator<R>, log: &Log, name: &str) -> Result<Latch, Failure> {
    struct NotesDrop(Log, String);
    impl Drop for NotesDrop {
        fn drop(&mut self) {
            self.0.note(self.1.clone());
        }
    }
    let (started, notes) = (Latch::new(), NotesDrop(log.clone(), name.to_owned()));
    let start = started.clone();
    all.register_task(name, AsyncTask::to::<()>(), || async move {
        let _notes = notes;
        start.set();
        pending::<()>().await
    })?;
    Ok(started)
}

pub async fn cancelling_a_task_spares_its_dependencies<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (all, log) = (orchestra(&rt).build()?, Log::default());
    noting(&all, &log, "above")?;
    let started = waiting(&all, &log, "it")?;
    for name in ["below", "farther below", "whatever becomes of it"] {
        noting(&all, &log, name)?;
    }
    all.add_dependency("it", "above")?;
    all.add_dependency("below", "it")?;
    all.add_dependency("farther below", "below")?;
    all.add_dependency_with("whatever becomes of it", "it", EdgePolicy::AnyEnd)?;
    all.start_all()?;
    started.wait().await;
    all.cancel_task("it", CancelLevel::Kill)?.await;
    let status = all.task_status("it")?;
    ensure!(
        status == NodeStatus::Cancelled && log.read().contains(&"it".to_owned()),
        "{status}: {:?}",
        log.read()
    );
    all.join_all().await?;
    for name in ["below", "farther below"] {
        ensure!(cause(&all, name)? == ("it".to_owned(), true), "{name}");
    }
    ensure!(log.read() == ["above", "it", "whatever becomes of it"], "{:?}", log.read());
    ensure!(all.status() == TaskStatus::Completed, "{:?}", all.status());
    Ok(())
}

pub async fn a_task_that_has_not_begun_is_cancelled_at_once<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (all, log, open) = (orchestra(&rt).build()?, Log::default(), Latch::new());
    let wait = open.clone();
    all.register_task("above", AsyncTask::to::<()>(), || async move { wait.wait().await })?;
    for (name, on) in [("it", "above"), ("below", "it")] {
        noting(&all, &log, name)?;
        all.add_dependency(name, on)?;
    }
    noting(&all, &log, "unstarted")?;
    all.start_task("below")?;
    all.cancel_task("it", CancelLevel::Graceful)?.await;
    all.cancel_task("unstarted", CancelLevel::Graceful)?.await;
    let due = ["above", "it: cancelled", "below: skipped", "unstarted: cancelled"];
    let is = statuses(&all);
    ensure!(is.iter().zip(due).all(|(is, due)| is.starts_with(due)), "{is:?}");
    open.set();
    all.run().await?;
    ensure!(log.read().is_empty() && all.task_status("above")? == NodeStatus::Completed, "{:?}", log.read());
    Ok(())
}

pub async fn a_value_within_its_grace_counts_and_its_dependents_do_not_begin<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let (all, log) = (orchestra(&rt).build()?, Log::default());
    let started = ends_when_cancelled(&all, &log, "it")?;
    noting(&all, &log, "below")?;
    all.add_dependency("below", "it")?;
    all.start_all()?;
    started.wait().await;
    all.cancel_task("it", CancelLevel::Graceful)?.await;
    all.join_all().await?;
    ensure!(statuses(&all) == ["it: completed", "below: skipped"], "{:?}", statuses(&all));
    ensure!(log.read() == ["it cancelled", "it ends"], "{:?}", log.read());
    // After its end a cancellation changes nothing.
    all.cancel_task("it", CancelLevel::Kill)?.await;
    ensure!(all.task_status("it")? == NodeStatus::Completed, "{:?}", statuses(&all));
    Ok(())
}

pub async fn a_group_is_cancelled_and_the_others_go_on<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (all, log, open) = (orchestra(&rt).build()?, Log::default(), Latch::new());
    let started = [waiting(&all, &log, "a")?, waiting(&all, &log, "b")?];
    let (wait, noted) = (open.clone(), log.clone());
    all.register_task("other", AsyncTask::to::<()>(), || async move {
        wait.wait().await;
        noted.note("other");
    })?;
    all.create_group("two")?;
    for name in ["a", "b"] {
        all.add_task_to_group(name, "two")?;
    }
    all.start_all()?;
    for started in &started {
        started.wait().await;
    }
    all.cancel_group("two", CancelLevel::Kill)?.await;
    let mut dropped = log.read();
    dropped.sort_unstable();
    ensure!(dropped == ["a", "b"], "{dropped:?}");
    open.set();
    let stats = all.join_all().await?;
    ensure!((stats.cancelled, stats.completed) == (2, 1), "{stats:?}");
    ensure!(matches!(all.cancel_group("x", CancelLevel::Kill), Err(OrchestratorError::UnknownGroup { .. })));
    Ok(())
}

pub async fn cancelling_the_orchestra_leaves_nothing<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (all, log, census) = (orchestra(&rt).build()?, Log::default(), Census::default());
    let started = waiting(&all, &log, "runs")?;
    for name in ["waits", "waits, too"] {
        let resident = census.enter();
        all.register_task(name, AsyncTask::to::<()>(), || async move { drop(resident) })?;
    }
    all.add_dependency("waits", "runs")?;
    all.add_dependency_with("waits, too", "runs", EdgePolicy::AnyEnd)?;
    all.start_all()?;
    started.wait().await;
    let result = all.cancel(CancelLevel::Kill).await;
    ensure!(result.outcome() == CancelOutcome::Cancelled && log.read() == ["runs"], "{result:?}");
    let error = failed(all.join_all().await)?;
    ensure!(matches!(&error, OrchestratorError::Stopped(error) if error.is_cancelled()), "{error}");
    ensure!(
        census.alive() == 0 && all.status() == TaskStatus::Cancelled && all.is_cancelled(),
        "{:?}",
        all.status()
    );
    ensure!(all.execution_stats().cancelled == 3, "{:?}", statuses(&all));
    ensure!(matches!(all.start_all(), Err(OrchestratorError::Closed)), "started again");
    ensure!(matches!(noting(&all, &log, "more"), Err(OrchestratorError::Closed)), "registered");
    Ok(())
}

pub async fn a_graceful_cancellation_ends_running_tasks_and_starts_none<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let (all, log) = (orchestra(&rt).build()?, Log::default());
    let started = ends_when_cancelled(&all, &log, "runs")?;
    for (name, policy) in [("waits", EdgePolicy::Success), ("waits, too", EdgePolicy::AnyEnd)] {
        noting(&all, &log, name)?;
        all.add_dependency_with(name, "runs", policy)?;
    }
    all.start_all()?;
    started.wait().await;
    let result = all.cancel(CancelLevel::Graceful).await;
    ensure!(result.outcome() == CancelOutcome::Cancelled, "{result:?}");
    let due = ["runs: completed", "waits: cancelled", "waits, too: cancelled"];
    ensure!(statuses(&all) == due && log.read() == ["runs cancelled", "runs ends"], "{:?}", statuses(&all));
    Ok(())
}

pub async fn an_orchestra_cancelled_before_its_start_never_runs<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (all, log) = (orchestra(&rt).build()?, Log::default());
    noting(&all, &log, "a")?;
    let result = all.cancel(CancelLevel::Kill).await;
    ensure!(
        result.outcome() == CancelOutcome::Cancelled && all.status() == TaskStatus::Cancelled,
        "{result:?}"
    );
    ensure!(statuses(&all) == ["a: cancelled"] && log.read().is_empty(), "{:?}", statuses(&all));
    ensure!(matches!(all.run().await, Err(OrchestratorError::Closed)), "it runs");
    Ok(())
}

pub async fn the_orchestras_timeout_kills_running_tasks<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (all, log) = (orchestra(&rt).name("whole").timeout(40.millis()).build()?, Log::default());
    waiting(&all, &log, "runs")?;
    noting(&all, &log, "waits")?;
    all.add_dependency("waits", "runs")?;
    let error = failed(all.run().await)?;
    let OrchestratorError::Stopped(stopped) = &error else { bail!("{error}") };
    ensure!(stopped.is_timeout() && stopped.to_string().contains("whole"), "{error}");
    ensure!(
        statuses(&all) == ["runs: cancelled", "waits: cancelled"] && log.read() == ["runs"],
        "{:?}",
        statuses(&all)
    );
    ensure!(all.status() == TaskStatus::Failed && all.is_expired(), "{:?}", all.status());
    Ok(())
}

pub async fn dropping_the_last_handle_stops_all_tasks<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (all, log, census) = (orchestra(&rt).build()?, Log::default(), Census::default());
    let started = waiting(&all, &log, "runs")?;
    let resident = census.enter();
    all.register_task("waits", AsyncTask::to::<()>(), || async move { drop(resident) })?;
    all.add_dependency("waits", "runs")?;
    all.start_all()?;
    started.wait().await;
    let (clone, task) = (all.clone(), all.context().context("no task")?);
    drop(all);
    ensure!(!task.is_cancelled(), "there is another handle");
    drop(clone);
    ensure!(task.cause() == Some(CancelCause::HandleDropped), "{:?}", task.cause());
    task.canceller().cancel(CancelLevel::Kill).await;
    ensure!(log.read() == ["runs"] && census.alive() == 0, "{:?}", log.read());
    Ok(())
}

pub async fn a_detached_orchestra_runs_to_its_end<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (all, done) = (orchestra(&rt).build()?, Latch::new());
    all.register_task("a", AsyncTask::to::<()>(), || async { yield_now().await })?;
    let set = done.clone();
    all.register_task("b", AsyncTask::to::<()>(), || async move { set.set() })?;
    all.add_dependency("b", "a")?;
    all.start_all()?;
    all.detach();
    done.wait().await;
    Ok(())
}

pub async fn an_orchestra_keeps_nothing_after_its_end<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let census = Census::default();
    for is_run in [true, false] {
        let all = orchestra(&rt).with(census.enter()).build()?;
        all.register_task("a", AsyncTask::to::<()>(), || async {})?;
        all.register_task("b", AsyncTask::to::<()>().with(census.enter()), || async {})?;
        if is_run {
            all.run().await?;
        }
        drop(all);
        // The executor may still hold tasks that have ended.
        while census.alive() > 0 {
            yield_now().await;
        }
    }
    ensure!(census.ever() == 4, "{}", census.ever());
    Ok(())
}

pub async fn a_dropped_join_stops_nothing<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (all, open) = (orchestra(&rt).build()?, Latch::new());
    let wait = open.clone();
    let node = all.register_task("a", AsyncTask::to::<u32>(), || async move {
        wait.wait().await;
        7
    })?;
    ensure!(poll_once(all.run()).await.is_none(), "it has ended");
    ensure!(poll_once(all.join_task(&node)).await.is_none(), "it has ended");
    open.set();
    ensure!(*all.join_task(&node).await? == 7 && all.join_all().await?.completed == 1, "lost");
    Ok(())
}

pub async fn dependents_started_later_are_cancelled_like_those_started_together<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let (all, log) = (orchestra(&rt).build()?, Log::default());
    let started = ends_when_cancelled(&all, &log, "first")?;
    noting(&all, &log, "together")?;
    all.add_dependency("together", "first")?;
    all.start_all()?;
    started.wait().await;
    noting(&all, &log, "later")?;
    all.add_dependency("later", "first")?;
    all.start_all()?;
    all.cancel(CancelLevel::Graceful).await;
    let ends = (all.task_status("together")?, all.task_status("later")?);
    ensure!(ends == (NodeStatus::Cancelled, NodeStatus::Cancelled), "{ends:?}");
    Ok(())
}
