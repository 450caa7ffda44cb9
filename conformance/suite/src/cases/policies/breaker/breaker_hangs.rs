//! Recovery, breaker: a half-open call that hangs loses its permit after the half-open timeout.

use crate::library::{BreakerState, CircuitBreaker};

use super::breakers::call;
use crate::kit::prelude::*;

/// A breaker that is about to admit `probes` calls, each of which holds its permit for at most `limit`.
async fn reopening<R: Runtime>(rt: &R, probes: u32, limit: Duration) -> Result<CircuitBreaker, Failure> {
    let builder = CircuitBreaker::builder().failure_threshold(1).open_timeout(Duration::ZERO);
    let breaker = builder.half_open_calls(probes).half_open_timeout(limit).build()?;
    failed(call(rt, &breaker, false).await)?;
    ensure!(breaker.state() == BreakerState::Open);
    Ok(breaker)
}

/// A probe that runs until its result is sent, and then ends with it.
async fn probe<R: Runtime>(rt: &R, breaker: &CircuitBreaker) -> (Task<(), R>, async_channel::Sender<bool>) {
    let (begun, (end, ends)) = (Latch::new(), async_channel::bounded(1));
    let begins = begun.clone();
    let task = AsyncTask::to::<()>().on(rt).circuit_breaker(breaker).spawn(move || async move {
        begins.set();
        match ends.recv().await {
            Ok(true) => Ok(()),
            _ => Err("a failure"),
        }
    });
    begun.wait().await;
    (task, end)
}

async fn is_refused<R: Runtime>(rt: &R, breaker: &CircuitBreaker) -> Outcome {
    ensure!(failed(call(rt, breaker, true).await)?.is_circuit_open());
    ensure!(breaker.state() == BreakerState::HalfOpen);
    Ok(())
}

pub async fn a_hanging_probe_keeps_its_permit_until_the_half_open_timeout<R: Runtime>(
    rt: R,
    at: Facts,
) -> Outcome {
    let breaker = reopening(&rt, 1, 50.millis()).await?;
    let (hangs, _end) = probe(&rt, &breaker).await;
    if at.virtual_time {
        is_refused(&rt, &breaker).await?;
        rt.sleep(50.millis() - Duration::from_nanos(1)).await?;
        is_refused(&rt, &breaker).await?;
        rt.sleep(Duration::from_nanos(1)).await?;
    } else {
        rt.sleep(50.millis()).await?;
    }
    call(&rt, &breaker, true).await?;
    ensure!(breaker.state() == BreakerState::Closed);
    hangs.cancel(CancelLevel::Kill).await;
    ensure!(breaker.state() == BreakerState::Closed);
    Ok(())
}

pub async fn a_late_outcome_of_a_hanging_probe_counts<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for succeeds in [true, false] {
        let breaker = reopening(&rt, 1, 1.millis()).await?;
        let (slow, end) = probe(&rt, &breaker).await;
        rt.sleep(1.millis()).await?;
        let (second, _other) = probe(&rt, &breaker).await;
        ensure!(breaker.state() == BreakerState::HalfOpen);
        end.send(succeeds).await?;
        ensure!(slow.await.is_ok() == succeeds);
        let due = if succeeds { BreakerState::Closed } else { BreakerState::Open };
        ensure!(breaker.state() == due, "{}", breaker.state());
        second.cancel(CancelLevel::Kill).await;
        ensure!(breaker.state() == due, "what was let through before says nothing");
    }
    Ok(())
}

pub async fn an_overdue_probe_has_no_permit_to_return<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let breaker = reopening(&rt, 1, 50.millis()).await?;
    let (hangs, _end) = probe(&rt, &breaker).await;
    rt.sleep(50.millis()).await?;
    let (second, end) = probe(&rt, &breaker).await;
    hangs.cancel(CancelLevel::Kill).await;
    if at.virtual_time {
        // The permit is the second probe's now.
        is_refused(&rt, &breaker).await?;
    }
    second.cancel(CancelLevel::Kill).await;
    ensure!(end.is_closed() && breaker.state() == BreakerState::HalfOpen);
    call(&rt, &breaker, true).await?;
    ensure!(breaker.state() == BreakerState::Closed);
    Ok(())
}

pub async fn without_a_half_open_timeout_a_hanging_probe_keeps_its_permit<R: Runtime>(
    rt: R,
    at: Facts,
) -> Outcome {
    let breaker = reopening(&rt, 1, Duration::MAX).await?;
    let (hangs, _end) = probe(&rt, &breaker).await;
    rt.sleep(if at.virtual_time { 1000.hours() } else { 1.millis() }).await?;
    is_refused(&rt, &breaker).await?;
    // Ending the call heals the breaker too.
    hangs.cancel(CancelLevel::Kill).await;
    call(&rt, &breaker, true).await?;
    Ok(())
}
