//! Cron expressions: their times by the calendar, in UTC and in a time zone with daylight saving.

use std::time::Duration;

use anyhow::ensure;
use sweet_async_core::{AsyncTaskError, DurationExt as _, Schedule};

use crate::first;

/// The beginning of 2020, a Wednesday.
const NEW_YEAR: Duration = Duration::from_secs(1_577_836_800);

fn days(expression: &str, count: usize) -> Result<Vec<f64>, AsyncTaskError> {
    let times = first(&Schedule::cron(expression), count, NEW_YEAR)?;
    Ok(times.into_iter().map(|time| time.as_secs_f64() / 86_400.0).collect())
}

fn seconds(schedule: &Schedule, from: Duration, count: usize) -> Result<Vec<u64>, AsyncTaskError> {
    Ok(first(schedule, count, from)?.into_iter().map(|time| time.as_secs()).collect())
}

#[test]
fn a_matching_present_moment_is_the_first_time() -> anyhow::Result<()> {
    let five = Schedule::cron("*/5 * * * *");
    ensure!(seconds(&five, NEW_YEAR, 3)? == [0, 300, 600]);
    ensure!(seconds(&five, NEW_YEAR + 1.seconds(), 2)? == [299, 599]);
    let (half, later) = (0.5.seconds(), first(&five, 1, NEW_YEAR + 0.5.seconds())?);
    ensure!(later == [300.seconds() - half], "{later:?}");
    Ok(())
}

#[test]
fn expressions_follow_the_calendar() -> anyhow::Result<()> {
    for (expression, expected) in [
        ("0 12 * * *", [0.5, 1.5, 2.5]),
        ("0 6 * * MON-FRI", [0.25, 1.25, 2.25]),
        ("0 0 * * 0", [4.0, 11.0, 18.0]),
        ("0 0 * * 7", [4.0, 11.0, 18.0]),
        ("0 0 29 2 *", [59.0, 59.0 + 1_461.0, 59.0 + 2.0 * 1_461.0]),
        // Either of the days: the first, and each Monday.
        ("0 0 1 * MON", [0.0, 5.0, 12.0]),
        ("0 0 L * *", [30.0, 59.0, 90.0]),
        ("@daily", [0.0, 1.0, 2.0]),
    ] {
        let days = days(expression, 3)?;
        ensure!(days == expected, "{expression}: {days:?}");
    }
    Ok(())
}

#[test]
fn seconds_and_years_are_fields_of_their_own() -> anyhow::Result<()> {
    ensure!(seconds(&Schedule::cron("*/20 * * * * *"), NEW_YEAR, 4)? == [0, 20, 40, 60]);
    ensure!(days("0 0 0 1 1 * 2021", 9)? == [366.0], "then it is over");
    Ok(())
}

#[test]
fn bounds_and_unions_are_as_those_of_periods() -> anyhow::Result<()> {
    let hourly = || Schedule::cron("0 * * * *");
    ensure!(seconds(&hourly().take(2), NEW_YEAR, 9)? == [0, 3_600]);
    ensure!(seconds(&hourly().lasting(1.hours()), NEW_YEAR, 9)? == [0, 3_600]);
    ensure!(seconds(&hourly().starting_after(1.seconds()), NEW_YEAR, 1)? == [3_600]);
    let union = hourly().union(Schedule::every(40.minutes())).union(Schedule::cron("30 0 * * *"));
    ensure!(seconds(&union, NEW_YEAR, 5)? == [0, 1_800, 2_400, 3_600, 4_800]);
    Ok(())
}

#[test]
fn daylight_saving_neither_loses_a_day_nor_repeats_it() -> anyhow::Result<()> {
    let berlin = |expression| Schedule::cron_in(expression, "Europe/Berlin");
    // 12:00 in winter is 11:00 UTC.
    ensure!(seconds(&berlin("0 12 * * *"), NEW_YEAR, 1)? == [11 * 3_600]);
    // On 29 March there is no time from 02:00 to 03:00.
    let march = NEW_YEAR + 87.days();
    ensure!(seconds(&berlin("30 2 * * *"), march, 3)? == [5_400, 90_000, 174_600]);
    ensure!(seconds(&berlin("30 * * * *"), march + 24.hours(), 3)? == [1_800, 5_400, 9_000]);
    // On 25 October there are two.
    let october = NEW_YEAR + 297.days();
    ensure!(seconds(&berlin("30 2 * * *"), october, 3)? == [1_800, 88_200, 178_200]);
    ensure!(seconds(&berlin("30 * * * *"), october + 23.hours(), 4)? == [1_800, 5_400, 9_000, 12_600]);
    Ok(())
}

#[test]
fn an_invalid_expression_is_refused_with_the_reason() -> anyhow::Result<()> {
    let berlin = "Europe/Berlin";
    for (schedule, named) in [
        (Schedule::cron(""), "``"),
        (Schedule::cron("* * * *"), "`* * * *`"),
        (Schedule::cron("60 * * * *"), "`60 * * * *`"),
        (Schedule::cron("* * * * * * * *"), "`* * * * * * * *`"),
        (Schedule::cron("now and then, please"), "`now and then, please`"),
        (Schedule::cron_in("* * * * *", "Europe/Nowhere"), "`Europe/Nowhere`"),
        (Schedule::cron_in("61 * * * *", berlin).take(1), "`61 * * * *`"),
        (Schedule::every(1.seconds()).union(Schedule::cron("*/0 * * * *")), "`*/0 * * * *`"),
    ] {
        let Err(AsyncTaskError::InvalidConfig(reason)) = schedule.check() else {
            anyhow::bail!("{schedule:?} is no error");
        };
        ensure!(reason.contains(named), "{reason}");
    }
    Ok(())
}

#[test]
fn an_expression_that_never_matches_is_refused_when_it_begins() -> anyhow::Result<()> {
    for never in ["0 0 30 2 *", "0 0 0 1 1 * 2019"] {
        let schedule = Schedule::cron(never);
        schedule.check()?;
        let error = first(&schedule, 1, NEW_YEAR);
        ensure!(
            matches!(&error, Err(AsyncTaskError::InvalidConfig(reason)) if reason.contains(never)),
            "{error:?}"
        );
    }
    Ok(())
}
