//! Promise 3, composition: the order of the policies does not depend on the order of the builder's calls.

use std::sync::{Arc, Mutex, PoisonError};

use crate::library::{
    BreakerState, CircuitBreaker, Jitter, Limiter, RetryStrategy, TaskPriority, TimeoutKind,
};

use crate::cases::backoff::waiting_with;
use crate::cases::deadlines::{is_due, passed};
use crate::cases::restarts::{Broken, Calls};
use crate::kit::prelude::*;

const STEP: Duration = Duration::from_millis(10);

/// Runs work that never ends under all policies, set in the given order, and checks the order of the events.
macro_rules! in_this_order {
    ($rt:ident, $at:ident: $($policy:ident)+) => {{
        let log: Arc<Mutex<Vec<String>>> = Arc::default();
        let note = |log: &Arc<Mutex<Vec<String>>>, text: String| {
            log.lock().unwrap_or_else(PoisonError::into_inner).push(text);
        };
        let breaker = CircuitBreaker::builder().failure_threshold(3).open_timeout(1.hours()).build()?;
        let limiter = Limiter::builder().max_concurrent(1).build()?;
        let (begun, calls) = ($rt.now(), Calls::default());
        let (counted, worked, recovered) = (calls.clone(), log.clone(), log.clone());
        let builder = AsyncTask::to::<u32>().on(&$rt).retry(9);
        $(let builder = in_this_order!(@$policy builder, breaker, limiter, recovered, note);)+
        let task = builder.spawn(move || {
            note(&worked, format!("attempt {}", counted.next()));
            pending::<u32>()
        });
        ensure!(task.await? == 7);
        // Three attempts with a wait after each. The last of them opens the breaker, which refuses the
        // fourth.
        is_due(&$rt, $at, begun, STEP * 6)?;
        let log = log.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let due = ["attempt 1", "attempt 2", "attempt 3", "recovery from an open breaker: true"];
        ensure!(log == due, "{log:?}");
        ensure!(breaker.state() == BreakerState::Open);
    }};
    (@timeout $b:ident, $($_:tt)*) => { $b.timeout(1.hours()) };
    (@attempt_timeout $b:ident, $($_:tt)*) => { $b.attempt_timeout(STEP) };
    (@retry $b:ident, $($_:tt)*) => { $b.retry(5).backoff(RetryStrategy::Fixed { delay: STEP }).jitter(Jitter::None) };
    (@breaker $b:ident, $breaker:ident, $($_:tt)*) => { $b.circuit_breaker(&$breaker) };
    (@limiter $b:ident, $breaker:ident, $limiter:ident, $($_:tt)*) => { $b.limiter(&$limiter) };
    (@recovery $b:ident, $breaker:ident, $limiter:ident, $log:ident, $note:ident) => {
        $b.recover_with(move |error| {
            $note(&$log, format!("recovery from an open breaker: {}", error.is_circuit_open()));
            async { 7 }
        })
    };
    (@name $b:ident, $($_:tt)*) => { $b.name("all").priority(TaskPriority::High).grace(1.hours()) };
}

pub async fn the_order_of_a_builders_calls_does_not_matter<R: Runtime>(rt: R, at: Facts) -> Outcome {
    in_this_order!(rt, at: recovery timeout retry breaker limiter attempt_timeout name);
    in_this_order!(rt, at: name attempt_timeout limiter breaker retry timeout recovery);
    in_this_order!(rt, at: limiter recovery attempt_timeout timeout name breaker retry);
    Ok(())
}

pub async fn the_limit_of_an_attempt_is_not_on_the_wait_for_a_limiter<R: Runtime>(
    rt: R,
    at: Facts,
) -> Outcome {
    let limiter = Limiter::builder().max_concurrent(1).build()?;
    let (started, clock, begun) = (Latch::new(), rt.clone(), rt.now());
    let start = started.clone();
    let first = AsyncTask::to::<()>().on(&rt).limiter(&limiter).spawn(move || async move {
        start.set();
        let _ = clock.sleep_until(begun + STEP * 3).await;
    });
    started.wait().await;
    let builder = AsyncTask::to::<u32>().on(&rt).limiter(&limiter);
    // The limit on the whole includes that wait.
    let error = passed(builder.clone().timeout(STEP).run(|| async { 3 }).await);
    ensure!(!at.virtual_time || error?.kind() == TimeoutKind::Overall);
    for spawned in [false, true] {
        let builder = builder.clone().attempt_timeout(STEP);
        let value =
            if spawned { builder.spawn(|| async { 3 }).await } else { builder.run(|| async { 3 }).await };
        ensure!(value? == 3);
    }
    first.await?;
    is_due(&rt, at, begun, STEP * 3)
}

pub async fn a_permit_is_held_for_one_attempt_and_not_for_the_backoff<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let limiter = Limiter::builder().max_concurrent(1).max_waiting(0).build()?;
    let (waits, calls) = waiting_with(AsyncTask::to().on(&rt).limiter(&limiter).retry(3)).await;
    ensure!(AsyncTask::to::<u32>().on(&rt).limiter(&limiter).run(|| async { 3 }).await? == 3);
    waits.cancel(CancelLevel::Kill).await;
    ensure!(calls.made() == 1);
    Ok(())
}

pub async fn a_permit_is_free_before_the_error_is_given<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let limiter = Limiter::builder().max_concurrent(1).max_waiting(0).build()?;
    let (calls, inner, same) = (Calls::default(), rt.clone(), limiter.clone());
    let builder = AsyncTask::to::<u32>().on(&rt).limiter(&limiter).retry(2).backoff(RetryStrategy::Immediate);
    // Each attempt takes the permit again, and the recovery finds it free.
    let builder = builder.recover_with(move |_| {
        let (rt, limiter) = (inner.clone(), same.clone());
        async move { AsyncTask::to::<u32>().on(&rt).limiter(&limiter).run(|| async { 7 }).await }
    });
    let run = builder.run(|| {
        let call = calls.next();
        async move { Err::<u32, _>(Broken(call)) }
    });
    ensure!(run.await? == 7 && calls.made() == 3);
    Ok(())
}
