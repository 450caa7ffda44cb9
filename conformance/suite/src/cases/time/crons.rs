//! Schedules: cron expressions are about the runtime's time of day, which a
//! simulation replays.

use crate::library::{Repeated, Schedule};

use super::schedules::begun;
use crate::cases::restarts::Calls;
use crate::kit::prelude::*;

const DAY: u64 = 86_400;

/// Returns the times of day at which runs began, and the report.
async fn times_of_day<R: Runtime>(rt: &R, schedule: Schedule) -> Result<(Vec<Duration>, Repeated), Failure> {
    let (begin, begun) = async_channel::unbounded();
    let clock = rt.clone();
    let task = AsyncTask::to::<()>().on(rt).repeat(schedule).spawn(move || {
        let _ = begin.try_send(clock.unix_time());
        async {}
    });
    let report = task.await?;
    Ok((std::iter::from_fn(|| begun.try_recv().ok()).collect(), report))
}

/// Sleeps until the next day begins, in UTC.
async fn to_midnight<R: Runtime>(rt: &R) -> Outcome {
    let now = rt.unix_time();
    let midnight = Duration::from_secs((now.as_secs() / DAY + 1) * DAY);
    Ok(rt.sleep(midnight - now).await?)
}

pub async fn a_run_is_not_before_its_time_of_day<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let asked = rt.unix_time();
    let (times, report) = times_of_day(&rt, Schedule::cron("* * * * * *").take(1)).await?;
    let first = times.first().copied().context("there is no run")?;
    // A whole second lies between: the first one that is not before the question.
    let second = asked.as_secs() + u64::from(asked.subsec_nanos() > 0);
    ensure!(first.as_secs() >= second && report.runs == 1, "{first:?}, after {asked:?}");
    Ok(())
}

pub async fn a_day_of_cron_is_exact<R: Runtime>(rt: R, at: Facts) -> Outcome {
    if !at.virtual_time {
        return Ok(());
    }
    // Away from the full minute, and in the middle of one of the five.
    rt.sleep(61.5.seconds()).await?;
    let schedule = Schedule::cron("*/5 * * * *").lasting(1.days());
    let (times, report) = times_of_day(&rt, schedule).await?;
    ensure!(times.len() == 288 && report.missed == 0, "{report:?}");
    ensure!(times.iter().all(|time| time.as_secs() % 300 == 0 && time.subsec_nanos() == 0), "{times:?}");
    let mut steps = times.windows(2).filter_map(|pair| pair.last()?.checked_sub(*pair.first()?));
    ensure!(steps.all(|step| step == 5.minutes()));
    Ok(())
}

pub async fn a_time_zone_has_times_of_its_own<R: Runtime>(rt: R, at: Facts) -> Outcome {
    if !at.virtual_time {
        return Ok(());
    }
    to_midnight(&rt).await?;
    // The simulation begins with the year 2020: noon in winter.
    for (zone, hour) in [("UTC", 12), ("Europe/Berlin", 11), ("America/New_York", 17)] {
        let (times, _) = times_of_day(&rt, Schedule::cron_in("0 12 * * *", zone).take(1)).await?;
        let first = times.first().copied().context("there is no run")?;
        ensure!(first.as_secs() % DAY == hour * 3_600, "{zone}: {first:?}");
        to_midnight(&rt).await?;
    }
    Ok(())
}

pub async fn a_union_has_the_times_of_a_period_and_of_an_expression<R: Runtime>(rt: R, at: Facts) -> Outcome {
    if !at.virtual_time {
        return Ok(());
    }
    to_midnight(&rt).await?;
    let union = Schedule::every(20.minutes()).union(Schedule::cron("30 * * * *")).take(5);
    let (times, _) = begun(&rt, Duration::ZERO, union).await?;
    ensure!(times == [0, 20, 30, 40, 60].map(|minutes: u64| minutes.minutes()), "{times:?}");
    Ok(())
}

pub async fn a_slow_run_misses_times<R: Runtime>(rt: R, at: Facts) -> Outcome {
    if !at.virtual_time {
        return Ok(());
    }
    to_midnight(&rt).await?;
    // It takes three minutes and a half: the first of the times in it is late, and two are missed.
    let (times, report) = begun(&rt, 3.5.minutes(), Schedule::cron("* * * * *").take(3)).await?;
    ensure!(
        times == [0.minutes(), 3.5.minutes(), 4.minutes()] && report.missed == 2,
        "{times:?}, {report:?}"
    );
    Ok(())
}

pub async fn an_invalid_expression_is_refused_before_any_run<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let calls = Calls::default();
    for (schedule, named) in [
        (Schedule::cron("* * * *"), "* * * *"),
        (Schedule::cron("0 25 * * *"), "0 25 * * *"),
        (Schedule::cron_in("* * * * *", "Middle/Earth"), "Middle/Earth"),
        // It is an expression, of a day that does not exist.
        (Schedule::cron("0 0 30 2 *"), "0 0 30 2 *"),
    ] {
        let counted = calls.clone();
        let task = AsyncTask::to::<()>().on(&rt).repeat(schedule).spawn(move || {
            counted.next();
            async {}
        });
        let error = failed(task.await)?;
        let AsyncTaskError::InvalidConfig(reason) = &error else { bail!("{error:?}") };
        ensure!(reason.contains(named), "{reason}");
    }
    ensure!(calls.made() == 0);
    Ok(())
}
