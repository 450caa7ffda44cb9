//! Recovery, breaker: a predicate says which errors are failures.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::library::{BreakerState, BreakerWindow, CircuitBreaker, CircuitBreakerBuilder, Limiter};

use super::breakers::{call, under_way};
use crate::cases::limiters::fill;
use crate::kit::explode;
use crate::kit::prelude::*;

/// The answer of a dependency that works.
#[derive(Debug)]
struct NotFound;

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not found")
    }
}

impl std::error::Error for NotFound {}

fn is_no_answer(error: &AsyncTaskError) -> bool {
    error.downcast_ref::<NotFound>().is_none()
}

/// A call that is answered, without a result.
async fn not_found<R: Runtime>(rt: &R, breaker: &CircuitBreaker) -> Outcome {
    let work = || async { Err::<(), _>(NotFound) };
    let error = failed(AsyncTask::to::<()>().on(rt).circuit_breaker(breaker).run(work).await)?;
    ensure!(error.downcast_ref::<NotFound>().is_some(), "{error:?}");
    Ok(())
}

/// A builder with a predicate that counts its calls and answers `answer`.
fn counted(answer: bool) -> (CircuitBreakerBuilder, Arc<AtomicU32>) {
    let asked = Arc::new(AtomicU32::new(0));
    let count = asked.clone();
    let builder = CircuitBreaker::builder().failure_threshold(1).open_timeout(1.hours());
    let builder = builder.trip_if(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        answer
    });
    (builder, asked)
}

pub async fn excepted_errors_are_successes<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let builder = CircuitBreaker::builder().failure_threshold(2).open_timeout(1.hours());
    let breaker = builder.trip_if(is_no_answer).build()?;
    for _ in 0..3 {
        not_found(&rt, &breaker).await?;
        failed(call(&rt, &breaker, false).await)?;
        ensure!(breaker.state() == BreakerState::Closed);
    }
    failed(call(&rt, &breaker, false).await)?;
    ensure!(breaker.state() == BreakerState::Open);
    Ok(())
}

pub async fn excepted_errors_are_successes_in_a_window_too<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let builder = CircuitBreaker::builder().window(BreakerWindow::Calls(4)).failure_rate(0.5);
    let breaker = builder.trip_if(is_no_answer).open_timeout(1.hours()).build()?;
    for _ in 0..3 {
        not_found(&rt, &breaker).await?;
    }
    failed(call(&rt, &breaker, false).await)?;
    let numbers = breaker.statistics();
    ensure!((numbers.calls, numbers.failures) == (Some(4), Some(1)), "{numbers:?}");
    ensure!(numbers.state == BreakerState::Closed, "{numbers:?}");
    failed(call(&rt, &breaker, false).await)?;
    ensure!(breaker.state() == BreakerState::Open);
    Ok(())
}

pub async fn an_excepted_half_open_call_closes_the_breaker<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let builder = CircuitBreaker::builder().failure_threshold(1).open_timeout(Duration::ZERO);
    let breaker = builder.trip_if(is_no_answer).build()?;
    failed(call(&rt, &breaker, false).await)?;
    ensure!(breaker.state() == BreakerState::Open);
    not_found(&rt, &breaker).await?;
    ensure!(breaker.state() == BreakerState::Closed);
    Ok(())
}

pub async fn the_predicate_is_called_for_panics_and_attempt_timeouts<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for answer in [false, true] {
        let due = if answer { BreakerState::Open } else { BreakerState::Closed };
        let (builder, asked) = counted(answer);
        let breaker = builder.clone().build()?;
        let task = AsyncTask::to::<()>().on(&rt).circuit_breaker(&breaker);
        ensure!(failed(task.run(|| async { explode::<()>("a panic") }).await)?.is_panic());
        ensure!(breaker.state() == due && asked.load(Ordering::SeqCst) == 1, "{breaker:?}");
        let breaker = builder.build()?;
        let task = AsyncTask::to::<()>().on(&rt).circuit_breaker(&breaker).attempt_timeout(1.millis());
        ensure!(failed(task.run(pending::<()>).await)?.is_timeout());
        ensure!(breaker.state() == due && asked.load(Ordering::SeqCst) == 2, "{breaker:?}");
    }
    Ok(())
}

pub async fn the_predicate_is_not_called_for_the_limit_on_the_whole<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for spawned in [false, true] {
        let (builder, asked) = counted(false);
        let breaker = builder.build()?;
        let task = AsyncTask::to::<()>().on(&rt).circuit_breaker(&breaker).timeout(1.millis());
        let error = match spawned {
            true => failed(task.spawn(pending::<()>).await)?,
            false => failed(task.run(pending::<()>).await)?,
        };
        ensure!(error.is_timeout() && asked.load(Ordering::SeqCst) == 0, "{error:?}");
        ensure!(breaker.state() == BreakerState::Open, "{spawned}: {breaker:?}");
    }
    Ok(())
}

pub async fn the_predicate_is_not_called_for_errors_that_never_count<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (builder, asked) = counted(true);
    let breaker = builder.build()?;
    call(&rt, &breaker, true).await?;
    let (task, _give) = under_way(&rt, &breaker).await;
    task.cancel(CancelLevel::Kill).await;
    let limiter = Limiter::builder().max_concurrent(1).max_waiting(0).build()?;
    let full = fill(&rt, &limiter, 1).await?;
    let refused = AsyncTask::to::<()>().on(&rt).circuit_breaker(&breaker).limiter(&limiter);
    ensure!(failed(refused.run(|| async {}).await)?.is_rejected());
    full.release().await?;
    for kind in 0..4 {
        let work = || async move {
            Err::<(), _>(match kind {
                0 => AsyncTaskError::cancelled(CancelLevel::Kill, CancelCause::Requested),
                1 => AsyncTaskError::Shutdown,
                2 => AsyncTaskError::InvalidConfig("no use".into()),
                _ => AsyncTaskError::CircuitOpen { breaker: None, retry_after: Duration::ZERO },
            })
        };
        failed(AsyncTask::to::<()>().on(&rt).circuit_breaker(&breaker).run(work).await)?;
    }
    ensure!(asked.load(Ordering::SeqCst) == 0 && breaker.state() == BreakerState::Closed, "{breaker:?}");
    Ok(())
}

pub async fn a_panic_in_the_predicate_is_a_failure_and_the_error_stays<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    for rate in [false, true] {
        for spawned in [false, true] {
            let builder = CircuitBreaker::builder().trip_if(|_| explode::<bool>("in the predicate"));
            let builder = match rate {
                true => builder.window(BreakerWindow::Calls(1)).failure_rate(1.0),
                false => builder.failure_threshold(1),
            };
            let breaker = builder.open_timeout(1.hours()).build()?;
            let task = AsyncTask::to::<()>().on(&rt).circuit_breaker(&breaker);
            let work = || async { Err::<(), _>(NotFound) };
            let error = match spawned {
                true => failed(task.spawn(work).await)?,
                false => failed(task.run(work).await)?,
            };
            ensure!(error.downcast_ref::<NotFound>().is_some(), "{error:?}");
            ensure!(breaker.state() == BreakerState::Open, "{rate}, {spawned}: {breaker:?}");
        }
    }
    Ok(())
}

pub async fn the_predicate_may_change_the_breaker_itself<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for rate in [false, true] {
        let (give, given) = async_channel::bounded::<CircuitBreaker>(1);
        let builder = CircuitBreaker::builder().trip_if(move |_| {
            if let Ok(breaker) = given.try_recv() {
                breaker.isolate();
            }
            true
        });
        let builder = if rate { builder.window(BreakerWindow::Calls(1)).failure_rate(1.0) } else { builder };
        let breaker = builder.build()?;
        give.send(breaker.clone()).await?;
        ensure!(failed(call(&rt, &breaker, false).await)?.is_failure());
        ensure!(breaker.state() == BreakerState::Isolated, "{rate}: {breaker:?}");
    }
    Ok(())
}
