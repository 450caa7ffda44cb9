//! Recovery, breaker: settings out of their range are refused when it is built, and name value and range.

use crate::library::{BreakerState, BreakerWindow, CircuitBreaker, CircuitBreakerBuilder};

use super::breakers::{call, opened};
use crate::kit::prelude::*;

/// Builders whose settings cannot work, each with a part of the error's text.
fn wrong_settings() -> Vec<(CircuitBreakerBuilder, &'static str)> {
    let builder = CircuitBreaker::builder;
    let window = || builder().window(BreakerWindow::Calls(10));
    let rate = || window().failure_rate(0.5);
    let timed = |length| builder().window(BreakerWindow::Time(length)).failure_rate(0.5);
    let mut wrong = vec![
        (
            builder().failure_threshold(0),
            "`failure_threshold` of a circuit breaker is 0: it must be at least 1",
        ),
        (builder().half_open_calls(0), "`half_open_calls` of a circuit breaker is 0: it must be at least 1"),
        (
            builder().half_open_timeout(Duration::ZERO),
            "`half_open_timeout` of a circuit breaker is 0 s: it must be longer than zero",
        ),
        (rate().failure_threshold(0), "`failure_threshold` of a circuit breaker is 0: it must be at least 1"),
        (rate().window(BreakerWindow::Calls(0)), "of 0 calls: it must be from 1 to 1000000"),
        (rate().window(BreakerWindow::Calls(1_000_001)), "of 1000001 calls: it must be from 1 to 1000000"),
        (timed(Duration::ZERO), "of 0 s: it must be longer than zero"),
        (rate().minimum_calls(0), "`minimum_calls` of a circuit breaker is 0: it must be at least 1"),
        (rate().minimum_calls(11), "`minimum_calls` of a circuit breaker is 11"),
        (timed(1.seconds()).minimum_calls(0), "`minimum_calls` of a circuit breaker is 0"),
        (window(), "needs a `failure_rate` or a `slow_call_rate`"),
        (window().failure_threshold(3), "needs a `failure_rate` or a `slow_call_rate`"),
        (builder().failure_rate(0.5), "need a `window`"),
        (builder().slow_call_rate(1.seconds(), 0.5), "need a `window`"),
        (builder().minimum_calls(3), "need a `window`"),
        (window().slow_call_rate(Duration::ZERO, 0.5), "the time must be longer than zero"),
    ];
    for (rate, text) in
        [(0.0, "is 0"), (-0.5, "is -0.5"), (1.5, "is 1.5"), (f64::NAN, "is NaN"), (50.0, "is 50")]
    {
        wrong.push((window().failure_rate(rate), text));
        wrong.push((window().slow_call_rate(1.seconds(), rate), text));
    }
    wrong
}

pub async fn settings_that_cannot_work_are_refused<R: Runtime>(_: R, _: Facts) -> Outcome {
    for (wrong, text) in wrong_settings() {
        let error = failed(wrong.clone().build())?;
        ensure!(matches!(error, AsyncTaskError::InvalidConfig(_)), "{wrong:?}: {error:?}");
        ensure!(error.to_string().contains(text), "{wrong:?}: {error}");
    }
    Ok(())
}

pub async fn the_ends_of_their_ranges_work<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let builder = CircuitBreaker::builder;
    let widest = builder().window(BreakerWindow::Calls(1_000_000)).minimum_calls(1_000_000).failure_rate(1.0);
    let longest = builder().window(BreakerWindow::Time(Duration::MAX)).minimum_calls(u32::MAX);
    let shortest =
        builder().window(BreakerWindow::Time(Duration::from_nanos(1))).failure_rate(f64::MIN_POSITIVE);
    for right in [widest, longest.slow_call_rate(Duration::MAX, 1.0), shortest] {
        ensure!(right.build()?.state() == BreakerState::Closed);
    }
    ensure!(builder().build()?.state() == BreakerState::Closed && builder().build()?.name().is_none());
    // An open time of zero, and one that is longer than any clock counts.
    let breaker = opened(&rt, Duration::ZERO, 1).await?;
    call(&rt, &breaker, true).await?;
    ensure!(breaker.state() == BreakerState::Closed);
    let breaker = opened(&rt, Duration::MAX, 1).await?;
    let error = failed(call(&rt, &breaker, true).await)?;
    ensure!(matches!(error, AsyncTaskError::CircuitOpen { retry_after: Duration::MAX, .. }), "{error:?}");
    // A time that no clock counts is said as it was set.
    let long = Duration::from_secs(u64::MAX);
    let error = failed(call(&rt, &opened(&rt, long, 1).await?, true).await)?;
    ensure!(error.to_string() == format!("circuit breaker is open: tried again in {long:?}"), "{error}");
    Ok(())
}
