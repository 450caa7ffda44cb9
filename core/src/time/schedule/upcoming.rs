//! The state of a schedule by which work is repeated: the time that comes next.
//!
//! The state of a union is that of its parts, and its next time is the earliest of theirs. A time is in one
//! of three states: it comes next; it was given a run ([`Upcoming::give`]); it was missed
//! ([`Upcoming::skip`]). No time is given or missed twice.

#[cfg(feature = "cron")]
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::error::AsyncTaskError;
use crate::retry::Jitter;
use crate::runtime::Runtime;
use crate::time::interval::{MissedTicks, until_next};
#[cfg(feature = "cron")]
use crate::time::schedule::cron::CronTimes;
use crate::time::schedule::value::{Rule, Schedule};

/// The most times of a cron expression that are counted as missed at once: each of them is a search in the
/// calendar, and a machine may have slept for years.
#[cfg(feature = "cron")]
const MOST_COUNTED: u64 = 10_000;

/// One reading of the clocks of a runtime.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    pub(crate) now: Instant,
    /// The time of day at `now`.
    #[cfg(feature = "cron")]
    unix_time: Duration,
}

impl Clock {
    pub(crate) fn of<R: Runtime>(runtime: &R) -> Self {
        Self {
            now: runtime.now(),
            #[cfg(feature = "cron")]
            unix_time: runtime.unix_time(),
        }
    }

    fn new(now: Instant, unix_time: Duration) -> Self {
        // Only cron expressions are about the time of day.
        #[cfg(not(feature = "cron"))]
        let _ = unix_time;
        Self {
            now,
            #[cfg(feature = "cron")]
            unix_time,
        }
    }

    /// The reading after `delay`; `None` if it cannot count that far.
    fn after(&self, delay: Duration) -> Option<Self> {
        Some(Self {
            now: self.now.checked_add(delay)?,
            #[cfg(feature = "cron")]
            unix_time: self.unix_time.checked_add(delay)?,
        })
    }

    /// The instant of a time of day; `None` if the clock cannot count that far.
    #[cfg(feature = "cron")]
    fn instant_of(&self, unix_time: Duration) -> Option<Instant> {
        match unix_time.checked_sub(self.unix_time) {
            Some(ahead) => self.now.checked_add(ahead),
            None => {
                // A clock may not reach back that far: then it is in the past all the same.
                let ago = self.unix_time.saturating_sub(unix_time);
                Some(self.now.checked_sub(ago).unwrap_or(self.now))
            }
        }
    }
}

/// A schedule that has begun.
#[derive(Debug)]
pub(crate) struct Upcoming {
    next: Next,
    jitter: Duration,
    /// The random delay of the time that comes next.
    offset: Duration,
    /// The number of runs that are left.
    left: Option<u64>,
    until: Option<Instant>,
}

/// The time that comes next, by each rule; `None` if none does.
#[derive(Debug)]
enum Next {
    Every {
        period: Duration,
        at: Option<Instant>,
    },
    /// `None` while the run of the last time is under way, too.
    AfterEach {
        delay: Duration,
        at: Option<Instant>,
    },
    #[cfg(feature = "cron")]
    Cron {
        times: Arc<CronTimes>,
        at: Option<Duration>,
    },
    Union(Vec<Upcoming>),
}

impl Schedule {
    /// Begins the schedule; `chance` gives 64 random bits.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check), and for a cron expression that matches no time any more.
    pub(crate) fn begin(
        &self,
        clock: &Clock,
        chance: &mut dyn FnMut() -> u64,
    ) -> Result<Upcoming, AsyncTaskError> {
        self.check()?;
        Upcoming::new(self, clock, chance)
    }

    /// The times to come, if the schedule begins at `now`, where the time of day is `unix_time`; on a
    /// runtime, these are [`now`](crate::Runtime::now) and [`unix_time`](crate::Runtime::unix_time). They are
    /// without jitter, and as if no run took any time: for tests, and to show what a schedule means.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check), and [`AsyncTaskError::InvalidConfig`] for a cron expression that matches no
    /// time from then on.
    pub fn times(
        &self,
        now: Instant,
        unix_time: Duration,
    ) -> Result<impl Iterator<Item = Instant> + use<>, AsyncTaskError> {
        let clock = Clock::new(now, unix_time);
        let mut upcoming = self.begin(&clock, &mut || 0)?;
        Ok(std::iter::from_fn(move || {
            let due = upcoming.due(&clock)?;
            upcoming.give(&clock, &mut || 0);
            upcoming.ended(due);
            Some(due)
        }))
    }
}

impl Upcoming {
    fn new(
        schedule: &Schedule,
        from: &Clock,
        chance: &mut dyn FnMut() -> u64,
    ) -> Result<Self, AsyncTaskError> {
        let begin = from.after(schedule.delay);
        let next = match (&schedule.rule, &begin) {
            // A beginning that the clock cannot count to never comes.
            (_, None) => Next::Union(Vec::new()),
            (Rule::Every(period), Some(begin)) => Next::Every { period: *period, at: Some(begin.now) },
            (Rule::AfterEach(delay), Some(begin)) => Next::AfterEach { delay: *delay, at: Some(begin.now) },
            #[cfg(feature = "cron")]
            (Rule::Cron(times), Some(begin)) => {
                let times = times.as_ref().map_err(|reason| AsyncTaskError::config(&**reason))?;
                let Some(first) = times.first(begin.unix_time) else {
                    let expression = times.expression();
                    return Err(AsyncTaskError::config(format!(
                        "the cron expression `{expression}` matches no time from now on"
                    )));
                };
                Next::Cron { times: times.clone(), at: Some(first) }
            }
            (Rule::Union(parts), Some(begin)) => {
                let mut begun = Vec::with_capacity(parts.len());
                for part in parts {
                    begun.push(Self::new(part, begin, &mut *chance)?);
                }
                Next::Union(begun)
            }
        };
        let until = match (schedule.until, begin) {
            (Some(limit), Some(begin)) => limit.from(begin.now).map(|(_, until)| until),
            _ => None,
        };
        let (jitter, left) = (schedule.jitter, schedule.most);
        Ok(Self { next, jitter, offset: offset(jitter, chance), left, until })
    }

    /// The next time, which may have passed. `None` if there is none: the schedule is over, unless a run is
    /// under way whose end the next time depends on.
    pub(crate) fn due(&self, clock: &Clock) -> Option<Instant> {
        if self.left == Some(0) {
            return None;
        }
        let due = self.due_without_jitter(clock)?.checked_add(self.offset)?;
        self.until.is_none_or(|until| due <= until).then_some(due)
    }

    fn due_without_jitter(&self, clock: &Clock) -> Option<Instant> {
        match &self.next {
            Next::Every { at, .. } | Next::AfterEach { at, .. } => *at,
            #[cfg(feature = "cron")]
            Next::Cron { at, .. } => at.and_then(|at| clock.instant_of(at)),
            Next::Union(parts) => parts.iter().filter_map(|part| part.due(clock)).min(),
        }
    }

    /// True if a time depends on the time of day, which may be set.
    pub(crate) fn follows_time_of_day(&self) -> bool {
        match &self.next {
            #[cfg(feature = "cron")]
            Next::Cron { .. } => true,
            Next::Union(parts) => parts.iter().any(Self::follows_time_of_day),
            _ => false,
        }
    }

    /// Gives the next time, which is due, its run. Returns the number of times that were missed by now.
    pub(crate) fn begin_run(
        &mut self,
        clock: &Clock,
        missed: MissedTicks,
        chance: &mut dyn FnMut() -> u64,
    ) -> u64 {
        self.give(clock, &mut *chance);
        match missed {
            MissedTicks::Burst => 0,
            MissedTicks::Delay | MissedTicks::Skip => self.skip(clock, clock.now, missed, chance),
        }
    }

    fn give(&mut self, clock: &Clock, chance: &mut dyn FnMut() -> u64) {
        let due = self.due_without_jitter(clock);
        self.left = self.left.map(|left| left.saturating_sub(1));
        match &mut self.next {
            Next::Every { period, at } => *at = at.and_then(|at| at.checked_add(*period)),
            Next::AfterEach { at, .. } => *at = None,
            #[cfg(feature = "cron")]
            Next::Cron { times, at } => *at = at.and_then(|at| times.after(at)),
            Next::Union(parts) => {
                for part in parts {
                    if due.is_some() && part.due(clock) == due {
                        part.give(clock, &mut *chance);
                    }
                }
            }
        }
        self.offset = offset(self.jitter, chance);
    }

    /// Skips the times that have passed, those after `last` excepted, and returns their number.
    fn skip(
        &mut self,
        clock: &Clock,
        last: Instant,
        missed: MissedTicks,
        chance: &mut dyn FnMut() -> u64,
    ) -> u64 {
        if self.left == Some(0) {
            return 0;
        }
        let now = clock.now;
        let last = self.until.map_or(last, |until| until.min(last));
        let mut count = 0u64;
        match &mut self.next {
            Next::Every { period, at } => {
                if let Some(next) = at.filter(|next| *next <= last) {
                    count = periods(last.saturating_duration_since(next), *period).saturating_add(1);
                    *at = now.checked_add(match missed {
                        MissedTicks::Delay => *period,
                        _ => until_next(now.saturating_duration_since(next), *period),
                    });
                }
            }
            Next::AfterEach { .. } => {}
            #[cfg(feature = "cron")]
            Next::Cron { times, at } => {
                while let Some(time) = *at
                    && clock.instant_of(time).is_some_and(|instant| instant <= last)
                {
                    if count == MOST_COUNTED {
                        *at = times.after(clock.unix_time);
                        break;
                    }
                    count += 1;
                    *at = times.after(time);
                }
            }
            Next::Union(parts) => {
                for part in parts {
                    count = count.saturating_add(part.skip(clock, last, missed, &mut *chance));
                }
            }
        }
        if count > 0 {
            self.offset = offset(self.jitter, chance);
        }
        count
    }

    /// Notes that a run has ended.
    pub(crate) fn ended(&mut self, now: Instant) {
        match &mut self.next {
            Next::AfterEach { delay, at } if at.is_none() => *at = now.checked_add(*delay),
            Next::Union(parts) => parts.iter_mut().for_each(|part| part.ended(now)),
            _ => {}
        }
    }
}

/// A random delay of at most `jitter`.
fn offset(jitter: Duration, chance: &mut dyn FnMut() -> u64) -> Duration {
    if jitter.is_zero() { Duration::ZERO } else { Jitter::Full.apply(jitter, chance()) }
}

/// The number of whole periods in `time`.
fn periods(time: Duration, period: Duration) -> u64 {
    let number = time.as_nanos().checked_div(period.as_nanos()).unwrap_or(0);
    u64::try_from(number).unwrap_or(u64::MAX)
}
