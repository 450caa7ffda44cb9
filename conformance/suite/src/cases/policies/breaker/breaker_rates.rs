//! Recovery, breaker: a rate of failures or of slow calls over a window of calls or of time opens it.

use crate::library::{BreakerState, BreakerWindow, CircuitBreaker, CircuitBreakerBuilder};

use super::breakers::{call, under_way};
use crate::kit::prelude::*;

/// A builder whose window holds `most` calls and counts from `minimum` on. It stays open once it has opened.
fn last_calls(most: u32, minimum: u32) -> CircuitBreakerBuilder {
    let builder = CircuitBreaker::builder().window(BreakerWindow::Calls(most)).minimum_calls(minimum);
    builder.open_timeout(1.hours())
}

/// Makes calls with these results. Before the last of them it is closed.
async fn calls<R: Runtime>(rt: &R, breaker: &CircuitBreaker, results: &[bool]) -> Outcome {
    for succeeds in results {
        ensure!(breaker.state() == BreakerState::Closed, "{results:?}: {:?}", breaker.statistics());
        ensure!(call(rt, breaker, *succeeds).await.is_ok() == *succeeds);
    }
    Ok(())
}

/// A call that takes `time` and succeeds.
async fn takes<R: Runtime>(rt: &R, breaker: &CircuitBreaker, time: Duration) -> Result<(), AsyncTaskError> {
    let clock = rt.clone();
    let work = || async move { clock.sleep(time).await };
    AsyncTask::to::<()>().on(rt).circuit_breaker(breaker).run(work).await
}

pub async fn a_share_of_failures_that_reaches_the_rate_opens_the_breaker<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    for (results, due) in [
        (&[true, true, false, false][..], BreakerState::Open),
        (&[true, true, true, false, true, true], BreakerState::Closed),
        // A success may be the call by which there are enough.
        (&[false, false, true], BreakerState::Closed),
        (&[false, false, true, true], BreakerState::Open),
    ] {
        let breaker = last_calls(10, 4).failure_rate(0.5).build()?;
        calls(&rt, &breaker, results).await?;
        ensure!(breaker.state() == due, "{results:?}: {:?}", breaker.statistics());
        let numbers = breaker.statistics();
        let failures = results.iter().filter(|succeeds| !**succeeds).count() as u64;
        ensure!(numbers.state == due && numbers.failures == Some(failures), "{numbers:?}");
        ensure!(numbers.failure_rate() == Some(failures as f64 / results.len() as f64), "{numbers:?}");
    }
    Ok(())
}

pub async fn the_oldest_call_leaves_a_window_of_calls<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let breaker = last_calls(3, 3).failure_rate(1.0).build()?;
    calls(&rt, &breaker, &[false, false, true, false, false]).await?;
    let numbers = breaker.statistics();
    ensure!((numbers.calls, numbers.failures) == (Some(3), Some(2)), "{numbers:?}");
    calls(&rt, &breaker, &[false]).await?;
    ensure!(breaker.state() == BreakerState::Open);
    Ok(())
}

pub async fn the_oldest_calls_leave_a_window_of_time<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let of = |length: Duration| {
        let builder = CircuitBreaker::builder().window(BreakerWindow::Time(length)).minimum_calls(2);
        builder.failure_rate(0.5).open_timeout(1.hours()).build()
    };
    let breaker = of(50.millis())?;
    calls(&rt, &breaker, &[false]).await?;
    rt.sleep(50.millis()).await?;
    calls(&rt, &breaker, &[false]).await?;
    let numbers = breaker.statistics();
    ensure!(numbers.state == BreakerState::Closed && numbers.calls == Some(1), "{numbers:?}");
    if at.virtual_time {
        // The slice of the second call leaves 50 ms after it.
        rt.sleep(50.millis() - Duration::from_nanos(1)).await?;
        calls(&rt, &breaker, &[true]).await?;
        ensure!(breaker.state() == BreakerState::Open, "{:?}", breaker.statistics());
    }
    // A length that no test takes, and one that no clock counts.
    for length in [10.hours(), Duration::MAX] {
        let breaker = of(length)?;
        calls(&rt, &breaker, &[false]).await?;
        rt.sleep(1.millis()).await?;
        calls(&rt, &breaker, &[true]).await?;
        ensure!(breaker.state() == BreakerState::Open, "{:?}", breaker.statistics());
    }
    Ok(())
}

pub async fn failures_in_a_row_do_not_open_a_breaker_with_a_rate_alone<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let breaker = last_calls(30, 30).failure_rate(1.0).build()?;
    calls(&rt, &breaker, &[false; 29]).await?;
    let numbers = breaker.statistics();
    ensure!(numbers.state == BreakerState::Closed && numbers.consecutive_failures == Some(29), "{numbers:?}");
    calls(&rt, &breaker, &[false]).await?;
    ensure!(breaker.state() == BreakerState::Open);
    Ok(())
}

pub async fn the_first_limit_that_is_reached_opens_the_breaker<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let builder = last_calls(100, 4).failure_rate(0.5).failure_threshold(3);
    for results in [&[false, false, false][..], &[true, false, true, false]] {
        let breaker = builder.clone().build()?;
        calls(&rt, &breaker, results).await?;
        ensure!(breaker.state() == BreakerState::Open, "{results:?}: {:?}", breaker.statistics());
    }
    let breaker = builder.slow_call_rate(1.millis(), 0.25).minimum_calls(1).build()?;
    takes(&rt, &breaker, 2.millis()).await?;
    ensure!(breaker.state() == BreakerState::Open, "{:?}", breaker.statistics());
    Ok(())
}

pub async fn twenty_calls_are_the_default_minimum<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for (window, least) in
        [(BreakerWindow::Calls(100), 20), (BreakerWindow::Calls(3), 3), (BreakerWindow::Time(10.hours()), 20)]
    {
        let breaker = CircuitBreaker::builder().window(window).failure_rate(1.0).build()?;
        calls(&rt, &breaker, &vec![false; least]).await?;
        ensure!(breaker.state() == BreakerState::Open, "{window:?}: {:?}", breaker.statistics());
    }
    Ok(())
}

pub async fn a_share_of_slow_calls_that_reaches_the_rate_opens_the_breaker<R: Runtime>(
    rt: R,
    at: Facts,
) -> Outcome {
    let breaker = last_calls(10, 2).slow_call_rate(5.millis(), 0.5).build()?;
    for number in 1..=2 {
        ensure!(breaker.state() == BreakerState::Closed);
        takes(&rt, &breaker, 6.millis()).await?;
        let numbers = breaker.statistics();
        ensure!((numbers.calls, numbers.slow_calls) == (Some(number), Some(number)), "{numbers:?}");
        ensure!(numbers.failures == Some(0) && numbers.slow_call_rate() == Some(1.0), "{numbers:?}");
    }
    ensure!(breaker.state() == BreakerState::Open);
    if at.virtual_time {
        let breaker = last_calls(10, 2).slow_call_rate(5.millis(), 0.5).build()?;
        for _ in 0..5 {
            takes(&rt, &breaker, 5.millis()).await?;
        }
        let numbers = breaker.statistics();
        ensure!((numbers.calls, numbers.slow_calls) == (Some(5), Some(0)), "{numbers:?}");
    }
    Ok(())
}

pub async fn a_slow_call_counts_when_it_ends<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let breaker = last_calls(1, 1).slow_call_rate(1.millis(), 1.0).build()?;
    let (task, give) = under_way(&rt, &breaker).await;
    rt.sleep(2.millis()).await?;
    let numbers = breaker.statistics();
    ensure!(numbers.state == BreakerState::Closed && numbers.calls == Some(0), "{numbers:?}");
    ensure!(numbers.slow_call_rate().is_none(), "{numbers:?}");
    give.send(Ok(())).await?;
    task.await?;
    ensure!(breaker.state() == BreakerState::Open, "{:?}", breaker.statistics());
    Ok(())
}

pub async fn a_timed_out_call_has_failed_and_may_be_slow<R: Runtime>(rt: R, at: Facts) -> Outcome {
    for spawned in [false, true] {
        for attempt in [false, true] {
            let builder = last_calls(5, 1).failure_rate(1.0).slow_call_rate(1.millis(), 1.0);
            let breaker = builder.build()?;
            let task = AsyncTask::to::<()>().on(&rt).circuit_breaker(&breaker);
            let task = if attempt { task.attempt_timeout(5.millis()) } else { task.timeout(5.millis()) };
            let error = match spawned {
                true => failed(task.spawn(pending::<()>).await)?,
                false => failed(task.run(pending::<()>).await)?,
            };
            let numbers = breaker.statistics();
            ensure!(error.is_timeout() && numbers.state == BreakerState::Open, "{spawned}, {attempt}");
            ensure!(
                (numbers.calls, numbers.failures) == (Some(1), Some(1)),
                "{spawned}, {attempt}: {numbers:?}"
            );
            // On a busy machine, the time that is up may have passed before the call began.
            if at.virtual_time {
                ensure!(numbers.slow_calls == Some(1), "{spawned}, {attempt}: {numbers:?}");
            }
        }
    }
    Ok(())
}

pub async fn a_slow_half_open_call_opens_the_breaker_again<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let builder = last_calls(2, 1).slow_call_rate(5.millis(), 1.0).failure_rate(1.0).half_open_calls(2);
    let breaker = builder.open_timeout(Duration::ZERO).build()?;
    calls(&rt, &breaker, &[false]).await?;
    ensure!(breaker.state() == BreakerState::Open);
    takes(&rt, &breaker, 6.millis()).await?;
    ensure!(breaker.state() == BreakerState::Open, "{:?}", breaker.statistics());
    if at.virtual_time {
        for state in [BreakerState::HalfOpen, BreakerState::Closed] {
            takes(&rt, &breaker, 5.millis()).await?;
            ensure!(breaker.state() == state);
        }
    }
    Ok(())
}

pub async fn the_window_of_a_breaker_that_closes_is_empty<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for window in [BreakerWindow::Calls(9), BreakerWindow::Time(10.hours())] {
        let builder = CircuitBreaker::builder().window(window).minimum_calls(2).failure_rate(1.0);
        let breaker = builder.open_timeout(Duration::ZERO).build()?;
        for _ in 0..2 {
            calls(&rt, &breaker, &[false, false]).await?;
            let numbers = breaker.statistics();
            // The numbers are still those with which it opened.
            ensure!(numbers.state == BreakerState::Open && numbers.failures == Some(2), "{numbers:?}");
            ensure!(numbers.consecutive_failures.is_none(), "{numbers:?}");
            call(&rt, &breaker, true).await?;
            let numbers = breaker.statistics();
            ensure!(numbers.state == BreakerState::Closed && numbers.calls == Some(0), "{numbers:?}");
            ensure!(numbers.consecutive_failures == Some(0) && numbers.failure_rate().is_none());
        }
    }
    Ok(())
}

pub async fn calls_admitted_before_a_change_are_not_in_the_window<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let builder = last_calls(9, 2).failure_rate(1.0).open_timeout(Duration::ZERO);
    let breaker = builder.build()?;
    let (fails, give) = under_way(&rt, &breaker).await;
    calls(&rt, &breaker, &[false, false]).await?;
    call(&rt, &breaker, true).await?;
    calls(&rt, &breaker, &[false]).await?;
    give.send(Err("late")).await?;
    ensure!(failed(fails.await)?.is_failure());
    let numbers = breaker.statistics();
    ensure!(numbers.state == BreakerState::Closed && numbers.calls == Some(1), "{numbers:?}");
    Ok(())
}

pub async fn calls_without_an_answer_of_the_dependency_are_not_in_the_window<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let breaker = last_calls(9, 1).failure_rate(1.0).slow_call_rate(1.millis(), 1.0).build()?;
    let (task, _give) = under_way(&rt, &breaker).await;
    rt.sleep(2.millis()).await?;
    task.cancel(CancelLevel::Kill).await;
    let work = || async { Err::<(), _>(AsyncTaskError::InvalidState("it says nothing")) };
    failed(AsyncTask::to::<()>().on(&rt).circuit_breaker(&breaker).run(work).await)?;
    let numbers = breaker.statistics();
    ensure!(numbers.state == BreakerState::Closed && numbers.calls == Some(0), "{numbers:?}");
    Ok(())
}

pub async fn concurrent_calls_are_each_counted_once<R: Runtime>(rt: R, _: Facts) -> Outcome {
    const MANY: u32 = 400;
    for window in [BreakerWindow::Calls(MANY), BreakerWindow::Time(10.hours())] {
        let builder = CircuitBreaker::builder().window(window).minimum_calls(MANY).failure_rate(0.5);
        let breaker = builder.open_timeout(1.hours()).build()?;
        let tasks: Vec<_> = (0..MANY)
            .map(|number| {
                let work = move || async move {
                    yield_now().await;
                    if number % 2 == 0 { Ok(()) } else { Err("a failure") }
                };
                AsyncTask::to::<()>().on(&rt).circuit_breaker(&breaker).spawn(work)
            })
            .collect();
        for task in tasks {
            let _ = task.await;
        }
        let numbers = breaker.statistics();
        let (many, half) = (u64::from(MANY), u64::from(MANY / 2));
        ensure!((numbers.calls, numbers.failures) == (Some(many), Some(half)), "{window:?}: {numbers:?}");
        ensure!(numbers.state == BreakerState::Open, "the last of them reached the rate: {numbers:?}");
    }
    Ok(())
}

pub async fn numbers_that_are_not_counted_are_not_reported<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let breaker = CircuitBreaker::builder().failure_threshold(3).open_timeout(1.hours()).build()?;
    for failures in 0..3 {
        let numbers = breaker.statistics();
        ensure!((numbers.calls, numbers.failures, numbers.slow_calls) == (None, None, None), "{numbers:?}");
        ensure!(numbers.failure_rate().is_none() && numbers.slow_call_rate().is_none());
        ensure!(numbers.consecutive_failures == Some(failures), "{numbers:?}");
        failed(call(&rt, &breaker, false).await)?;
    }
    let numbers = breaker.statistics();
    ensure!(numbers.state == BreakerState::Open && numbers.consecutive_failures.is_none(), "{numbers:?}");
    let breaker = last_calls(3, 1).failure_rate(1.0).build()?;
    call(&rt, &breaker, true).await?;
    let numbers = breaker.statistics();
    ensure!((numbers.calls, numbers.slow_calls) == (Some(1), None), "{numbers:?}");
    Ok(())
}
