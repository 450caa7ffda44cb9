//! The times of schedules, as values: no task, and no clock but the moment that each begins at.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::ensure;
use proptest::{prop_assert_eq, proptest};
use sweet_async_core::{AsyncTaskError, DurationExt as _, MissedTicks, Schedule};

#[cfg(feature = "cron")]
#[path = "schedules/cron.rs"]
mod cron;

/// The first times, as the time from the beginning.
fn first(schedule: &Schedule, count: usize, unix_time: Duration) -> Result<Vec<Duration>, AsyncTaskError> {
    let now = Instant::now();
    let times = schedule.times(now, unix_time)?;
    Ok(times.take(count).map(|at| at.saturating_duration_since(now)).collect())
}

fn seconds(schedule: &Schedule, count: usize) -> Result<Vec<u64>, AsyncTaskError> {
    Ok(first(schedule, count, Duration::ZERO)?.into_iter().map(|time| time.as_secs()).collect())
}

#[test]
fn a_period_begins_at_once_and_does_not_drift() -> anyhow::Result<()> {
    ensure!(seconds(&Schedule::every(10.seconds()), 4)? == [0, 10, 20, 30]);
    let odd = first(&Schedule::every(7.nanos()), 1_001, Duration::ZERO)?;
    ensure!(odd.last() == Some(&7_000.nanos()));
    ensure!(seconds(&Schedule::after_each(10.seconds()), 3)? == [0, 10, 20], "runs that take no time");
    Ok(())
}

#[test]
fn a_beginning_moves_all_times() -> anyhow::Result<()> {
    let later = Schedule::every(10.seconds()).starting_after(3.seconds());
    ensure!(seconds(&later, 3)? == [3, 13, 23]);
    let both = Schedule::every(10.seconds()).union(later).starting_after(100.seconds());
    ensure!(seconds(&both, 4)? == [100, 103, 110, 113]);
    ensure!(seconds(&both.starting_after(1.seconds()), 1)? == [1], "the last call counts");
    Ok(())
}

#[test]
fn bounds_are_included_and_the_narrower_one_counts() -> anyhow::Result<()> {
    let every = || Schedule::every(10.seconds());
    ensure!(seconds(&every().take(2), 9)? == [0, 10] && seconds(&every().take(0), 9)?.is_empty());
    ensure!(seconds(&every().lasting(20.seconds()), 9)? == [0, 10, 20]);
    ensure!(seconds(&every().lasting(20.seconds() - 1.nanos()), 9)? == [0, 10]);
    ensure!(seconds(&every().lasting(Duration::ZERO), 9)? == [0]);
    ensure!(seconds(&every().lasting(Duration::MAX), 3)?.len() == 3);
    ensure!(seconds(&every().lasting(20.seconds()).take(2), 9)?.len() == 2);
    ensure!(seconds(&every().lasting(10.seconds()).take(9), 9)?.len() == 2);
    let after_a_while = every().starting_after(60.seconds()).lasting(10.seconds());
    ensure!(seconds(&after_a_while, 9)? == [60, 70], "it lasts from its beginning");

    let now = Instant::now();
    let until = |end| Ok::<_, AsyncTaskError>(every().until(end).times(now, Duration::ZERO)?.count());
    ensure!(
        until(now)? == 1 && until(now + 10.seconds())? == 2 && until(now + 10.seconds() - 1.nanos())? == 1
    );
    // A machine may not have been up for a second.
    let before = now.checked_sub(1.seconds());
    ensure!(before.is_none_or(|before| until(before).is_ok_and(|count| count == 0)));
    Ok(())
}

#[test]
fn a_time_that_the_clock_cannot_count_to_never_comes() -> anyhow::Result<()> {
    ensure!(seconds(&Schedule::every(Duration::MAX), 9)? == [0]);
    ensure!(seconds(&Schedule::after_each(Duration::MAX), 9)? == [0]);
    ensure!(seconds(&Schedule::every(1.seconds()).starting_after(Duration::MAX), 9)?.is_empty());
    Ok(())
}

#[test]
fn a_union_has_the_times_of_all_and_each_keeps_its_bounds() -> anyhow::Result<()> {
    let (two, three) = (Schedule::every(2.seconds()), Schedule::every(3.seconds()));
    ensure!(seconds(&two.clone().union(three.clone()), 6)? == [0, 2, 3, 4, 6, 8]);
    ensure!(seconds(&two.clone().take(2).union(three.clone().take(3)), 9)? == [0, 2, 3, 6]);
    ensure!(seconds(&two.clone().union(three.clone().lasting(4.seconds())).take(5), 9)? == [0, 2, 3, 4, 6]);
    ensure!(
        seconds(&two.clone().union(three.clone()).union(Schedule::every(5.seconds())), 7)?
            == [0, 2, 3, 4, 5, 6, 8]
    );
    ensure!(seconds(&two.clone().union(two.clone()), 3)? == [0, 2, 4], "a moment counts once");
    ensure!(seconds(&two.take(0).union(three.take(0)), 9)?.is_empty());
    Ok(())
}

proptest! {
    #[test]
    fn a_union_of_periods_is_the_set_of_their_times(periods in proptest::collection::vec(1u64..50, 1..5)) {
        let (length, mut expected) = (200u64, BTreeSet::new());
        for period in &periods {
            expected.extend((0..=length / period).map(|number| number * period));
        }
        let schedules = periods.iter().map(|period| Schedule::every(period.seconds()));
        let Some(union) = schedules.reduce(Schedule::union) else { return Ok(()) };
        let times = seconds(&union.lasting(length.seconds()), usize::MAX);
        prop_assert_eq!(times.ok(), Some(expected.into_iter().collect::<Vec<_>>()));
    }
}

#[test]
fn a_jitter_is_not_shown() -> anyhow::Result<()> {
    ensure!(seconds(&Schedule::every(10.seconds()).jitter(1.hours()), 3)? == [0, 10, 20]);
    Ok(())
}

#[test]
fn settings_that_cannot_work_are_refused() -> anyhow::Result<()> {
    let every = || Schedule::every(1.seconds());
    let wrong = [
        Schedule::every(Duration::ZERO),
        every().overlapping(0),
        every().union(Schedule::every(Duration::ZERO)),
        Schedule::every(Duration::ZERO).union(every()).union(every()),
    ];
    for schedule in wrong {
        let error = schedule.check();
        ensure!(matches!(error, Err(AsyncTaskError::InvalidConfig(_))), "{schedule:?}: {error:?}");
        ensure!(schedule.times(Instant::now(), Duration::ZERO).is_err());
    }
    let right = Schedule::after_each(Duration::ZERO).take(0).overlapping(usize::MAX).jitter(Duration::MAX);
    right.missed(MissedTicks::Burst).check()?;
    Ok(())
}
