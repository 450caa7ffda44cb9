//! The virtual clock: exact, ordered, and without real waiting.

use std::time::Duration;

use anyhow::ensure;
use futures_lite::future::{poll_once, yield_now};
use sweet_async_core::RuntimeExt as _;
use sweet_async_core::time::Interval;
use sweet_async_core::{DurationExt as _, Runtime as _, TaskBuilder};
use sweet_async_sim::{SimHandle, SimRuntime};

fn task<T>(rt: &SimHandle) -> TaskBuilder<T, SimHandle> {
    TaskBuilder::new(rt.clone())
}

#[test]
fn a_day_passes_exactly() -> anyhow::Result<()> {
    let sim = SimRuntime::new(1);
    let rt = sim.runtime();
    let before = rt.now();
    sim.block_on(async {
        rt.sleep(1.days()).await?;
        task::<()>(rt).spawn_blocking(|| {}).await?;
        rt.sleep(1.nanos()).await
    })??;
    ensure!(sim.elapsed() == Duration::new(86_400, 1));
    ensure!(rt.now() - before == Duration::new(86_400, 1));
    Ok(())
}

#[test]
fn work_takes_no_time() -> anyhow::Result<()> {
    let sim = SimRuntime::new(1);
    sim.block_on(async {
        for _ in 0..100 {
            yield_now().await;
            task::<()>(sim.runtime()).spawn(|| async {}).await?;
        }
        anyhow::Ok(())
    })??;
    ensure!(sim.elapsed().is_zero());
    Ok(())
}

#[test]
fn ten_thousand_timers_fire_in_order_over_a_year() -> anyhow::Result<()> {
    let sim = SimRuntime::new(3);
    let rt = sim.runtime();
    let (sender, rung) = async_channel::unbounded();
    // Scattered over the year, none at the same moment as another.
    let delays = (0..10_000u64).map(|n| Duration::from_secs(n * 7_919 % 10_000 * 3_153));
    let tasks: Vec<_> = delays
        .map(|delay| {
            let (inner, sender) = (rt.clone(), sender.clone());
            task::<()>(rt).try_spawn(move || async move {
                inner.sleep(delay).await?;
                sender.try_send((delay, inner.elapsed()))?;
                Ok(())
            })
        })
        .collect();
    sim.block_on(async {
        for task in tasks {
            task.await?;
        }
        anyhow::Ok(())
    })??;
    let mut last = None;
    while let Ok((due, at)) = rung.try_recv() {
        ensure!(due == at && last < Some(at), "due at {due:?}, and it is {at:?} after {last:?}");
        last = Some(at);
    }
    ensure!(last == Some(Duration::from_secs(9_999 * 3_153)) && last == Some(sim.elapsed()));
    Ok(())
}

#[test]
fn past_timers_are_ready_and_far_ones_are_pending() -> anyhow::Result<()> {
    let sim = SimRuntime::new(0);
    let rt = sim.runtime();
    sim.block_on(async {
        rt.sleep_until(rt.now()).await;
        rt.sleep(1.hours()).await?;
        rt.sleep_until(rt.now() - Duration::from_secs(60)).await;
        ensure!(sim.elapsed() == 1.hours());
        ensure!(poll_once(rt.sleep(Duration::MAX)).await.is_none());
        // More than the clock can count, less than the system's can.
        ensure!(poll_once(rt.sleep((600 * 365u64).days())).await.is_none());
        rt.sleep((500 * 365u64).days()).await?;
        ensure!(sim.elapsed() == 1.hours() + (500 * 365u64).days());
        Ok(())
    })?
}

#[test]
fn dropped_timers_are_removed() -> anyhow::Result<()> {
    let sim = SimRuntime::new(0);
    let rt = sim.runtime();
    sim.block_on(async {
        for round in 0..100_000u32 {
            let value = task::<u32>(rt).timeout(1.hours()).run(|| async move {
                yield_now().await;
                round
            });
            ensure!(value.await? == round);
        }
        ensure!(sim.elapsed().is_zero());
        rt.sleep(1.minutes()).await?;
        Ok(())
    })??;
    // Had one been left, time would not have stopped, but gone on to it.
    let stuck = sim.block_on(std::future::pending::<()>());
    ensure!(stuck.is_err() && sim.elapsed() == 1.minutes());
    Ok(())
}

#[test]
fn a_timer_follows_the_task_that_polls_it() -> anyhow::Result<()> {
    let sim = SimRuntime::new(5);
    let rt = sim.runtime();
    sim.block_on(async {
        let mut timer = Box::pin(rt.sleep(1.seconds()));
        ensure!(poll_once(&mut timer).await.is_none());
        task::<()>(rt).spawn(move || timer).await?;
        ensure!(sim.elapsed() == 1.seconds());
        Ok(())
    })?
}

#[test]
fn ticks_come_at_their_times() -> anyhow::Result<()> {
    let sim = SimRuntime::new(5);
    let rt = sim.runtime();
    sim.block_on(async {
        let mut interval = Interval::new(rt, 3.seconds())?;
        for tick in 0..1_000u64 {
            interval.tick().await?;
            ensure!(sim.elapsed() == Duration::from_secs(3 * tick));
        }
        Ok(())
    })?
}

#[test]
fn of_two_limits_the_shorter_one_wins_by_a_nanosecond() -> anyhow::Result<()> {
    for seed in 0..50 {
        let sim = SimRuntime::new(seed);
        let rt = sim.runtime();
        let in_time = |limit| {
            let inner = rt.clone();
            task::<()>(rt).timeout(limit).spawn(move || async move { inner.sleep(1.seconds()).await })
        };
        let (early, late) =
            (in_time(Duration::from_nanos(999_999_999)), in_time(Duration::from_nanos(1_000_000_001)));
        sim.block_on(async {
            ensure!(early.await.is_err_and(|error| error.is_timeout()));
            ensure!(late.await.is_ok());
            Ok(())
        })??;
    }
    Ok(())
}
