//! Chaos, faults: each kind at its rate, in one order, from the random numbers of the runtime.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crate::library::{
    BoxError, BreakerState, Chaos, ChaosError, CircuitBreaker, RestartPolicy, RetryStrategy,
};

use crate::cases::deadlines::{is_due, passed};
use crate::cases::limiters::with_permits;
use crate::cases::restarts::{Broken, Calls};
use crate::kit::entropy::ScriptedEntropy;
use crate::kit::explode;
use crate::kit::prelude::*;

/// True for the error of an injected failure.
pub(super) fn is_injected(error: &AsyncTaskError) -> bool {
    error.downcast_ref::<ChaosError>().is_some()
}

pub async fn a_failure_takes_the_place_of_the_work<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let calls = Calls::default();
    let counted = calls.clone();
    let builder = AsyncTask::to::<u32>().on(&rt).name("tried").chaos(Chaos::new().failure(1.0));
    let errors = [
        failed(builder.clone().run(|| async { calls.next() }).await)?,
        failed(builder.spawn(move || async move { counted.next() }).await)?,
    ];
    for error in errors {
        ensure!(error.is_failure() && is_injected(&error), "{error:?}");
        let text = format!("{error:#}");
        ensure!(text == "task `tried` failed: a failure injected by `Chaos`", "{text}");
    }
    ensure!(calls.made() == 0, "the work was called");
    Ok(())
}

pub async fn the_error_of_a_failure_can_be_chosen<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let run = |chaos: Chaos| AsyncTask::to::<()>().on(&rt).chaos(chaos).run(|| async {});
    let error = failed(run(Chaos::new().failure_with(1.0, || Broken(7))).await)?;
    ensure!(error.is_failure() && error.downcast_ref() == Some(&Broken(7)), "{error:?}");
    let error = failed(run(Chaos::new().failure_with(1.0, || "a text")).await)?;
    ensure!(source_text(&error) == "a text", "{error}");
    // An error of the library is passed on, and not wrapped.
    let error = failed(run(Chaos::new().failure_with(1.0, || AsyncTaskError::InvalidState("own"))).await)?;
    ensure!(matches!(error, AsyncTaskError::InvalidState("own")), "{error:?}");
    // Of the two settings the last holds.
    let error = failed(run(Chaos::new().failure_with(0.0, || "a text").failure(1.0)).await)?;
    ensure!(is_injected(&error), "{error:?}");
    run(Chaos::new().failure(1.0).failure_with(0.0, || "a text")).await?;
    Ok(())
}

pub async fn a_panic_says_that_it_is_injected<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let calls = Calls::default();
    let counted = calls.clone();
    let builder = AsyncTask::to::<u32>().on(&rt).chaos(Chaos::new().panic(1.0));
    let in_place = failed(builder.clone().run(|| async { calls.next() }).await)?;
    // As other panics, it is not retried.
    let retried = builder.retry(5).backoff(RetryStrategy::Immediate).spawn(move || {
        let counted = counted.clone();
        async move { counted.next() }
    });
    for error in [in_place, failed(retried.await)?] {
        let AsyncTaskError::Panic(panic) = &error else { bail!("{error:?}") };
        ensure!(panic.message() == "a panic injected by `Chaos`", "{panic}");
    }
    ensure!(calls.made() == 0, "the work was called");
    ensure!(AsyncTask::to::<u32>().on(&rt).spawn(|| async { 1 }).await? == 1, "the threads are alive");
    Ok(())
}

pub async fn a_callback_that_panics_is_the_error_of_the_attempt<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let maker = Chaos::new().failure_with(1.0, || explode::<&str>("in a callback"));
    let switch = Chaos::new().failure(1.0).enabled_if(|| explode("in a callback"));
    for chaos in [maker, switch] {
        let builder = AsyncTask::to::<u32>().on(&rt).chaos(chaos.clone());
        let errors = [
            failed(builder.clone().run(|| async { 1 }).await)?,
            failed(builder.spawn(|| async { 1 }).await)?,
            failed(chaos.apply_on(&rt, || async { Ok::<_, BoxError>(1) }).await)?,
        ];
        for error in errors {
            ensure!(error.is_panic() && error.to_string().contains("in a callback"), "{error:?}");
        }
    }
    Ok(())
}

pub async fn latency_passes_before_the_work_begins<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let builder = AsyncTask::to::<Instant>().on(&rt).chaos(Chaos::new().latency(1.0, 20.millis()));
    for kind in 0..3 {
        let (builder, clock, begun) = (builder.clone(), rt.clone(), rt.now());
        let called = match kind {
            0 => builder.run(|| async { clock.now() }).await?,
            1 => builder.spawn(move || async move { clock.now() }).await?,
            _ => builder.run_blocking(move || clock.now()).await?,
        };
        let waited = called.saturating_duration_since(begun);
        ensure!(waited >= 20.millis() && (!at.virtual_time || waited == 20.millis()), "{kind}: {waited:?}");
    }
    Ok(())
}

pub async fn the_shortest_latency_is_none_and_the_longest_does_not_end<R: Runtime>(
    rt: R,
    at: Facts,
) -> Outcome {
    let builder = |latency| AsyncTask::to::<u32>().on(&rt).chaos(Chaos::new().latency(1.0, latency));
    let begun = rt.now();
    ensure!(builder(Duration::ZERO).run(|| async { 1 }).await? == 1);
    is_due(&rt, at, begun, Duration::ZERO)?;
    let limited = builder(Duration::MAX).timeout(5.millis());
    passed(limited.clone().run(|| async { 1 }).await)?;
    passed(limited.spawn(|| async { 1 }).await)?;
    Ok(())
}

pub async fn rates_of_zero_draw_no_random_number<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let scripted = ScriptedEntropy::new(&rt, &[]);
    let zero = Chaos::new().latency(0.0, 1.hours()).panic(0.0).failure(0.0);
    let off = Chaos::new().latency(1.0, 1.hours()).panic(1.0).failure(1.0).enabled_if(|| false);
    for chaos in [Chaos::new(), zero, off] {
        let (builder, begun) = (AsyncTask::to::<u32>().on(&scripted).chaos(chaos), rt.now());
        ensure!(builder.clone().run(|| async { 1 }).await? == 1);
        ensure!(builder.clone().retry(1).run(|| async { 2 }).await? == 2);
        ensure!(builder.spawn(|| async { 3 }).await? == 3);
        ensure!(scripted.drawn() == 0, "{} numbers were drawn", scripted.drawn());
        ensure!(!at.virtual_time || rt.now() == begun, "there was a wait");
    }
    Ok(())
}

pub async fn an_attempt_draws_its_latency_then_a_panic_then_a_failure<R: Runtime>(
    rt: R,
    at: Facts,
) -> Outcome {
    const DELAY: Duration = Duration::from_millis(5);
    for drawn in 0..8_u32 {
        let [latency, panic, failure] = [1, 2, 4].map(|bit| drawn & bit != 0);
        // Zero is below every rate, and the greatest number is above all but the rate of one.
        let numbers = [latency, panic, failure].map(|is_drawn| if is_drawn { 0 } else { u64::MAX });
        let scripted = ScriptedEntropy::new(&rt, &numbers);
        // The order of the settings is of no importance.
        let chaos = Chaos::new().failure(0.5).panic(0.5).latency(0.5, DELAY);
        let begun = rt.now();
        let result = AsyncTask::to::<u32>().on(&scripted).chaos(chaos).run(|| async { 1 }).await;
        is_due(&rt, at, begun, if latency { DELAY } else { Duration::ZERO })?;
        let is_right = match &result {
            Ok(value) => *value == 1 && !panic && !failure,
            Err(error) if panic => error.is_panic(),
            Err(error) => failure && is_injected(error),
        };
        ensure!(is_right && scripted.drawn() == 3, "{numbers:?}: {result:?}");
    }
    // Each attempt draws for itself, and a rate of one is above every number.
    let scripted = ScriptedEntropy::new(&rt, &[u64::MAX; 4]);
    let builder = AsyncTask::to::<u32>().on(&scripted).chaos(Chaos::new().failure(1.0));
    failed(builder.retry(3).backoff(RetryStrategy::Immediate).run(|| async { 1 }).await)?;
    ensure!(scripted.drawn() >= 4, "{} numbers were drawn", scripted.drawn());
    Ok(())
}

pub async fn half_of_many_attempts_fail_at_a_rate_of_one_half<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let builder = AsyncTask::to::<()>().on(&rt).chaos(Chaos::new().failure(0.5));
    let mut failures = 0;
    for _ in 0..1_000 {
        failures += u32::from(builder.clone().run(|| async {}).await.is_err());
    }
    // The bounds are six standard deviations from the mean.
    ensure!((400..=600).contains(&failures), "{failures} of 1000");
    Ok(())
}

pub async fn chaos_is_turned_off_and_on_at_run_time<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let on = Arc::new(AtomicBool::new(true));
    let switch = on.clone();
    let chaos = Chaos::new().failure(1.0).enabled_if(move || switch.load(Ordering::SeqCst));
    let builder = AsyncTask::to::<u32>().on(&rt).chaos(chaos.clone());
    for is_on in [true, false, true] {
        on.store(is_on, Ordering::SeqCst);
        ensure!(builder.clone().run(|| async { 1 }).await.is_err() == is_on);
        ensure!(builder.clone().spawn(|| async { 1 }).await.is_err() == is_on);
        ensure!(chaos.apply_on(&rt, || async { Ok::<_, BoxError>(1) }).await.is_err() == is_on);
    }
    Ok(())
}

pub async fn rates_that_are_no_probabilities_are_refused<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let kinds: [fn(f64) -> Chaos; 4] = [
        |rate| Chaos::new().failure(rate),
        |rate| Chaos::new().failure_with(rate, || "never"),
        |rate| Chaos::new().latency(rate, 1.hours()),
        |rate| Chaos::new().panic(rate),
    ];
    let policy = RestartPolicy { intensity: 3, period: Duration::MAX };
    let calls = Calls::default();
    let work = || {
        let calls = calls.clone();
        move || {
            let calls = calls.clone();
            async move { calls.next() }
        }
    };
    for rate in [-0.1, 1.1, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for chaos in kinds.map(|of| of(rate)) {
            let breaker = CircuitBreaker::builder().failure_threshold(1).build()?;
            let limiter = with_permits(1)?;
            let builder = AsyncTask::to::<u32>().on(&rt).circuit_breaker(&breaker).limiter(&limiter);
            let builder = builder.chaos(chaos.clone());
            let errors = [
                failed(builder.clone().run(work()).await)?,
                failed(builder.clone().spawn(work()).await)?,
                failed(builder.clone().retry(3).run(work()).await)?,
                failed(builder.clone().retry(3).spawn(work()).await)?,
                failed(builder.supervise(policy).spawn(work()).await)?,
                failed(chaos.apply_on(&rt, || async { Ok::<_, BoxError>(calls.next()) }).await)?,
            ];
            for error in errors {
                let AsyncTaskError::InvalidConfig(text) = &error else { bail!("{rate}: {error:?}") };
                let (value, range) = (format!("rate of {rate} "), "from 0.0 to 1.0");
                ensure!(text.contains(&value) && text.contains(range), "{text}");
            }
            ensure!(breaker.state() == BreakerState::Closed);
            ensure!((limiter.under_way(), limiter.waiting()) == (0, 0));
        }
    }
    ensure!(calls.made() == 0, "the work was called");
    Ok(())
}
