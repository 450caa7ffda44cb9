//! Orchestras, sessions: usage, times and cancellations are of all that was started, whichever session it is in.

use crate::library::metrics::MetricsMode;
use crate::library::orchestra::{NodeStatus, Orchestrator, OrchestratorError};
use crate::library::{MetricsEnabledTask as _, TaskContext, TimedTask as _};

use crate::kit::orchestras::{Log, noting, orchestra};
use crate::kit::prelude::*;

fn spin(times: u64) -> u64 {
    (0..times).fold(0, |sum, n| std::hint::black_box(sum ^ n))
}

fn used<R: Runtime>(all: &Orchestrator<R>) -> Option<Duration> {
    all.cpu_usage().map(|usage| usage.user + usage.system)
}

pub async fn times_count_from_the_begin_of_the_first_task<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let all = orchestra(&rt).build()?;
    noting(&all, &Log::default(), "a")?;
    let held = hold_workers(&rt, at).await?;
    all.start_all()?;
    let before = all.report();
    ensure!(before.elapsed.is_zero() && before.tasks.iter().all(|task| task.began.is_none()), "{before:?}");
    // A clock that jumps moves only once all wait.
    let reported = rt.now();
    while !at.virtual_time && rt.now() < reported + 1.millis() {
        std::hint::spin_loop();
    }
    held.release().await?;
    all.join_all().await?;
    let report = all.report();
    ensure!(report.tasks.iter().all(|task| task.began == Some(Duration::ZERO)), "{report:?}");
    Ok(())
}

pub async fn the_usage_of_ended_sessions_is_kept<R: Runtime>(rt: R, _: Facts) -> Outcome {
    const ROUNDS: u64 = 5;
    let all = orchestra(&rt).metrics(MetricsMode::Exact).build()?;
    all.register_task("a", AsyncTask::to::<u64>(), || async { spin(100_000) })?;
    all.run().await?;
    // Not every system reports processor time.
    let Some(mut before) = used(&all) else { return Ok(()) };
    for round in 0..ROUNDS {
        // Less from round to round: the last round alone is never more than those before it.
        let times = 40_000 * (ROUNDS - round);
        let (name, node) = (format!("node {round}"), round % 2 == 0);
        if node {
            all.register_task(name.as_str(), AsyncTask::to::<u64>(), move || async move { spin(times) })?;
            all.run().await?;
        } else {
            let ad_hoc = AsyncTask::to::<u64>().orchestrator(&all).name(name.as_str());
            ad_hoc.run(move || async move { spin(times) }).await?;
        }
        // At once, while the session of the task may be about to end, and after its end.
        let soon = used(&all).with_context(|| format!("{name}: it is known no more"))?;
        ensure!(soon > before, "{name}: {before:?}, {soon:?}");
        all.join_all().await?;
        let after = used(&all).with_context(|| format!("{name}: it is known no more"))?;
        ensure!(after >= soon, "{name}: {soon:?}, {after:?}");
        before = after;
    }
    Ok(())
}

pub async fn a_cancellation_waits_for_a_graph_that_is_ending_beside_ad_hoc_tasks<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let (all, entered, open, left) = (orchestra(&rt).build()?, Latch::new(), Latch::new(), Latch::new());
    let (enter, opened, guard) = (entered.clone(), open.clone(), left.on_drop());
    all.register_task("shielded", AsyncTask::to::<()>(), || async move {
        let _guard = guard;
        let Some(cx) = TaskContext::current() else { return };
        let region = async {
            enter.set();
            opened.wait().await;
        };
        cx.shield(region).await;
    })?;
    noting(&all, &Log::default(), "below")?;
    all.add_dependency("below", "shielded")?;
    all.start_all()?;
    entered.wait().await;
    // At its limit the graph takes nothing more, and waits for the region.
    all.set_deadline(rt.now() + 1.millis())?;
    while all.task_status("below")? != NodeStatus::Cancelled {
        rt.sleep(1.millis()).await?;
    }
    let ad_hoc = AsyncTask::to::<()>().orchestrator(&all).name("ad-hoc").spawn(pending::<()>);
    let (inner, opens) = (rt.clone(), open.clone());
    let opener = AsyncTask::to::<()>().on(&rt).try_spawn(move || async move {
        inner.sleep(30.millis()).await?;
        opens.set();
        Ok(())
    });
    all.cancel(CancelLevel::Kill).await;
    ensure!(left.is_set(), "a task of the graph is left");
    ensure!(failed(ad_hoc.await)?.is_cancelled());
    opener.await?;
    Ok(())
}

pub async fn starts_beside_the_ends_of_sessions_run_their_tasks<R: Runtime>(rt: R, _: Facts) -> Outcome {
    const STARTERS: usize = 4;
    const ROUNDS: usize = 40;
    let all = orchestra(&rt).build()?;
    // Each waits for its task before it starts the next, so sessions become idle all the while.
    let start = |starter: usize| {
        let all = all.clone();
        AsyncTask::to::<usize>().on(&rt).spawn(move || async move {
            let mut sum = 0;
            for round in 0..ROUNDS {
                let name = format!("{starter}, {round}");
                let node = all.register_task(name, AsyncTask::to::<usize>(), || async { 1 })?;
                all.start_task(&node)?;
                sum += *all.join_task(&node).await?;
                sum += AsyncTask::to::<usize>().orchestrator(&all).name("ad-hoc").run(|| async { 1 }).await?;
            }
            Ok::<_, AsyncTaskError>(sum)
        })
    };
    let starters: Vec<_> = (0..STARTERS).map(start).collect();
    for starter in starters {
        ensure!(starter.await? == 2 * ROUNDS);
    }
    let stats = all.join_all().await?;
    ensure!(stats.completed == 2 * STARTERS * ROUNDS && stats.pending + stats.running == 0, "{stats:?}");
    Ok(())
}

pub async fn starts_beside_the_limits_of_sessions_leave_no_task_without_an_end<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    const STARTERS: usize = 4;
    const ROUNDS: u32 = 20;
    let all = orchestra(&rt).timeout(1.millis()).build()?;
    // The limit stops a session while others start tasks in it. Each task ends, in whichever way.
    let start = |starter: usize| {
        let (all, rt) = (all.clone(), rt.clone());
        AsyncTask::to::<()>().on(&rt.clone()).spawn(move || async move {
            for round in 0..ROUNDS {
                let (name, inner) = (format!("{starter}, {round}"), rt.clone());
                let work = move || async move { inner.sleep((round % 3).millis()).await };
                let node = all.register_task(name, AsyncTask::to::<()>(), work)?;
                match all.start_task(&node) {
                    Ok(()) => {}
                    // The limit has passed before the session was begun, and its reason may not be there yet.
                    Err(OrchestratorError::Task(_) | OrchestratorError::Closed) => continue,
                    Err(error) => return Err(error.into()),
                }
                match all.join_task(&node).await {
                    Ok(_) | Err(OrchestratorError::TaskCancelled { .. }) => {}
                    Err(OrchestratorError::TaskFailed { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
                let ad_hoc = AsyncTask::to::<()>().orchestrator(&all).name("ad-hoc");
                let _ = ad_hoc.run(|| async { yield_now().await }).await;
            }
            Ok::<_, AsyncTaskError>(())
        })
    };
    let starters: Vec<_> = (0..STARTERS).map(start).collect();
    for starter in starters {
        starter.await?;
    }
    let _ = all.join_all().await;
    let stats = all.execution_stats();
    ensure!(stats.running == 0, "{stats:?}");
    Ok(())
}
