//! Schedules: work is repeated at the times that its schedule says, by the
//! runtime's own clock.

use std::time::Instant;

use crate::library::{MissedTicks, Repeated, Schedule};

use crate::cases::restarts::Calls;
use crate::kit::prelude::*;

const PERIOD: Duration = Duration::from_millis(10);

/// Returns the times, since the start, at which runs began, and the report. The first run takes `first`, and
/// all others end at once.
pub(super) async fn begun<R: Runtime>(
    rt: &R,
    first: Duration,
    schedule: Schedule,
) -> Result<(Vec<Duration>, Repeated), Failure> {
    let (begin, begun) = async_channel::unbounded();
    let (calls, clock, start) = (Calls::default(), rt.clone(), rt.now());
    let task = AsyncTask::to::<()>().on(rt).repeat(schedule).try_spawn(move || {
        let _ = begin.try_send(clock.now());
        let (is_first, clock) = (calls.next() == 1, clock.clone());
        async move {
            if is_first && !first.is_zero() {
                clock.sleep(first).await?;
            }
            Ok(())
        }
    });
    let report = task.await?;
    let since = |at: Instant| at.saturating_duration_since(start);
    let times: Vec<_> = std::iter::from_fn(|| begun.try_recv().ok()).map(since).collect();
    ensure!(report.runs == times.len() as u64 && report.failures == 0, "{report:?}");
    Ok((times, report))
}

/// Checks that no run began before its time, and that under a virtual clock each began at it.
fn are_due(at: Facts, times: &[Duration], due: &[u64]) -> Outcome {
    let due: Vec<_> = due.iter().copied().map(Duration::from_millis).collect();
    ensure!(times.len() == due.len(), "{times:?}");
    ensure!(times.iter().zip(&due).all(|(time, due)| time >= due), "{times:?}");
    ensure!(!at.virtual_time || times == due, "{times:?}");
    Ok(())
}

pub async fn the_first_run_is_at_once<R: Runtime>(rt: R, at: Facts) -> Outcome {
    for schedule in [Schedule::every(1.days()), Schedule::after_each(1.days())] {
        let (times, _) = begun(&rt, Duration::ZERO, schedule.take(1)).await?;
        are_due(at, &times, &[0])?;
    }
    Ok(())
}

pub async fn the_period_is_kept<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (times, _) = begun(&rt, 3.millis(), Schedule::every(PERIOD).take(5)).await?;
    are_due(at, &times, &[0, 10, 20, 30, 40])
}

pub async fn a_day_of_runs_does_not_drift<R: Runtime>(rt: R, at: Facts) -> Outcome {
    if !at.virtual_time {
        return Ok(());
    }
    let (times, report) = begun(&rt, 1.nanos(), Schedule::every(1.minutes()).lasting(1.days())).await?;
    ensure!(report.missed == 0 && times.len() == 1_441);
    ensure!(times.iter().zip(0..).all(|(time, minute): (_, u32)| *time == 1.minutes() * minute));
    Ok(())
}

pub async fn the_beginning_can_be_later<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let schedule = Schedule::every(PERIOD).starting_after(15.millis()).take(3);
    are_due(at, &begun(&rt, Duration::ZERO, schedule).await?.0, &[15, 25, 35])
}

pub async fn a_fixed_delay_counts_from_the_end_of_each_run<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (times, report) = begun(&rt, 25.millis(), Schedule::after_each(PERIOD).take(3)).await?;
    are_due(at, &times, &[0, 35, 45])?;
    ensure!(report.missed == 0, "{report:?}");
    Ok(())
}

pub async fn a_jitter_is_within_its_bounds_and_does_not_add_up<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let runs = if at.virtual_time { 50 } else { 3 };
    let schedule = Schedule::every(PERIOD).jitter(5.millis()).take(runs);
    let (times, _) = begun(&rt, Duration::ZERO, schedule).await?;
    let offsets: Vec<_> = (0..).zip(&times).map(|(number, time)| time.checked_sub(PERIOD * number)).collect();
    ensure!(offsets.iter().all(Option::is_some), "{times:?}");
    let is_bounded = offsets.iter().flatten().all(|offset| *offset <= 5.millis());
    ensure!(!at.virtual_time || is_bounded, "{times:?}");
    // Fifty draws of the same time would be no chance.
    ensure!(!at.virtual_time || offsets.iter().any(|offset| offsets.first() != Some(offset)), "{times:?}");
    Ok(())
}

pub async fn a_union_has_the_times_of_both_once<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let union = Schedule::every(PERIOD).take(5).union(Schedule::every(15.millis()).lasting(30.millis()));
    if at.virtual_time {
        let (times, report) = begun(&rt, Duration::ZERO, union).await?;
        are_due(at, &times, &[0, 10, 15, 20, 30, 40])?;
        ensure!(report.missed == 0, "{report:?}");
    } else {
        // On a busy machine a time may be missed.
        let (_, report) = begun(&rt, Duration::ZERO, union).await?;
        ensure!((1..=6).contains(&report.runs), "{report:?}");
    }
    Ok(())
}

pub async fn a_schedule_ends_at_its_bounds<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let end = rt.now() + 25.millis();
    for schedule in [Schedule::every(PERIOD).until(end), Schedule::every(PERIOD).lasting(25.millis())] {
        let (times, report) = begun(&rt, Duration::ZERO, schedule).await?;
        ensure!(report.runs <= 3, "{times:?}");
        ensure!(!at.virtual_time || times == [0.millis(), 10.millis(), 20.millis()], "{times:?}");
    }
    Ok(())
}

pub async fn a_schedule_without_a_time_has_no_run<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let passed = rt.now();
    rt.sleep(1.millis()).await?;
    for schedule in [
        Schedule::every(1.seconds()).until(passed),
        Schedule::every(1.seconds()).take(0),
        Schedule::every(1.seconds()).starting_after(Duration::MAX),
        Schedule::after_each(1.seconds()).until(passed).union(Schedule::every(1.seconds()).take(0)),
    ] {
        let (times, report) = begun(&rt, Duration::ZERO, schedule).await?;
        ensure!(times.is_empty() && report.missed == 0, "{times:?}");
    }
    Ok(())
}

pub async fn a_period_beyond_counting_has_one_run<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (times, _) = begun(&rt, Duration::ZERO, Schedule::every(Duration::MAX)).await?;
    are_due(at, &times, &[0])
}

pub async fn settings_that_cannot_work_are_refused_before_any_run<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let calls = Calls::default();
    for schedule in [
        Schedule::every(Duration::ZERO),
        Schedule::every(1.seconds()).overlapping(0),
        Schedule::every(1.seconds()).union(Schedule::every(Duration::ZERO)).take(1),
    ] {
        for in_place in [false, true] {
            let counted = calls.clone();
            let work = move || {
                counted.next();
                async {}
            };
            let repeat = AsyncTask::to::<()>().on(&rt).repeat(schedule.clone());
            let error = match in_place {
                false => failed(repeat.spawn(work).await)?,
                true => failed(repeat.run(work).await)?,
            };
            ensure!(matches!(error, AsyncTaskError::InvalidConfig(_)), "{schedule:?}: {error:?}");
        }
    }
    ensure!(calls.made() == 0);
    Ok(())
}

pub async fn missed_times_are_skipped_unless_set_otherwise<R: Runtime>(rt: R, at: Facts) -> Outcome {
    // The first run takes two periods and a half: the times at 10 and at 20 pass meanwhile.
    let every = || Schedule::every(PERIOD).take(5);
    for (schedule, due, missed) in [
        (every(), [0, 25, 30, 40, 50], 1),
        (every().missed(MissedTicks::Skip), [0, 25, 30, 40, 50], 1),
        (every().missed(MissedTicks::Delay), [0, 25, 35, 45, 55], 1),
        (every().missed(MissedTicks::Burst), [0, 25, 25, 30, 40], 0),
    ] {
        let (times, report) = begun(&rt, 25.millis(), schedule.clone()).await?;
        ensure!(times.len() == 5, "{times:?}");
        ensure!(times.iter().skip(1).all(|time| *time >= 25.millis()), "the runs overlap: {times:?}");
        if at.virtual_time {
            let due = due.map(Duration::from_millis);
            ensure!(times == due && report.missed == missed, "{schedule:?}: {times:?}, {report:?}");
        }
        ensure!(missed > 0 || report.missed == 0, "{report:?}");
    }
    Ok(())
}

pub async fn missed_times_of_a_union_end_with_it<R: Runtime>(rt: R, at: Facts) -> Outcome {
    // Seven times. The first run lasts beyond the end of them, and one of the others has its run then.
    let between = Schedule::every(PERIOD).starting_after(5.millis());
    let union = Schedule::every(PERIOD).union(between).lasting(30.millis());
    let (times, report) = begun(&rt, 100.millis(), union).await?;
    ensure!(report.runs + report.missed == 7, "{times:?}, {report:?}");
    ensure!(!at.virtual_time || report.runs == 2, "{times:?}, {report:?}");
    Ok(())
}
