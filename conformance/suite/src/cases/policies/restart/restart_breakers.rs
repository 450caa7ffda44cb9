//! Recovery, supervision: supervised work waits for its circuit breaker, and the wait uses up no restart.

use std::pin::pin;

use crate::library::{BreakerState, CircuitBreaker, Limiter, RetryStrategy};

use super::restarts::{Broken, Calls, in_all};
use crate::cases::breakers::{call, opened};
use crate::kit::prelude::*;

pub async fn the_wait_for_an_open_breaker_uses_up_no_restart<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let breaker = CircuitBreaker::builder().failure_threshold(2).open_timeout(20.millis()).build()?;
    let (calls, start, clock) = (Calls::default(), rt.now(), rt.clone());
    let counted = calls.clone();
    let (begin, begun) = async_channel::unbounded();
    let builder = AsyncTask::to::<u32>().on(&rt).circuit_breaker(&breaker);
    let task = builder.supervise(in_all(4)).backoff(RetryStrategy::Immediate).spawn(move || {
        let call = counted.next();
        let _ = begin.try_send(clock.now().saturating_duration_since(start));
        async move { if call < 5 { Err(Broken(call)) } else { Ok(call) } }
    });
    // The breaker opens after the second call, and again after each probe that fails.
    ensure!(task.await? == 5 && calls.made() == 5 && breaker.state() == BreakerState::Closed);
    let begun: Vec<_> = std::iter::from_fn(|| begun.try_recv().ok()).collect();
    let due = [0, 0, 20, 40, 60].map(Duration::from_millis);
    ensure!(begun.iter().zip(due).all(|(begun, due)| *begun >= due), "{begun:?}");
    ensure!(!at.virtual_time || begun == due, "{begun:?}");
    // The refusal of another breaker, inside of the work, is a failure like any other.
    let closed = opened(&rt, Duration::MAX, 1).await?;
    let inner = rt.clone();
    let builder = AsyncTask::to::<u32>().on(&rt).circuit_breaker(&breaker);
    let task = builder.supervise(in_all(2)).backoff(RetryStrategy::Immediate).spawn(move || {
        let (rt, closed) = (inner.clone(), closed.clone());
        async move { call(&rt, &closed, true).await.map(|()| 0) }
    });
    let error = failed(task.await)?;
    ensure!(matches!(&error, AsyncTaskError::RetriesExhausted(retries) if retries.attempts() == 3));
    Ok(())
}

pub async fn supervised_tasks_all_pass_a_half_open_breaker<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let breaker = opened(&rt, 5.millis(), 1).await?;
    let (alive, calls) = (Census::default(), Calls::default());
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let (alive, calls) = (alive.clone(), calls.clone());
            let builder = AsyncTask::to::<()>().on(&rt).circuit_breaker(&breaker);
            builder.supervise(in_all(0)).spawn(move || {
                let (resident, call) = (alive.enter(), calls.next());
                async move {
                    // The first call gives its permit back without a verdict: the next may try.
                    let _resident = resident;
                    yield_now().await;
                    if call == 1 { Err(AsyncTaskError::InvalidState("it says nothing")) } else { Ok(()) }
                }
            })
        })
        .collect();
    let mut refused = 0;
    for task in tasks {
        refused += usize::from(task.await.is_err());
    }
    ensure!(refused == 1 && breaker.state() == BreakerState::Closed, "{refused}");
    ensure!(calls.made() == 50 && alive.alive() == 0);
    Ok(())
}

pub async fn a_breaker_that_opens_while_the_task_is_queued_is_waited_for<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let breaker = CircuitBreaker::builder().failure_threshold(1).open_timeout(10.millis()).build()?;
    let limiter = Limiter::builder().max_concurrent(1).build()?;
    let (begun, open) = (Latch::new(), Latch::new());
    let (begins, opens) = (begun.clone(), open.clone());
    let holds = AsyncTask::to::<()>().on(&rt).limiter(&limiter).spawn(|| async move {
        begins.set();
        opens.wait().await;
    });
    begun.wait().await;
    let builder = AsyncTask::to::<u32>().on(&rt).limiter(&limiter).circuit_breaker(&breaker);
    let task = builder.supervise(in_all(0)).spawn(|| async { 3 });
    while limiter.waiting() == 0 {
        yield_now().await;
    }
    failed(call(&rt, &breaker, false).await)?;
    open.set();
    holds.await?;
    ensure!(task.await? == 3);
    ensure!((limiter.under_way(), limiter.waiting()) == (0, 0));
    Ok(())
}

pub async fn supervised_work_waits_for_the_change_of_an_isolated_breaker<R: Runtime>(
    rt: R,
    at: Facts,
) -> Outcome {
    let (breaker, calls) = (CircuitBreaker::builder().build()?, Calls::default());
    breaker.isolate();
    let counted = calls.clone();
    let builder = AsyncTask::to::<u32>().on(&rt).circuit_breaker(&breaker);
    let mut task = builder.supervise(in_all(0)).spawn(move || {
        let call = counted.next();
        async move { call }
    });
    // In virtual time this ends only if the task does not look again and again.
    rt.sleep(if at.virtual_time { 1000.hours() } else { 5.millis() }).await?;
    ensure!(poll_once(&mut task).await.is_none() && calls.made() == 0);
    breaker.close();
    ensure!(task.await? == 1 && calls.made() == 1);
    Ok(())
}

pub async fn a_cancellation_ends_the_wait_for_a_breaker<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let breaker = opened(&rt, Duration::MAX, 1).await?;
    for level in [CancelLevel::Graceful, CancelLevel::Kill] {
        let calls = Calls::default();
        let counted = calls.clone();
        let builder = AsyncTask::to::<()>().on(&rt).circuit_breaker(&breaker);
        let task = builder.supervise(in_all(5)).spawn(move || {
            counted.next();
            async {}
        });
        let mut task = pin!(task);
        for _ in 0..20 {
            yield_now().await;
        }
        ensure!(poll_once(&mut task).await.is_none());
        drop(task.cancel(level));
        let error = failed(task.await)?;
        ensure!(calls.made() == 0 && error.is_cancelled(), "{error:?}");
    }
    Ok(())
}
