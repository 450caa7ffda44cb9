//! Orchestras, schedules: the work of a task may be repeated, and the task ends with its schedule.

use std::sync::Arc;

use crate::library::orchestra::{NodeStatus, Orchestrator};
use crate::library::{OnFailure, Repeated, Schedule, TaskContext};

use crate::cases::restarts::{Broken, Calls};
use crate::kit::orchestras::{Log, noting, orchestra, statuses};
use crate::kit::prelude::*;

/// Registers a task that is repeated for ever, with long waits between. Its run waits until it is cancelled;
/// the latches are set with the begin of the first run, and with the drop of its work.
fn rarely<R: Runtime>(rt: &R, all: &Orchestrator<R>, started: &Latch, dropped: &Latch) -> Outcome {
    let (inner, start, guarded) = (rt.clone(), started.clone(), dropped.clone());
    all.register_task("repeated", AsyncTask::to::<Repeated>(), move || async move {
        let repeat = AsyncTask::to::<()>().on(&inner).repeat(Schedule::every(1.days()));
        let work = move || {
            start.set();
            let guard = guarded.on_drop();
            async move {
                let _guard = guard;
                if let Some(cx) = TaskContext::current() {
                    cx.cancelled().await;
                }
            }
        };
        repeat.run(work).await
    })?;
    Ok(())
}

pub async fn the_report_of_a_repeated_task_is_its_output<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (all, calls, inner) = (orchestra(&rt).max_concurrency(1).build()?, Calls::default(), rt.clone());
    let counted = calls.clone();
    let repeated = all.register_task("repeated", AsyncTask::to::<Repeated>(), move || async move {
        let repeat = AsyncTask::to::<()>().on(&inner).repeat(Schedule::every(1.millis()).take(4));
        let work = move || {
            let call = counted.next();
            async move { if call == 2 { Err(Broken(call)) } else { Ok(()) } }
        };
        repeat.run(work).await
    })?;
    let counts = |report: Arc<Repeated>| async move { (report.runs, report.failures) };
    let counts = all.register_after("counts", &repeated, AsyncTask::to::<(u64, u64)>(), counts)?;
    all.run().await?;
    ensure!(counts.output().as_deref() == Some(&(4, 1)) && calls.made() == 4, "{:?}", counts.output());
    Ok(())
}

pub async fn a_run_that_is_to_stop_the_schedule_fails_the_task<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (all, log, inner) = (orchestra(&rt).build()?, Log::default(), rt.clone());
    all.register_task("repeated", AsyncTask::to::<Repeated>(), move || async move {
        let repeat = AsyncTask::to::<()>().on(&inner).repeat(Schedule::every(1.days()));
        repeat.on_failure(OnFailure::Stop).run(|| async { Err::<(), _>(Broken(7)) }).await
    })?;
    noting(&all, &log, "below")?;
    all.add_dependency("below", "repeated")?;
    failed(all.run().await)?;
    ensure!(statuses(&all) == ["repeated: failed", "below: skipped"], "{:?}", statuses(&all));
    Ok(())
}

pub async fn a_cancelled_task_ends_its_schedule_and_its_run<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for level in [CancelLevel::Graceful, CancelLevel::Kill] {
        let (all, started, dropped) = (orchestra(&rt).build()?, Latch::new(), Latch::new());
        rarely(&rt, &all, &started, &dropped)?;
        all.start_all()?;
        started.wait().await;
        all.cancel_task("repeated", level)?.await;
        ensure!(dropped.is_set(), "{level}: a run is left");
        // Its report is a value within the grace period. A kill that comes during the poll that has begun the run
        // is seen by the schedule first, whose report then wins over it.
        let status = all.task_status("repeated")?;
        let is_killed = level == CancelLevel::Kill && status == NodeStatus::Cancelled;
        ensure!(is_killed || status == NodeStatus::Completed, "{level}: {:?}", statuses(&all));
    }
    Ok(())
}

pub async fn a_shutdown_ends_schedules_in_order<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (all, started, dropped) = (orchestra(&rt).build()?, Latch::new(), Latch::new());
    rarely(&rt, &all, &started, &dropped)?;
    noting(&all, &Log::default(), "below")?;
    all.add_dependency("below", "repeated")?;
    all.start_all()?;
    started.wait().await;
    let stats = all.shutdown().await;
    ensure!(dropped.is_set() && (stats.completed, stats.cancelled) == (1, 1), "{stats:?}");
    Ok(())
}

pub async fn an_ad_hoc_task_may_repeat_its_work<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (all, calls, inner) = (orchestra(&rt).max_concurrency(1).build()?, Calls::default(), rt.clone());
    let counted = calls.clone();
    let ad_hoc = AsyncTask::to::<Repeated>().orchestrator(&all).name("repeated");
    let report = ad_hoc.run(move || async move {
        let repeat = AsyncTask::to::<()>().on(&inner).repeat(Schedule::every(1.millis()).take(3));
        let work = move || {
            counted.next();
            async {}
        };
        repeat.run(work).await
    });
    let report = report.await?;
    ensure!((report.runs, report.failures, calls.made()) == (3, 0, 3), "{report:?}");
    ensure!(all.execution_stats().completed == 1, "{:?}", all.execution_stats());
    Ok(())
}
