//! Orchestras, shutdown: tasks stop from the deepest in the graph upwards, each with its own grace.

use crate::library::orchestra::{EdgePolicy, NodeStatus, OrchestratorError};

use crate::kit::orchestras::{Log, ends_when_cancelled, noting, orchestra};
use crate::kit::prelude::*;

pub async fn a_shutdown_goes_from_the_last_to_the_first<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (all, log) = (orchestra(&rt).build()?, Log::default());
    // Three tasks that run at the same time at different depths, and one that waits.
    let mut started = Vec::new();
    for (name, depth) in [("shallow", 0), ("deep", 2), ("middle", 1)] {
        started.push(ends_when_cancelled(&all, &log, name)?);
        for step in (0..depth).rev() {
            let (step_name, below) = (format!("{name} {step}"), format!("{name} {}", step + 1));
            all.register_task(step_name.clone(), AsyncTask::to::<()>(), || async {})?;
            all.add_dependency(if step + 1 == depth { name } else { &below }, &step_name)?;
        }
    }
    noting(&all, &log, "waits")?;
    all.add_dependency_with("waits", "shallow", EdgePolicy::AnyEnd)?;
    all.start_all()?;
    for started in &started {
        started.wait().await;
    }
    let stats = all.shutdown().await;
    let due = [
        "deep cancelled",
        "deep ends",
        "middle cancelled",
        "middle ends",
        "shallow cancelled",
        "shallow ends",
    ];
    ensure!(log.read() == due, "{:?}", log.read());
    ensure!(all.task_status("waits")? == NodeStatus::Cancelled && stats.running == 0, "{stats:?}");
    ensure!(matches!(all.start_all(), Err(OrchestratorError::Closed)), "started again");
    Ok(())
}

pub async fn a_shutdown_gives_each_task_its_own_grace<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (all, log) = (orchestra(&rt).build()?, Log::default());
    let mut started = Vec::new();
    for (name, grace) in [("first", 30u32), ("second", 50)] {
        let (latch, note) = (Latch::new(), log.clone());
        started.push(latch.clone());
        let builder = AsyncTask::to::<()>().grace(grace.millis());
        all.register_task(name, builder, move || async move {
            latch.set();
            note.note(name);
            pending::<()>().await
        })?;
    }
    all.register_task("above", AsyncTask::to::<()>(), || async {})?;
    all.add_dependency("second", "above")?;
    all.start_all()?;
    for started in &started {
        started.wait().await;
    }
    let begun = rt.now();
    let stats = all.shutdown().await;
    let took = rt.now().saturating_duration_since(begun);
    // One after the other, since one is deeper in the graph.
    ensure!(took >= 80.millis() && stats.cancelled == 2, "{took:?}, {stats:?}");
    if at.virtual_time {
        ensure!(took == 80.millis(), "{took:?}");
    }
    Ok(())
}
