//! Recovery, limiter: an adaptive number of permits follows the load within its range, and no permit is lost.

use std::ops::RangeInclusive;

use crate::library::{CancellableTask as _, Limiter};
use tracing::Level;

use super::limiters::{check_all_free, fill, until_waiting, with_permits};
use crate::kit::prelude::*;
use crate::kit::spans::span;
use crate::kit::tape::record;

fn adaptive(range: RangeInclusive<usize>) -> Result<Limiter, AsyncTaskError> {
    Limiter::builder().adaptive(range).build()
}

/// Work that takes 5 ms, however much of it is under way.
fn five_millis(_: usize) -> Duration {
    5.millis()
}

/// Work that takes 5 ms while at most four pieces of it are under way, and longer the more there are.
fn four_at_a_time(under_way: usize) -> Duration {
    Duration::from_micros(1_250).saturating_mul(u32::try_from(under_way.max(4)).unwrap_or(u32::MAX))
}

/// Works off `number` tasks that all come at once; returns the most that were under way at the same time.
async fn work_off<R: Runtime>(
    rt: &R,
    limiter: &Limiter,
    number: usize,
    takes: fn(usize) -> Duration,
) -> Result<usize, Failure> {
    let (census, mut tasks) = (Census::default(), Vec::new());
    for _ in 0..number {
        let (census, sleeper) = (census.clone(), rt.clone());
        tasks.push(AsyncTask::to::<()>().on(rt).limiter(limiter).try_spawn(move || async move {
            let _resident = census.enter();
            Ok(sleeper.sleep(takes(census.alive())).await?)
        }));
    }
    for task in tasks {
        task.await?;
    }
    ensure!(census.ever() == number && (limiter.under_way(), limiter.waiting()) == (0, 0));
    Ok(census.most())
}

/// Checks that all permits are free. Their number is fixed first, since it may change with every end.
async fn check_free<R: Runtime>(rt: &R, limiter: &Limiter) -> Outcome {
    let permits = limiter.permits().context("there is no number of permits")?;
    limiter.set_permits(permits, rt.now());
    check_all_free(rt, limiter, permits).await
}

/// The number of tasks for a case: few where each takes its time.
fn number(at: Facts) -> usize {
    if at.virtual_time { 600 } else { 60 }
}

pub async fn the_number_of_permits_can_be_read<R: Runtime>(rt: R, _: Facts) -> Outcome {
    ensure!(adaptive(2..=8)?.permits() == Some(2), "it begins at the least");
    ensure!(format!("{:?}", adaptive(2..=8)?).contains("permits: Some(2)"));
    ensure!(Limiter::builder().rate(1, 1.seconds()).build()?.permits().is_none());
    let limiter = with_permits(3)?;
    ensure!(limiter.permits() == Some(3));
    limiter.set_permits(5, rt.now());
    ensure!(limiter.permits() == Some(5));
    Ok(())
}

pub async fn permits_rise_while_more_of_them_help<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (limiter, begun) = (adaptive(1..=16)?, rt.now());
    let most = work_off(&rt, &limiter, number(at), five_millis).await?;
    let took = rt.now().saturating_duration_since(begun);
    ensure!(most <= 16 && limiter.permits().is_some_and(|permits| (1..=16).contains(&permits)));
    // With one permit it would take three seconds, and with sixteen from the start 190 ms.
    ensure!(!at.virtual_time || (most == 16 && took <= 300.millis()), "{most} at the same time, {took:?}");
    check_free(&rt, &limiter).await
}

pub async fn permits_stop_rising_where_more_make_all_slower<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let limiter = adaptive(1..=64)?;
    let most = work_off(&rt, &limiter, number(at), four_at_a_time).await?;
    ensure!(most <= 64);
    // Four are enough, and eight take twice the time.
    ensure!(!at.virtual_time || (4..=24).contains(&most), "{most} at the same time");
    Ok(())
}

pub async fn idle_hours_change_nothing<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (limiter, pause) = (adaptive(1..=16)?, if at.virtual_time { 1.hours() } else { 1.millis() });
    work_off(&rt, &limiter, number(at), five_millis).await?;
    let before = limiter.permits();
    for _ in 0..3 {
        rt.sleep(pause).await?;
        work_off(&rt, &limiter, 1, five_millis).await?;
        ensure!(!at.virtual_time || limiter.permits() == before, "{:?}, not {before:?}", limiter.permits());
    }
    ensure!(!at.virtual_time || before == Some(16), "{before:?}");
    check_free(&rt, &limiter).await
}

pub async fn permits_that_are_set_are_fixed<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let limiter = adaptive(1..=16)?;
    limiter.set_permits(3, rt.now());
    let most = work_off(&rt, &limiter, number(at), five_millis).await?;
    ensure!(most <= 3 && limiter.permits() == Some(3), "{most} at the same time");
    Ok(())
}

pub async fn a_range_of_one_number_is_fixed<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let limiter = adaptive(3..=3)?;
    let most = work_off(&rt, &limiter, number(at), four_at_a_time).await?;
    ensure!(most <= 3 && limiter.permits() == Some(3), "{most} at the same time");
    Ok(())
}

pub async fn waiters_for_the_rate_raise_no_permits<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let limiter = Limiter::builder().adaptive(1..=8).rate(1, 10.millis()).build()?;
    let number = if at.virtual_time { 100 } else { 10 };
    let most = work_off(&rt, &limiter, number, |_| 1.millis()).await?;
    ensure!(most <= 8);
    // The permit is free for 9 ms of 10.
    ensure!(!at.virtual_time || limiter.permits() == Some(1), "{:?}", limiter.permits());
    Ok(())
}

pub async fn an_arrival_beyond_the_bound_on_waiters_is_refused<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let limiter = Limiter::builder().adaptive(1..=8).max_waiting(1).build()?;
    let full = fill(&rt, &limiter, 1).await?;
    let builder = AsyncTask::to::<()>().on(&rt).limiter(&limiter);
    let waits = builder.clone().spawn(|| async {});
    until_waiting(&limiter, 1).await;
    ensure!(failed(builder.run(|| async {}).await)?.is_rejected());
    full.release().await?;
    Ok(waits.await?)
}

pub async fn no_permit_is_lost_while_their_number_changes<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let limiter = adaptive(1..=4)?;
    for round in 0..10_usize {
        let (census, mut tasks) = (Census::default(), Vec::new());
        for _ in 0..12 {
            let (census, sleeper) = (census.clone(), rt.clone());
            tasks.push(AsyncTask::to::<()>().on(&rt).limiter(&limiter).try_spawn(|| async move {
                let _resident = census.enter();
                Ok(sleeper.sleep(1.millis()).await?)
            }));
        }
        for (index, task) in tasks.into_iter().enumerate() {
            let is_killed = (index + round) % 3 == 0;
            if is_killed {
                drop(task.cancel_forcefully());
            }
            let result = task.await;
            ensure!(result.is_ok() || is_killed, "{result:?}");
        }
        ensure!(census.most() <= 4, "{} at once", census.most());
        ensure!((limiter.under_way(), limiter.waiting()) == (0, 0), "{limiter:?}");
    }
    ensure!(limiter.permits().is_some_and(|permits| (1..=4).contains(&permits)), "{limiter:?}");
    check_free(&rt, &limiter).await
}

pub async fn each_change_is_an_event_with_the_name<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let caller = span()?;
    let mut tape = record(&caller)?;
    let limiter = Limiter::builder().name("door").adaptive(1..=4).build()?;
    let mut tasks = Vec::new();
    for _ in 0..40 {
        let (limiter, inner, sleeper) = (limiter.clone(), rt.clone(), rt.clone());
        // As part of a task, so that the permit is returned within its span.
        let work = move || async move {
            let sleeps = move || async move { sleeper.sleep(5.millis()).await };
            Ok(limiter.apply_on(&inner, sleeps).await?)
        };
        tasks.push(caller.in_scope(|| AsyncTask::to::<()>().on(&rt).try_spawn(work)));
    }
    for task in tasks {
        task.await?;
    }
    let mut changes = Vec::new();
    for event in &tape.read().events {
        if event.message() == "a limiter changes its permits" {
            ensure!(event.level == Level::DEBUG, "{event:?}");
            ensure!(event.fields.get("limiter").is_some_and(|name| name == "door"), "{event:?}");
            changes.push(event.fields.get("permits").cloned().unwrap_or_default());
        }
    }
    ensure!(!at.virtual_time || changes == ["2", "4"], "{changes:?}");
    Ok(())
}

pub async fn settings_that_cannot_work_are_refused_with_their_values<R: Runtime>(_: R, _: Facts) -> Outcome {
    #[allow(clippy::reversed_empty_ranges, reason = "that is what is refused")]
    let upside_down = 4..=2;
    let both = Limiter::builder().max_concurrent(7).adaptive(1..=4);
    for (builder, texts) in [
        (Limiter::builder().adaptive(0..=4), ["`adaptive`", "0..=4"]),
        (Limiter::builder().adaptive(0..=0), ["`adaptive`", "0..=0"]),
        (Limiter::builder().adaptive(upside_down), ["`adaptive`", "4..=2"]),
        (both.clone(), ["`max_concurrent(7)`", "`adaptive(1..=4)`"]),
        (Limiter::builder().adaptive(1..=4).max_concurrent(7), ["`max_concurrent(7)`", "`adaptive(1..=4)`"]),
        (both.rate(1, 1.seconds()), ["`max_concurrent(7)`", "`adaptive(1..=4)`"]),
        (Limiter::builder().adaptive(1..=4).rate(0, 1.seconds()), ["`rate`", "0"]),
    ] {
        let error = failed(builder.build())?;
        ensure!(matches!(error, AsyncTaskError::InvalidConfig(_)), "{error:?}");
        ensure!(texts.iter().all(|text| error.to_string().contains(text)), "{texts:?}: {error}");
    }
    ensure!(adaptive(1..=usize::MAX)?.permits() == Some(1));
    ensure!(adaptive(usize::MAX..=usize::MAX)?.permits() == Some(usize::MAX));
    Ok(())
}
