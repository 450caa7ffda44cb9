//! Seeing what runs, `watch`: a watched runtime names all of its tasks, and reports a slow end.

use std::thread;

use crate::library::MetricsEnabledTask as _;
use crate::library::runtime::Watch;

use crate::kit::prelude::*;
use crate::kit::spans::{span, warnings};

pub fn a_slow_end_causes_a_warning(harness: Started) -> Outcome {
    if harness.flavour().never_ends {
        // A watch there would be on every case's tasks.
        return Ok(());
    }
    let rt = harness.runtime();
    rt.root().watch(Watch::default().long_poll(1.hours()).slow_cancel(10.millis()));
    harness.block_on(async {
        let caller = span()?;
        let warnings = warnings(&caller)?;
        let (seen, end) = (Latch::new(), Latch::new());
        let (see, ends) = (seen.clone(), end.clone());
        let slow = caller.in_scope(|| {
            AsyncTask::to::<()>().on(&rt).name("slow").spawn_with(|cx| async move {
                cx.cancelled().await;
                see.set();
                ends.wait().await;
            })
        });
        let stopped = slow.cancel(CancelLevel::Graceful);
        seen.wait().await;
        thread::sleep(15.millis());
        let stuck = rt.snapshot();
        let names: Vec<_> = stuck.stuck(10.millis()).map(|task| task.info.name.as_deref()).collect();
        ensure!(names == [Some("slow")], "{stuck}");
        end.set();
        stopped.await;
        let warning = warnings.try_recv().context("no warning")?;
        ensure!(warning.task_name.as_deref() == Some("slow"), "{warning:?}");
        ensure!(warning.message.contains("asked to stop"), "{warning:?}");
        Ok(())
    })?
}

pub fn a_watched_task_is_named_before_its_first_poll(harness: Started) -> Outcome {
    if harness.flavour().never_ends {
        // A watch there would be on every case's tasks.
        return Ok(());
    }
    let rt = harness.runtime();
    rt.root().watch(Watch::default());
    harness.block_on(async {
        let held = hold_workers(&rt, harness.flavour().facts).await?;
        let task = AsyncTask::to::<()>().on(&rt).name("new").spawn(|| async {});
        let snapshot = rt.snapshot();
        let new =
            snapshot.tasks.iter().find(|other| other.info.id == task.id()).context("it is not in it")?;
        ensure!(new.info.status == TaskStatus::Pending && new.metrics.is_some(), "{new:?}");
        ensure!(snapshot.unnamed() == 0, "{snapshot}");
        ensure!(snapshot.tasks.len() == snapshot.statistics.live, "{snapshot}");
        rt.root().unwatch();
        let other = AsyncTask::to::<()>().on(&rt).spawn(|| async {});
        ensure!(!other.is_metrics_enabled());
        held.release().await?;
        task.await?;
        other.await?;
        Ok(())
    })?
}
