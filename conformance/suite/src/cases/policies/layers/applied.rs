//! One policy on one future: a retry, limiter or breaker works without a task around the work.

use std::cell::Cell;

use crate::library::{
    BoxError, BreakerState, CancelOutcome, CancellableTask as _, CircuitBreaker, Jitter, Limiter, Retry,
    RetryStrategy,
};

use crate::kit::explode;
use crate::kit::prelude::*;

fn at_once(retries: u32) -> Retry {
    Retry::new(retries).backoff(RetryStrategy::Immediate)
}

pub async fn a_retry_works_alone_and_its_work_may_borrow<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // Neither `Send` nor `'static`.
    let calls = Cell::new(0);
    let work = || {
        calls.set(calls.get() + 1);
        let call = calls.get();
        async move {
            yield_now().await;
            if call < 3 { Err("not yet") } else { Ok(call) }
        }
    };
    ensure!(at_once(5).apply_on(&rt, work).await? == 3 && calls.get() == 3);
    let error = failed(at_once(1).apply_on(&rt, || async { Err::<(), _>("never") }).await)?;
    ensure!(format!("{error:#}") == "the work failed 2 times: never", "{error:#}");
    let error = failed(at_once(0).apply_on(&rt, || async { Err::<(), _>("never") }).await)?;
    ensure!(source_text(&error) == "never" && error.is_failure(), "{error}");
    Ok(())
}

pub async fn a_retry_alone_waits_as_its_strategy_says<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let strategy = RetryStrategy::Linear { base: 2.millis(), step: 3.millis(), max: 6.millis() };
    let begun = rt.now();
    let retry = Retry::new(3).backoff(strategy).jitter(Jitter::None);
    let error = failed(retry.apply_on(&rt, || async { Err::<(), _>("never") }).await)?;
    ensure!(error.is_retries_exhausted(), "{error}");
    let waited = rt.now().saturating_duration_since(begun);
    // 2, then 5, then 6, which is the maximum.
    ensure!(waited >= 13.millis() && (!at.virtual_time || waited == 13.millis()), "{waited:?}");
    Ok(())
}

pub async fn a_panic_is_caught_and_not_tried_again<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (calls, limiter) = (Cell::new(0), Limiter::builder().max_concurrent(1).build()?);
    let work = || {
        calls.set(calls.get() + 1);
        async { Ok::<_, BoxError>(explode::<()>("broken")) }
    };
    ensure!(failed(at_once(5).apply_on(&rt, work).await)?.is_panic() && calls.get() == 1);
    ensure!(
        failed(limiter.apply_on(&rt, || async { Ok::<_, BoxError>(explode::<()>("broken")) }).await)?
            .is_panic()
    );
    ensure!(limiter.under_way() == 0 && limiter.apply_on(&rt, || async { Ok::<_, BoxError>(1) }).await? == 1);
    Ok(())
}

pub async fn a_limiter_works_alone_and_its_permits_are_returned<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let limiter = Limiter::builder().max_concurrent(1).max_waiting(1).build()?;
    let mut first = Box::pin(limiter.apply_on(&rt, pending::<Result<(), BoxError>>));
    ensure!(poll_once(&mut first).await.is_none() && limiter.under_way() == 1);
    let mut second = Box::pin(limiter.apply_on(&rt, || async { Ok::<_, BoxError>(2) }));
    ensure!(poll_once(&mut second).await.is_none() && limiter.waiting() == 1);
    let third = failed(limiter.apply_on(&rt, || async { Ok::<_, BoxError>(3) }).await)?;
    ensure!(matches!(third, AsyncTaskError::Rejected { waiting: 1, .. }), "{third}");
    drop(first);
    ensure!(second.await? == 2 && (limiter.under_way(), limiter.waiting()) == (0, 0));
    // A waiter that was admitted, and is dropped before it has seen that.
    let first = Box::pin(limiter.apply_on(&rt, || async { Ok::<_, BoxError>(1) }));
    let mut held = Box::pin(limiter.apply_on(&rt, pending::<Result<(), BoxError>>));
    ensure!(poll_once(&mut held).await.is_none());
    let mut first = first;
    ensure!(poll_once(&mut first).await.is_none());
    drop(held);
    ensure!(limiter.under_way() == 1, "the next one is in");
    drop(first);
    ensure!((limiter.under_way(), limiter.waiting()) == (0, 0));
    Ok(())
}

pub async fn a_breaker_works_alone<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let breaker =
        CircuitBreaker::builder().name("db").failure_threshold(2).open_timeout(1.hours()).build()?;
    for _ in 0..2 {
        ensure!(failed(breaker.apply_on(&rt, || async { Err::<(), _>("down") }).await)?.is_failure());
    }
    ensure!(breaker.state() == BreakerState::Open);
    let refused = failed(breaker.apply_on(&rt, || async { Ok::<_, BoxError>(1) }).await)?;
    ensure!(refused.is_circuit_open() && refused.to_string().contains("`db` is open"), "{refused}");
    // Polled again, it does not pass the breaker.
    let mut refused = Box::pin(breaker.apply_on(&rt, || async { Ok::<_, BoxError>(1) }));
    ensure!(failed((&mut refused).await)?.is_circuit_open());
    ensure!(matches!(failed(refused.await)?, AsyncTaskError::InvalidState(_)));
    Ok(())
}

pub async fn the_cancellation_of_the_task_around_ends_the_attempts<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (tried, inner) = (Latch::new(), rt.clone());
    let has_tried = tried.clone();
    let task = AsyncTask::to::<String>().on(&rt).grace(1.hours()).try_spawn(|| async move {
        let retry = Retry::new(1000).backoff(RetryStrategy::Fixed { delay: 1.hours() }).jitter(Jitter::None);
        let work = || {
            has_tried.set();
            async { Err::<(), BoxError>("no".into()) }
        };
        let error = failed(retry.apply_on(&inner, work).await)?;
        Ok(source_text(&error))
    });
    tried.wait().await;
    let end = task.cancel_gracefully().await;
    ensure!(end.outcome() == CancelOutcome::Success, "the work goes on, and ends by itself: {end:?}");
    ensure!(task.await? == "no");
    Ok(())
}
