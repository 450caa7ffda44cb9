//! Recovery, `retry_after`: the error of a failed attempt sets the wait before the next, without jitter and
//! up to a maximum.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::library::task::Retrying;
use crate::library::{DEFAULT_MAX_RETRY_AFTER, Jitter, Retry, RetryBudget, RetryStrategy, TaskBuilder};

use super::retries::exhausted;
use crate::cases::deadlines::is_due;
use crate::cases::restarts::{Broken, Calls};
use crate::kit::explode;
use crate::kit::orchestras::Log;
use crate::kit::prelude::*;

/// A strategy whose wait would be seen at once where it is made in place of the error's.
pub(super) const HOUR: RetryStrategy = RetryStrategy::Fixed { delay: Duration::from_secs(3_600) };

/// An error that asks for a wait before the next attempt, or leaves that to the strategy.
#[derive(Debug)]
pub(super) struct Busy(pub(super) Option<Duration>);

impl fmt::Display for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("busy")
    }
}

impl std::error::Error for Busy {}

/// Returns the wait that the error asks for.
pub(super) fn asked(error: &AsyncTaskError) -> Option<Duration> {
    error.downcast_ref::<Busy>().and_then(|busy| busy.0)
}

/// Instants in the order in which they were noted. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Times(Arc<Mutex<Vec<Instant>>>);

impl Times {
    /// Notes an instant. Returns the number of instants before it.
    pub(super) fn note(&self, time: Instant) -> usize {
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        times.push(time);
        times.len() - 1
    }

    pub(super) fn all(&self) -> Vec<Instant> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the time between each instant and the next.
    pub(super) fn waits(&self) -> Vec<Duration> {
        let times = self.all();
        times.iter().zip(times.iter().skip(1)).map(|(from, to)| to.saturating_duration_since(*from)).collect()
    }
}

/// Runs work that fails at once with an error for each of `delays`, one after the other, and then succeeds.
/// Returns the waits between the attempts.
async fn waits<R: Runtime>(
    rt: &R,
    builder: TaskBuilder<(), R, Retrying<()>>,
    delays: &[Option<Duration>],
    spawned: bool,
) -> Result<Vec<Duration>, Failure> {
    let (times, clock, delays) = (Times::default(), rt.clone(), delays.to_vec());
    let noted = times.clone();
    let work = move || {
        let failure = delays.get(noted.note(clock.now())).map(|delay| Busy(*delay));
        async move { failure.map_or(Ok(()), Err) }
    };
    let result = if spawned { builder.spawn(work).await } else { builder.run(work).await };
    result?;
    Ok(times.waits())
}

/// Checks that each wait is as long as it is due: exactly, or where time is not exact, not shorter.
pub(super) fn are_due(waits: &[Duration], due: &[Duration], at: Facts) -> Outcome {
    let is_early = waits.len() != due.len() || waits.iter().zip(due).any(|(wait, due)| wait < due);
    ensure!(!is_early && (!at.virtual_time || waits == due), "{due:?} were due, and it waited {waits:?}");
    Ok(())
}

pub async fn the_wait_is_as_long_as_the_error_says<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let due = [3.millis(), 1.millis(), 5.millis()];
    for spawned in [false, true] {
        let builder = AsyncTask::to::<()>().on(&rt).retry(3).backoff(HOUR).retry_after(asked);
        are_due(&waits(&rt, builder, &due.map(Some), spawned).await?, &due, at)?;
    }
    Ok(())
}

pub async fn jitter_does_not_shorten_the_wait<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let due = [if at.virtual_time { 50.seconds() } else { 2.millis() }; 5];
    for jitter in [Jitter::Full, Jitter::Equal, Jitter::None] {
        let builder = AsyncTask::to::<()>().on(&rt).retry(5).jitter(jitter).retry_after(asked);
        are_due(&waits(&rt, builder, &due.map(Some), true).await?, &due, at)?;
    }
    Ok(())
}

pub async fn a_longer_wait_is_shortened_to_the_maximum<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let delays = [Some(1.hours()), Some(Duration::MAX), Some(1.millis()), Some(2.millis())];
    let due = [2, 2, 1, 2].map(Duration::from_millis);
    for spawned in [false, true] {
        let builder = AsyncTask::to::<()>().on(&rt).retry(4).backoff(HOUR);
        let builder = builder.retry_after(asked).max_retry_after(2.millis());
        are_due(&waits(&rt, builder, &delays, spawned).await?, &due, at)?;
    }
    // With a maximum of zero there is no wait.
    let builder = AsyncTask::to::<()>().on(&rt).retry(1).backoff(HOUR);
    let builder = builder.max_retry_after(Duration::ZERO).retry_after(asked);
    are_due(&waits(&rt, builder, &[Some(1.hours())], true).await?, &[Duration::ZERO], at)
}

pub async fn the_maximum_is_one_minute_unless_it_is_set<R: Runtime>(rt: R, at: Facts) -> Outcome {
    ensure!(DEFAULT_MAX_RETRY_AFTER == 1.minutes());
    if !at.virtual_time {
        return Ok(());
    }
    let delays = [Some(59.seconds()), Some(60.seconds()), Some(61.seconds()), Some(Duration::MAX)];
    let due = [59, 60, 60, 60].map(Duration::from_secs);
    let builder = AsyncTask::to::<()>().on(&rt).retry(4).retry_after(asked);
    are_due(&waits(&rt, builder, &delays, true).await?, &due, at)?;
    let builder = AsyncTask::to::<()>().on(&rt).retry(1).retry_after(asked).max_retry_after(Duration::MAX);
    are_due(&waits(&rt, builder, &[Some(100.days())], true).await?, &[100.days()], at)
}

pub async fn an_error_without_a_delay_leaves_the_wait_to_the_strategy<R: Runtime>(
    rt: R,
    at: Facts,
) -> Outcome {
    // The strategy counts all retries, also those whose wait it did not set.
    let strategy = RetryStrategy::Linear { base: 1.millis(), step: 2.millis(), max: 9.millis() };
    let due = [1, 4, 5].map(Duration::from_millis);
    for spawned in [false, true] {
        let builder = AsyncTask::to::<()>().on(&rt).retry(3).backoff(strategy).jitter(Jitter::None);
        let delays = [None, Some(4.millis()), None];
        are_due(&waits(&rt, builder.retry_after(asked), &delays, spawned).await?, &due, at)?;
    }
    Ok(())
}

pub async fn a_delay_of_zero_leads_to_an_attempt_at_once<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let due = [Duration::ZERO; 3];
    for spawned in [false, true] {
        let builder = AsyncTask::to::<()>().on(&rt).retry(3).backoff(HOUR).retry_after(asked);
        are_due(&waits(&rt, builder, &due.map(Some), spawned).await?, &due, at)?;
    }
    Ok(())
}

pub async fn a_wait_that_would_end_after_the_deadline_is_not_begun<R: Runtime>(rt: R, at: Facts) -> Outcome {
    for spawned in [false, true] {
        let (calls, reports, begun) = (Calls::default(), Calls::default(), rt.now());
        let (counted, reported) = (calls.clone(), reports.clone());
        let builder = AsyncTask::to::<()>().on(&rt).timeout(5.minutes()).retry(5);
        let builder = builder.backoff(RetryStrategy::Immediate).retry_after(asked).max_retry_after(1.hours());
        let builder = builder.on_retry(move |_| {
            reported.next();
        });
        let work = move || {
            counted.next();
            async { Err::<(), _>(Busy(Some(10.minutes()))) }
        };
        let result = if spawned { builder.spawn(work).await } else { builder.run(work).await };
        let error = exhausted(result)?;
        ensure!(error.is_out_of_time() && error.attempts() == 1, "{error:?}");
        ensure!(asked(error.last()) == Some(10.minutes()), "{error:?}");
        ensure!((calls.made(), reports.made()) == (1, 0));
        if at.virtual_time {
            is_due(&rt, at, begun, Duration::ZERO)?;
        }
    }
    Ok(())
}

pub async fn a_wait_that_the_maximum_makes_short_enough_is_begun<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let builder = AsyncTask::to::<()>().on(&rt).timeout(5.minutes()).retry(1).backoff(HOUR);
    let builder = builder.retry_after(asked).max_retry_after(2.millis());
    are_due(&waits(&rt, builder, &[Some(10.minutes())], true).await?, &[2.millis()], at)
}

pub async fn a_wait_beyond_counting_lasts_until_a_cancellation<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for level in [CancelLevel::Graceful, CancelLevel::Kill] {
        let (calls, waiting) = (Calls::default(), Latch::new());
        let (counted, waits) = (calls.clone(), waiting.clone());
        let builder = AsyncTask::to::<()>().on(&rt).retry(5).backoff(RetryStrategy::Immediate);
        let builder = builder.retry_after(asked).max_retry_after(Duration::MAX);
        let task = builder.on_retry(move |_| waits.set()).spawn(move || {
            counted.next();
            async { Err::<(), _>(Busy(Some(Duration::MAX))) }
        });
        waiting.wait().await;
        let end = task.cancel(level).await;
        ensure!(end.was_cancelled() && calls.made() == 1, "{end:?}");
        ensure!(failed(task.await)?.is_cancelled());
    }
    Ok(())
}

pub async fn the_works_own_error_is_found_through_retries_inside_of_the_attempt<R: Runtime>(
    rt: R,
    at: Facts,
) -> Outcome {
    let begun = rt.now();
    let inner = AsyncTask::to::<()>().on(&rt).retry(1).backoff(RetryStrategy::Immediate);
    let outer = AsyncTask::to::<()>().on(&rt).retry(1).backoff(HOUR).retry_after(asked);
    let attempt = || async { Err::<(), _>(Busy(Some(3.millis()))) };
    let error = exhausted(outer.run(|| inner.clone().run(attempt)).await)?;
    ensure!(error.attempts() == 2 && error.last().is_retries_exhausted(), "{error:?}");
    ensure!(asked(error.last()) == Some(3.millis()), "{error:?}");
    is_due(&rt, at, begun, 3.millis())
}

pub async fn the_function_is_called_for_each_error_that_is_retried<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (calls, log) = (Calls::default(), Log::default());
    let noted = log.clone();
    let builder = AsyncTask::to::<u32>().on(&rt).attempt_timeout(5.millis()).retry(3);
    let builder = builder.backoff(RetryStrategy::Immediate).retry_after(move |error| {
        noted.note(if error.is_timeout() { "a limit" } else { "an error" });
        asked(error)
    });
    let run = builder.run(|| {
        let call = calls.next();
        async move {
            match call {
                1 => pending().await,
                2 => Err(Busy(Some(1.millis()))),
                _ => Ok(call),
            }
        }
    });
    ensure!(run.await? == 3);
    ensure!(log.read() == ["a limit", "an error"], "{:?}", log.read());
    Ok(())
}

pub async fn the_function_is_not_called_where_no_attempt_follows<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let calls = Calls::default();
    let builder = |retries| {
        let counted = calls.clone();
        let builder = AsyncTask::to::<u32>().on(&rt).retry(retries).backoff(RetryStrategy::Immediate);
        builder.retry_after(move |_| {
            counted.next();
            None
        })
    };
    let broken = || async { Err::<u32, _>(Broken(1)) };
    ensure!(builder(5).run(|| async { 3 }).await? == 3, "a success");
    ensure!(failed(builder(0).run(broken).await)?.is_failure(), "no retries");
    ensure!(failed(builder(5).retry_if(|_| false).run(broken).await)?.is_failure(), "an excluded error");
    ensure!(failed(builder(5).run(|| async { explode::<u32>("a panic") }).await)?.is_panic(), "a panic");
    ensure!(calls.made() == 0, "{} calls", calls.made());
    // Not after the last of three failures either.
    ensure!(exhausted(builder(2).run(broken).await)?.attempts() == 3 && calls.made() == 2);
    Ok(())
}

pub async fn a_spent_budget_ends_the_attempts_before_the_function_is_called<R: Runtime>(
    rt: R,
    at: Facts,
) -> Outcome {
    // One failure leaves more than half of the budget, two do not.
    let (budget, calls, begun) = (RetryBudget::new(4, 0.0), Calls::default(), rt.now());
    let counted = calls.clone();
    let builder = AsyncTask::to::<()>().on(&rt).retry(9).backoff(HOUR).retry_budget(&budget);
    let builder = builder.retry_after(move |error| {
        counted.next();
        asked(error)
    });
    let task = builder.spawn(|| async { Err::<(), _>(Busy(Some(3.millis()))) });
    let error = exhausted(task.await)?;
    ensure!(error.attempts() == 2 && !error.is_out_of_time() && calls.made() == 1, "{error:?}");
    ensure!(budget.tokens() == 2.0 && !budget.permits(), "{budget:?}");
    is_due(&rt, at, begun, 3.millis())
}

pub async fn a_standalone_retry_has_the_wait_too<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (times, clock) = (Times::default(), rt.clone());
    let retry = Retry::new(2).backoff(HOUR).retry_after(asked).max_retry_after(3.millis());
    let work = || {
        let delay = if times.note(clock.now()) == 0 { 2.millis() } else { 1.hours() };
        async move { Err::<(), _>(Busy(Some(delay))) }
    };
    ensure!(exhausted(retry.apply_on(&rt, work).await)?.attempts() == 3);
    are_due(&times.waits(), &[2.millis(), 3.millis()], at)
}
