//! Metrics: the counters of a runtime add up, whenever they are read.

use crate::library::MetricsEnabledTask as _;
use crate::library::runtime::RuntimeMetrics;

use crate::kit::explode;
use crate::kit::load::{allocate, burn, free, pretend};
use crate::kit::prelude::*;

fn add_up(now: &RuntimeMetrics) -> Outcome {
    let tasks = &now.tasks;
    let sum = tasks.completed + tasks.failed + tasks.cancelled + tasks.live;
    ensure!(tasks.spawned == sum && tasks.live <= tasks.spawned, "{tasks:?}");
    Ok(())
}

pub fn every_task_of_a_large_burst_is_counted_by_its_outcome(harness: Started) -> Outcome {
    let rt = harness.runtime();
    let before = rt.metrics();
    harness.block_on(async {
        for _ in 0..10 {
            let tasks: Vec<_> = (0..40)
                .map(|index| {
                    AsyncTask::to::<()>().on(&rt).metrics(index % 2 == 0).try_spawn(move || async move {
                        yield_now().await;
                        match index % 5 {
                            0 => Err("it fails".into()),
                            1 => explode("it panics"),
                            2 => pending().await,
                            _ => Ok(()),
                        }
                    })
                })
                .collect();
            add_up(&rt.metrics())?;
            for (index, task) in tasks.into_iter().enumerate() {
                match index % 5 {
                    2 => drop(task.cancel(CancelLevel::Kill).await),
                    _ => drop(task.await),
                }
                add_up(&rt.metrics())?;
            }
        }
        Ok::<_, Failure>(())
    })??;
    if harness.flavour().never_ends {
        // Other cases run on that executor at the same time.
        return Ok(());
    }
    let (now, of) = (rt.metrics(), |now: usize, then: usize| now - then);
    ensure!(of(now.tasks.spawned, before.tasks.spawned) == 400, "{now:?}");
    ensure!(of(now.tasks.completed, before.tasks.completed) == 160, "{now:?}");
    ensure!(of(now.tasks.failed, before.tasks.failed) == 160, "{now:?}");
    ensure!(of(now.tasks.cancelled, before.tasks.cancelled) == 80, "{now:?}");
    ensure!(now.tasks.live == before.tasks.live, "{now:?}");
    // Half of the tasks were measured, with two polls each, except those killed before the second.
    ensure!(now.durations.count() == 200, "{:?}", now.durations);
    ensure!((200..=400).contains(&now.delays.count()), "{:?}", now.delays);
    let (median, most) = (now.durations.quantile(0.5), now.durations.quantile(1.0));
    ensure!(
        median.is_some() && median <= most && now.durations.sum() > Duration::ZERO,
        "{:?}",
        now.durations
    );
    Ok(())
}

pub fn blocking_work_is_queued_running_or_ended(harness: Started) -> Outcome {
    let flavour = harness.flavour();
    if flavour.never_ends || !flavour.has_threads {
        return Ok(());
    }
    let rt = harness.runtime();
    harness.block_on(async {
        let (open, inside) = (Latch::new(), Census::default());
        let jobs: Vec<_> = (0..2)
            .map(|_| {
                let (open, inside) = (open.clone(), inside.clone());
                AsyncTask::to::<()>().on(&rt).spawn(move || {
                    let _resident = inside.enter();
                    open.wait_blocking();
                })
            })
            .collect();
        while inside.alive() < 2 {
            yield_now().await;
        }
        let now = rt.metrics().blocking;
        ensure!((now.queued, now.running, now.ended) == (0, 2, 0), "{now:?}");
        open.set();
        for job in jobs {
            job.await?;
        }
        // A job is counted as ended after its task has its result.
        while rt.metrics().blocking.ended < 2 {
            yield_now().await;
        }
        let now = rt.metrics().blocking;
        ensure!((now.queued, now.running, now.ended) == (0, 0, 2), "{now:?}");
        Ok::<_, Failure>(())
    })?
}

pub fn the_usage_of_tasks_is_added_to_their_runtime(harness: Started) -> Outcome {
    let rt = harness.runtime();
    let before = rt.metrics();
    harness.block_on(async {
        let inner = rt.clone();
        let mut task = AsyncTask::to::<()>().on(&rt).metrics(true).try_spawn(move || async move {
            burn(2.millis());
            // The use of the child is in it once.
            AsyncTask::to::<()>().on(&inner).metrics(true).spawn(|| async { burn(2.millis()) }).await?;
            Ok(())
        });
        (&mut task).await?;
        let (now, used) = (rt.metrics(), task.cpu_usage());
        let Some(used) = used else {
            ensure!(now.used.cpu.is_none());
            return Ok(());
        };
        // The time for which several tasks together had metrics is not known.
        ensure!(now.used.cpu.is_some_and(|cpu| cpu.wall.is_none() && cpu.utilization().is_none()));
        let then = before.used.cpu.unwrap_or_default().total();
        let more = now.used.cpu.context("it was measured")?.total().saturating_sub(then);
        ensure!(more >= used.total(), "{more:?} in place of {used:?}");
        ensure!(harness.flavour().never_ends || more == used.total(), "{more:?} in place of {used:?}");
        Ok::<_, Failure>(())
    })?
}

pub fn without_measured_tasks_no_usage_is_known(harness: Started) -> Outcome {
    if harness.flavour().never_ends {
        // Other cases run on that executor at the same time, some of them with metrics.
        return Ok(());
    }
    pretend()?;
    let rt = harness.runtime();
    let is_unknown = || -> Outcome {
        let RuntimeMetrics { used, durations, delays, .. } = rt.metrics();
        ensure!(used.cpu.is_none() && used.memory.is_none(), "{used:?}");
        ensure!(used.io.is_none() && used.polls.is_none(), "{used:?}");
        ensure!((durations.count(), durations.quantile(0.5)) == (0, None), "{durations:?}");
        ensure!((delays.count(), delays.quantile(0.5)) == (0, None), "{delays:?}");
        Ok(())
    };
    is_unknown()?;
    let before = rt.metrics().tasks.completed;
    harness.block_on(async {
        let task = AsyncTask::to::<()>().on(&rt).spawn(|| async {
            burn(1.millis());
            allocate(100);
            yield_now().await;
        });
        task.await
    })??;
    ensure!(rt.metrics().tasks.completed == before + 1, "a task without metrics has run");
    is_unknown()
}

pub fn the_wall_time_of_memory_usage_is_unknown_for_several_tasks(harness: Started) -> Outcome {
    pretend()?;
    let rt = harness.runtime();
    let before = rt.metrics().used.memory.unwrap_or_default();
    harness.block_on(async {
        for _ in 0..2 {
            let mut task = AsyncTask::to::<()>().on(&rt).metrics(true).spawn(|| async {
                allocate(100);
                free(30);
            });
            (&mut task).await?;
            let own = task.memory_usage().context("an allocator counts")?;
            ensure!(own.wall.is_some(), "of one task it is known: {own:?}");
        }
        let now = rt.metrics().used.memory.context("an allocator counts")?;
        ensure!(now.wall.is_none() && now.allocated_per_second().is_none(), "{now:?}");
        let more = (now.allocated - before.allocated, now.freed - before.freed);
        ensure!(more.0 >= 200 && more.1 >= 60, "{more:?}");
        ensure!(harness.flavour().never_ends || more == (200, 60), "{more:?}");
        Ok::<_, Failure>(())
    })?
}
