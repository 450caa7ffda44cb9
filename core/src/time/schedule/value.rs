//! The description of times at which work is repeated.

#[cfg(feature = "cron")]
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::error::AsyncTaskError;
use crate::time::interval::MissedTicks;
#[cfg(feature = "cron")]
use crate::time::schedule::cron::CronTimes;
use crate::time::timeout::Limit;

/// The times at which work is repeated: see [`TaskBuilder::repeat`](crate::TaskBuilder::repeat). It is a
/// value: it can be cloned, and used for any number of tasks, each of which begins it anew.
///
/// ```
/// # use sweet_async_core::{AsyncTaskError, DurationExt as _, Runtime, Schedule, TaskBuilder};
/// # async fn synchronize() -> Result<(), std::io::Error> { Ok(()) }
/// # async fn example<R: Runtime>(runtime: &R) -> Result<(), AsyncTaskError> {
/// let schedule = Schedule::every(10.seconds()).jitter(1.seconds()).take(3);
/// let task = TaskBuilder::<(), _>::new(runtime.clone()).name("sync").repeat(schedule).spawn(synchronize);
/// assert_eq!(task.await?.runs, 3);
/// # Ok(()) }
/// ```
///
/// # The settings of the whole
///
/// [`missed`](Self::missed) and [`overlapping`](Self::overlapping) say what becomes of a time at which no run
/// can begin. They are settings of the whole: a [`union`](Self::union) begins with those of the schedule that
/// it is called on, and those of the other have no effect. All other settings belong to the schedule that
/// they are set on, also inside a union.
#[derive(Clone, Debug)]
#[must_use = "a schedule does nothing by itself: repeat work by it"]
pub struct Schedule {
    pub(super) rule: Rule,
    /// The time before it begins.
    pub(super) delay: Duration,
    pub(super) jitter: Duration,
    /// The greatest number of runs.
    pub(super) most: Option<u64>,
    pub(super) until: Option<Limit>,
    pub(crate) missed: MissedTicks,
    pub(crate) overlap: usize,
}

#[derive(Clone, Debug)]
pub(super) enum Rule {
    Every(Duration),
    AfterEach(Duration),
    /// Or the reason for which the expression is none.
    #[cfg(feature = "cron")]
    Cron(Result<Arc<CronTimes>, Arc<str>>),
    Union(Vec<Schedule>),
}

impl Schedule {
    fn new(rule: Rule) -> Self {
        Self {
            rule,
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            most: None,
            until: None,
            missed: MissedTicks::Skip,
            overlap: 1,
        }
    }

    /// At a fixed period, by the clock of the runtime; the first time is at once, as with
    /// [`Interval`](crate::Interval). A period of zero is refused when the task starts.
    ///
    /// A time so far away that the clock cannot count to it never comes, so that the schedule is over before
    /// it: with [`Duration::MAX`] there is one run.
    pub fn every(period: Duration) -> Self {
        Self::new(Rule::Every(period))
    }

    /// A fixed time after the end of each run; the first time is at once. The times are then not at a fixed
    /// period, and none of them is missed. With a delay of zero, a run begins as soon as the one before it
    /// has ended.
    pub fn after_each(delay: Duration) -> Self {
        Self::new(Rule::AfterEach(delay))
    }

    /// At the times of day that `expression` matches, in UTC, which has no daylight saving.
    /// [`cron_in`](Self::cron_in) is for other time zones.
    ///
    /// The expression has five fields: minute, hour, day of the month, month, day of the week (0 to 7, where
    /// 0 and 7 are Sunday; or `MON`). A field is `*`, a number, a range `1-5`, a step `*/5`, or a list of
    /// them. If both of the days are set, either is enough, as with Vixie cron. With six fields, the first is
    /// the second; with seven, the last is the year. `L` is the last day of a month, `5#2` the second Friday,
    /// and `@hourly`, `@daily`, `@weekly`, `@monthly` and `@yearly` are expressions, too. This is the dialect
    /// of the crate `croner`.
    ///
    /// The times are those of [`Runtime::unix_time`](crate::Runtime::unix_time). It is looked at again at
    /// least once a minute: if the system's clock is set forward or the machine sleeps, a run is late by a
    /// minute at most. If the clock is set back, no time comes a second time.
    ///
    /// An expression that is not valid, and one that matches no time from the start on, is refused when the
    /// task starts.
    ///
    /// ```
    /// # use std::time::{Duration, Instant};
    /// # use sweet_async_core::{AsyncTaskError, Schedule};
    /// let (now, midnight) = (Instant::now(), Duration::from_secs(1_577_836_800));
    /// let times: Vec<_> = Schedule::cron("*/5 * * * *").times(now, midnight)?.take(3).collect();
    /// assert_eq!(times, [0, 5, 10].map(|minutes| now + Duration::from_secs(minutes * 60)));
    /// # Ok::<_, AsyncTaskError>(())
    /// ```
    #[cfg(feature = "cron")]
    pub fn cron(expression: &str) -> Self {
        Self::new(Rule::Cron(CronTimes::parse(expression, None).map(Arc::new)))
    }

    /// As [`cron`](Self::cron), in a time zone, by its name in the IANA time zone database, such as
    /// `Europe/Berlin`. The system's copy of the database is used, and where there is none, the one that is
    /// compiled in. A name that is not in it is refused when the task starts.
    ///
    /// A fixed time of day that the begin of daylight saving leaves out, such as `30 2 * * *`, comes at the
    /// first moment after the gap. A fixed time that its end repeats comes once, at its first moment. An
    /// expression with more than one time a day, such as `*/5 * * * *`, has no time in the gap, and its times in
    /// the repeated hour twice.
    #[cfg(feature = "cron")]
    pub fn cron_in(expression: &str, zone: &str) -> Self {
        Self::new(Rule::Cron(CronTimes::parse(expression, Some(zone)).map(Arc::new)))
    }

    /// Begins this much later: at a period, the first time is then, and a cron expression has no time before
    /// it. A second call replaces the first, as with all settings.
    pub fn starting_after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// Delays each time by a random part of `max`, from zero to all of it, evenly distributed and drawn from
    /// the runtime ([`Runtime::entropy`](crate::Runtime::entropy)), so that programs that were started
    /// together do not all come at the same moment. The period is counted without it: delays do not add up.
    /// If a delay is longer than the time until the next one, that is [missed](Self::missed).
    pub fn jitter(self, max: Duration) -> Self {
        Self { jitter: max, ..self }
    }

    /// Ends after `runs` runs; missed times do not count. With zero there is no run.
    pub fn take(self, runs: u64) -> Self {
        Self { most: Some(runs), ..self }
    }

    /// Ends at an instant of the runtime's clock ([`Runtime::now`](crate::Runtime::now)), which is included:
    /// no time after it is a time of the schedule. A run that is due by then may begin late, and is not
    /// stopped. If the instant has passed before the start, there is no run. This and
    /// [`lasting`](Self::lasting) replace each other.
    pub fn until(self, end: Instant) -> Self {
        Self { until: Some(Limit::At(end)), ..self }
    }

    /// As [`until`](Self::until), with the length of time from the beginning, which is after
    /// [`starting_after`](Self::starting_after). [`Duration::MAX`] is no limit.
    pub fn lasting(self, length: Duration) -> Self {
        Self { until: Some(Limit::After(length)), ..self }
    }

    /// The times of both schedules; a moment that is a time of both counts once. Each keeps its own bounds
    /// and jitter, and what is set on the union comes on top of them. It is over once both are.
    ///
    /// ```
    /// # use std::time::{Duration, Instant};
    /// # use sweet_async_core::{AsyncTaskError, DurationExt as _, Schedule};
    /// let both = Schedule::every(2.seconds()).union(Schedule::every(3.seconds())).lasting(6.seconds());
    /// let now = Instant::now();
    /// let times: Vec<_> = both.times(now, Duration::ZERO)?.map(|at| (at - now).as_secs()).collect();
    /// assert_eq!(times, [0, 2, 3, 4, 6]);
    /// # Ok::<_, AsyncTaskError>(())
    /// ```
    pub fn union(self, other: Self) -> Self {
        let (missed, overlap) = (self.missed, self.overlap);
        Self { missed, overlap, ..Self::new(Rule::Union(vec![self, other])) }
    }

    /// Sets what becomes of the times that pass while as many runs as may [overlap](Self::overlapping) are
    /// under way. Once one of these has ended, the first of the times has its run at once, late, as a late
    /// tick of an [`Interval`](crate::Interval) does. For the others:
    ///
    /// - [`MissedTicks::Skip`], the default here: they have no run, and the next run is at its own time.
    /// - [`MissedTicks::Delay`]: they have no run, and a period is counted anew from the late run. The times
    ///   of a cron expression do not move: they are skipped.
    /// - [`MissedTicks::Burst`]: each of them has its run, one after the other, until none is left. This is
    ///   the default of an interval; work that is slow for a while would then run without a pause.
    ///
    /// The number of times without a run is in [`Repeated::missed`](crate::Repeated::missed).
    pub fn missed(self, missed: MissedTicks) -> Self {
        Self { missed, ..self }
    }

    /// Permits `runs` runs at the same time. By default it is 1: a run begins only after the end of the one
    /// before it, with everything that it had spawned. Zero is refused when the task starts.
    pub fn overlapping(self, runs: usize) -> Self {
        Self { overlap: runs, ..self }
    }

    /// Checks the settings, as the start of a task does.
    ///
    /// # Errors
    ///
    /// [`AsyncTaskError::InvalidConfig`] for a period of zero, for zero runs at the same time, and for a cron
    /// expression or a time zone that is not valid.
    #[doc(hidden)]
    pub fn check(&self) -> Result<(), AsyncTaskError> {
        if self.overlap == 0 {
            return Err(AsyncTaskError::out_of_range("`overlapping` of a schedule", 0, "at least 1"));
        }
        match &self.rule {
            Rule::Every(period) if period.is_zero() => {
                Err(AsyncTaskError::out_of_range("`every` of a schedule", "0 s", "longer than zero"))
            }
            #[cfg(feature = "cron")]
            Rule::Cron(Err(reason)) => Err(AsyncTaskError::config(&**reason)),
            Rule::Union(parts) => parts.iter().try_for_each(Self::check),
            _ => Ok(()),
        }
    }
}
