//! Orchestras, ad-hoc tasks: one waits for a permit, except one that a task of the orchestra runs.

use crate::kit::orchestras::{Log, ends_when_cancelled, noting, orchestra, statuses};
use crate::kit::prelude::*;

pub async fn tasks_queued_for_a_permit_never_begin_after_a_cancellation<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    for by_shutdown in [true, false] {
        let (all, log) = (orchestra(&rt).max_concurrency(1).build()?, Log::default());
        let holds = ends_when_cancelled(&all, &log, "holds")?;
        all.start_all()?;
        holds.wait().await;
        noting(&all, &log, "waits")?;
        all.start_all()?;
        let (noted, run) = (log.clone(), AsyncTask::to::<()>().orchestrator(&all).name("ad-hoc"));
        let run = run.run(|| async move { noted.note("ad-hoc") });
        let caller = AsyncTask::to::<()>().on(&rt).spawn(|| run);
        while all.execution_stats().pending < 2 {
            yield_now().await;
        }
        if by_shutdown {
            all.shutdown().await;
        } else {
            all.cancel(CancelLevel::Graceful).await;
        }
        ensure!(log.read() == ["holds cancelled", "holds ends"], "{:?}", log.read());
        ensure!(failed(caller.await)?.is_cancelled());
        ensure!(statuses(&all) == ["holds: completed", "waits: cancelled"], "{:?}", statuses(&all));
        let stats = all.execution_stats();
        ensure!((stats.completed, stats.cancelled, stats.total()) == (1, 2, 3), "{stats:?}");
    }
    Ok(())
}

pub async fn an_ad_hoc_task_run_by_a_node_shares_its_permit<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let all = orchestra(&rt).max_concurrency(1).build()?;
    let (own, on) = (all.clone(), rt.clone());
    let node = all.register_task("node", AsyncTask::to::<u32>(), || async move {
        let (inner, on) = (own.clone(), on.clone());
        let run = AsyncTask::to::<u32>().orchestrator(&own).name("outer");
        run.run(|| async move {
            let run = AsyncTask::to::<u32>().orchestrator(&inner).name("inner").run(|| async { 3 });
            // Also from a task below that one.
            AsyncTask::to::<u32>().on(&on).spawn(|| run).await
        })
        .await
    })?;
    let stats = all.run().await?;
    ensure!(node.output().as_deref() == Some(&3) && stats.completed == 3, "{stats:?}");
    ensure!(all.concurrency() == Some(1));
    Ok(())
}
