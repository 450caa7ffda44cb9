//! Promise 3, composition: chaos is innermost, so that all policies treat its faults as those of the work.

use crate::library::{
    BreakerState, CancelOutcome, CancellableTask as _, Chaos, CircuitBreaker, RetryStrategy, TaskContext,
    TimeoutKind,
};

use super::chaos_faults::is_injected;
use crate::cases::breakers::{call, opened};
use crate::cases::deadlines::{is_due, passed};
use crate::cases::limiters::{check_all_free, with_permits};
use crate::cases::restarts::Calls;
use crate::kit::prelude::*;

/// A chaos of endless latency, and a latch that is set when an attempt begins.
fn waiting() -> (Chaos, Latch) {
    let begun = Latch::new();
    let begin = begun.clone();
    let chaos = Chaos::new().latency(1.0, Duration::MAX).enabled_if(move || {
        begin.set();
        true
    });
    (chaos, begun)
}

pub async fn a_breaker_counts_injected_faults<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for chaos in [Chaos::new().failure(1.0), Chaos::new().panic(1.0)] {
        let breaker = CircuitBreaker::builder().failure_threshold(2).open_timeout(1.hours()).build()?;
        let attempts = Calls::default();
        let begun = attempts.clone();
        let chaos = chaos.enabled_if(move || begun.next() > 0);
        let builder = AsyncTask::to::<u32>().on(&rt).chaos(chaos).circuit_breaker(&breaker);
        for spawned in [false, true] {
            ensure!(breaker.state() == BreakerState::Closed);
            let builder = builder.clone();
            failed(match spawned {
                true => builder.spawn(|| async { 1 }).await,
                false => builder.run(|| async { 1 }).await,
            })?;
        }
        ensure!(breaker.state() == BreakerState::Open);
        // The breaker is outside: where it refuses, nothing is injected.
        ensure!(failed(builder.run(|| async { 1 }).await)?.is_circuit_open());
        ensure!(attempts.made() == 2, "{} attempts", attempts.made());
    }
    Ok(())
}

pub async fn a_retry_follows_an_injected_failure<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (attempts, calls) = (Calls::default(), Calls::default());
    let begun = attempts.clone();
    let chaos = Chaos::new().failure(1.0).enabled_if(move || begun.next() <= 2);
    let builder = AsyncTask::to::<u32>().on(&rt).chaos(chaos).retry(3).backoff(RetryStrategy::Immediate);
    ensure!(builder.run(|| async { calls.next() }).await? == 1 && attempts.made() == 3);
    // Every attempt draws anew. The order of the builder's calls is of no importance.
    let builder = AsyncTask::to::<u32>().on(&rt).retry(3).backoff(RetryStrategy::Immediate);
    let builder = builder.chaos(Chaos::new().failure(1.0));
    let error = failed(builder.clone().spawn(|| async { 1 }).await)?;
    let AsyncTaskError::RetriesExhausted(retries) = &error else { bail!("{error:?}") };
    ensure!(retries.attempts() == 4 && is_injected(&error), "{error:?}");
    let error = failed(builder.retry_if(|error| !is_injected(error)).run(|| async { 1 }).await)?;
    ensure!(error.is_failure() && is_injected(&error), "the predicate is asked about it: {error:?}");
    Ok(())
}

pub async fn injected_latency_is_under_the_limit_of_the_attempt<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (calls, begun) = (Calls::default(), rt.now());
    let chaos = Chaos::new().latency(1.0, 1.hours());
    let builder = AsyncTask::to::<u32>().on(&rt).chaos(chaos.clone());
    let limited = builder.clone().attempt_timeout(10.millis());
    let error = passed(limited.clone().run(|| async { calls.next() }).await)?;
    ensure!(error.kind() == TimeoutKind::Attempt, "{error}");
    is_due(&rt, at, begun, 10.millis())?;
    let error = passed(limited.spawn(|| async { 1 }).await)?;
    ensure!(error.kind() == TimeoutKind::Attempt, "{error}");
    // And under that on the whole.
    let error = passed(builder.timeout(10.millis()).run(|| async { calls.next() }).await)?;
    ensure!(error.kind() == TimeoutKind::Overall && calls.made() == 0, "{error}");
    // An attempt that was too slow is followed by another.
    let attempts = Calls::default();
    let first = attempts.clone();
    let chaos = chaos.enabled_if(move || first.next() == 1);
    let builder = AsyncTask::to::<u32>().on(&rt).attempt_timeout(50.millis()).chaos(chaos);
    let builder = builder.retry(100).backoff(RetryStrategy::Immediate);
    ensure!(builder.run(|| async { calls.next() }).await? == 1 && attempts.made() >= 2);
    Ok(())
}

pub async fn a_kill_in_injected_latency_ends_it_before_the_work<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for dropped in [false, true] {
        let ((chaos, begun), gone, calls) = (waiting(), Latch::new(), Calls::default());
        let (guard, counted) = (gone.on_drop(), calls.clone());
        let task = AsyncTask::to::<u32>().on(&rt).chaos(chaos).spawn(move || {
            let _guard = guard;
            async move { counted.next() }
        });
        begun.wait().await;
        if dropped {
            let canceller = task.canceller();
            drop(task);
            ensure!(canceller.cancel(CancelLevel::Kill).await.was_cancelled());
        } else {
            ensure!(task.cancel(CancelLevel::Kill).await.was_cancelled());
            ensure!(failed(task.await)?.is_cancelled());
        }
        ensure!(gone.is_set() && calls.made() == 0, "the work is left, or was called");
    }
    Ok(())
}

pub async fn work_cancelled_gracefully_in_injected_latency_has_its_grace<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let begun = Latch::new();
    let begin = begun.clone();
    let chaos = Chaos::new().latency(1.0, 10.millis()).enabled_if(move || {
        begin.set();
        true
    });
    let builder = AsyncTask::to::<u32>().on(&rt).grace(1.hours()).chaos(chaos);
    let task = builder.spawn_with(|cx: TaskContext| async move {
        cx.cancelled().await;
        7
    });
    begun.wait().await;
    let end = task.cancel_gracefully().await;
    ensure!(end.outcome() == CancelOutcome::Success, "the work begins, and ends by itself: {end:?}");
    ensure!(task.await? == 7);
    // A latency that is longer than the grace period ends with it.
    let ((chaos, begun), calls) = (waiting(), Calls::default());
    let counted = calls.clone();
    let builder = AsyncTask::to::<u32>().on(&rt).grace(5.millis()).chaos(chaos);
    let task = builder.spawn(move || async move { counted.next() });
    begun.wait().await;
    ensure!(task.cancel_gracefully().await.was_cancelled() && calls.made() == 0);
    Ok(())
}

pub async fn no_permit_is_lost_with_an_injected_fault<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let limiter = with_permits(1)?;
    for chaos in [Chaos::new().failure(1.0), Chaos::new().panic(1.0)] {
        let builder = AsyncTask::to::<u32>().on(&rt).limiter(&limiter).chaos(chaos);
        failed(builder.clone().run(|| async { 1 }).await)?;
        failed(builder.clone().spawn(|| async { 1 }).await)?;
        failed(builder.retry(2).backoff(RetryStrategy::Immediate).spawn(|| async { 1 }).await)?;
        check_all_free(&rt, &limiter, 1).await?;
    }
    // Injected latency is a part of the attempt, which holds its permit meanwhile.
    let builder = AsyncTask::to::<u32>().on(&rt).limiter(&limiter).chaos(waiting().0);
    let mut run = Box::pin(builder.run(|| async { 1 }));
    ensure!(poll_once(&mut run).await.is_none() && limiter.under_way() == 1);
    drop(run);
    check_all_free(&rt, &limiter, 1).await?;
    // A half-open call that is stopped in its latency gives its permit back.
    let breaker = opened(&rt, 1.millis(), 1).await?;
    rt.sleep(1.millis()).await?;
    let (chaos, begun) = waiting();
    let probe = AsyncTask::to::<u32>().on(&rt).circuit_breaker(&breaker).chaos(chaos).spawn(|| async { 1 });
    begun.wait().await;
    ensure!(failed(call(&rt, &breaker, true).await)?.is_circuit_open());
    probe.cancel(CancelLevel::Kill).await;
    call(&rt, &breaker, true).await?;
    ensure!(breaker.state() == BreakerState::Closed);
    Ok(())
}

pub async fn a_recovery_is_given_the_injected_error<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for panics in [false, true] {
        let chaos = if panics { Chaos::new().panic(1.0) } else { Chaos::new().failure(1.0) };
        let builder = AsyncTask::to::<u32>().on(&rt).chaos(chaos).recover_with(move |error| async move {
            u32::from(if panics { error.is_panic() } else { is_injected(&error) })
        });
        ensure!(builder.clone().run(|| async { 7 }).await? == 1);
        ensure!(builder.spawn(|| async { 7 }).await? == 1);
    }
    Ok(())
}
