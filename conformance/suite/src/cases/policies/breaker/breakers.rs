//! Recovery, breaker: failures in a row open it, an open one refuses calls, successful probes close it.

use crate::library::{BreakerState, CancelOutcome, CircuitBreaker, Limiter, RetryStrategy};
use tracing::{Instrument as _, Level};

use crate::cases::restarts::Calls;
use crate::cases::retries::after;
use crate::kit::explode;
use crate::kit::prelude::*;
use crate::kit::spans::span;
use crate::kit::tape::{RecordedEvent, record};

/// Makes one call through `breaker`, with a known result.
pub(crate) async fn call<R: Runtime>(
    rt: &R,
    breaker: &CircuitBreaker,
    succeeds: bool,
) -> Result<(), AsyncTaskError> {
    let work = || async move { if succeeds { Ok(()) } else { Err("a failure") } };
    AsyncTask::to::<()>().on(rt).circuit_breaker(breaker).run(work).await
}

/// A breaker that opens for `open_for` at the first failure, and has already done so. It admits `probes`
/// half-open calls.
pub(crate) async fn opened<R: Runtime>(
    rt: &R,
    open_for: Duration,
    probes: u32,
) -> Result<CircuitBreaker, Failure> {
    let builder = CircuitBreaker::builder().failure_threshold(1).open_timeout(open_for);
    let breaker = builder.half_open_calls(probes).build()?;
    ensure!(failed(call(rt, &breaker, false).await)?.is_failure());
    ensure!(breaker.state() == BreakerState::Open);
    Ok(breaker)
}

/// As [`opened`], after its open time.
pub(super) async fn reopening<R: Runtime>(rt: &R, probes: u32) -> Result<CircuitBreaker, Failure> {
    let breaker = opened(rt, 1.millis(), probes).await?;
    rt.sleep(1.millis()).await?;
    ensure!(breaker.state() == BreakerState::Open, "before the first call, nothing changes");
    Ok(breaker)
}

pub async fn failures_in_a_row_open_it<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let breaker = CircuitBreaker::builder().failure_threshold(3).open_timeout(1.hours()).build()?;
    // After a success, failures are counted from zero.
    for succeeds in [false, false, true, false, false, true, false, false] {
        ensure!(call(&rt, &breaker, succeeds).await.is_ok() == succeeds);
        ensure!(breaker.state() == BreakerState::Closed);
    }
    failed(call(&rt, &breaker, false).await)?;
    ensure!(breaker.state() == BreakerState::Open);
    Ok(())
}

pub async fn while_it_is_open_nothing_passes<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let builder = CircuitBreaker::builder().name("search").failure_threshold(1).open_timeout(1.hours());
    let breaker = builder.build()?;
    let (calls, clone) = (Calls::default(), breaker.clone());
    failed(call(&rt, &breaker, false).await)?;
    rt.sleep(5.millis()).await?;
    let task = AsyncTask::to::<u32>().on(&rt).circuit_breaker(&clone);
    let counted = calls.clone();
    for error in [
        failed(task.clone().run(|| async { calls.next() }).await)?,
        failed(task.clone().run_with(|_| async { calls.next() }).await)?,
        failed(task.clone().retry(3).run(|| async { calls.next() }).await)?,
        failed(task.spawn(move || counted.next()).await)?,
    ] {
        ensure!(error.to_string().starts_with("circuit breaker `search` is open"), "{error}");
        let AsyncTaskError::CircuitOpen { breaker, retry_after } = error else { bail!("{error:?}") };
        ensure!(breaker.as_deref() == Some("search") && retry_after <= 1.hours() - 5.millis());
        ensure!(!at.virtual_time || retry_after == 1.hours() - 5.millis(), "{retry_after:?}");
    }
    ensure!(calls.made() == 0 && breaker.state() == BreakerState::Open);
    Ok(())
}

pub async fn it_closes_once_all_its_probes_have_succeeded<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let breaker = reopening(&rt, 3).await?;
    for _ in 0..2 {
        call(&rt, &breaker, true).await?;
        ensure!(breaker.state() == BreakerState::HalfOpen);
    }
    call(&rt, &breaker, true).await?;
    ensure!(breaker.state() == BreakerState::Closed);
    call(&rt, &breaker, true).await?;
    Ok(())
}

pub async fn a_probe_that_fails_opens_it_again<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let breaker = opened(&rt, 5.millis(), 2).await?;
    rt.sleep(5.millis()).await?;
    call(&rt, &breaker, true).await?;
    ensure!(breaker.state() == BreakerState::HalfOpen);
    ensure!(failed(call(&rt, &breaker, false).await)?.is_failure());
    ensure!(breaker.state() == BreakerState::Open);
    // It is open for the whole time again; where the clock runs meanwhile, that time may be over.
    let again = call(&rt, &breaker, false).await.err();
    ensure!(!at.virtual_time || again.is_some_and(|error| error.is_circuit_open()));
    Ok(())
}

/// A call that is inside the breaker, and ends with the result that is sent.
pub(super) async fn under_way<R: Runtime>(
    rt: &R,
    breaker: &CircuitBreaker,
) -> (Task<(), R>, async_channel::Sender<Result<(), &'static str>>) {
    let (started, (give, given)) = (Latch::new(), async_channel::bounded(1));
    let start = started.clone();
    let task = AsyncTask::to::<()>().on(rt).circuit_breaker(breaker).spawn(|| async move {
        start.set();
        given.recv().await.map_err(|_| "nothing came")?
    });
    started.wait().await;
    (task, give)
}

pub async fn a_call_admitted_before_a_state_change_does_not_count<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let builder = CircuitBreaker::builder().failure_threshold(1).open_timeout(1.millis()).half_open_calls(2);
    let breaker = builder.build()?;
    let (fails, give_failure) = under_way(&rt, &breaker).await;
    let (succeeds, give_success) = under_way(&rt, &breaker).await;
    let (fails_later, give_later) = under_way(&rt, &breaker).await;
    failed(call(&rt, &breaker, false).await)?;
    rt.sleep(1.millis()).await?;
    call(&rt, &breaker, true).await?;
    ensure!(breaker.state() == BreakerState::HalfOpen);
    give_failure.send(Err("late")).await?;
    ensure!(failed(fails.await)?.is_failure() && breaker.state() == BreakerState::HalfOpen, "opened again");
    give_success.send(Ok(())).await?;
    succeeds.await?;
    ensure!(breaker.state() == BreakerState::HalfOpen, "taken for a probe");
    call(&rt, &breaker, true).await?;
    ensure!(breaker.state() == BreakerState::Closed);
    give_later.send(Err("very late")).await?;
    ensure!(failed(fails_later.await)?.is_failure() && breaker.state() == BreakerState::Closed);
    Ok(())
}

pub async fn panics_and_time_limits_count<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let of = || CircuitBreaker::builder().failure_threshold(1).open_timeout(1.hours()).build();
    let task = |breaker: &CircuitBreaker| AsyncTask::to::<()>().on(&rt).circuit_breaker(breaker);
    let breaker = of()?;
    ensure!(failed(task(&breaker).run(|| async { explode::<()>("a panic") }).await)?.is_panic());
    ensure!(breaker.state() == BreakerState::Open, "a panic");
    // Of the closure itself, which gives no future then.
    let explodes = || {
        explode::<()>("a panic");
        async {}
    };
    for spawned in [false, true] {
        let breaker = of()?;
        let retried = task(&breaker).retry(1);
        let error = match spawned {
            true => failed(retried.spawn(explodes).await)?,
            false => failed(retried.run(explodes).await)?,
        };
        ensure!(error.is_panic() && breaker.state() == BreakerState::Open, "{spawned}: {error:?}");
        for attempt in [false, true] {
            let breaker = of()?;
            let task = match attempt {
                true => task(&breaker).attempt_timeout(5.millis()),
                false => task(&breaker).timeout(5.millis()),
            };
            let (retried, again) = (task.clone().retry(5), of()?);
            let retried = retried.circuit_breaker(&again);
            let error = match spawned {
                true => failed(task.spawn(pending::<()>).await)?,
                false => failed(task.run(pending::<()>).await)?,
            };
            ensure!(error.is_timeout() && breaker.state() == BreakerState::Open, "{spawned}, {attempt}");
            let retried = retried.backoff(RetryStrategy::Immediate);
            let error = match spawned {
                true => failed(retried.spawn(pending::<()>).await)?,
                false => failed(retried.run(pending::<()>).await)?,
            };
            // The next attempt is refused.
            ensure!(if attempt { error.is_circuit_open() } else { error.is_timeout() }, "{error:?}");
            ensure!(again.state() == BreakerState::Open, "{spawned}, {attempt}, retried");
        }
    }
    Ok(())
}

pub async fn outcomes_unrelated_to_the_callee_do_not_count<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let breaker = CircuitBreaker::builder().failure_threshold(1).build()?;
    for level in [CancelLevel::Graceful, CancelLevel::Kill] {
        let (task, _give) = under_way(&rt, &breaker).await;
        let canceller = task.canceller();
        if level == CancelLevel::Graceful {
            drop(task);
        }
        ensure!(canceller.cancel(level).await.outcome() == CancelOutcome::Cancelled);
    }
    let limiter = Limiter::builder().max_concurrent(1).max_waiting(0).build()?;
    let (started, start) = (Latch::new(), Latch::new());
    let begin = started.clone();
    let holds = AsyncTask::to::<()>().on(&rt).limiter(&limiter).spawn(|| async move {
        begin.set();
        start.wait().await;
    });
    started.wait().await;
    let refused = AsyncTask::to::<()>().on(&rt).circuit_breaker(&breaker).limiter(&limiter);
    ensure!(failed(refused.run(|| async {}).await)?.is_rejected());
    holds.cancel(CancelLevel::Kill).await;
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
    ensure!(breaker.state() == BreakerState::Closed);
    Ok(())
}

pub async fn a_waiter_for_a_state_change_is_woken<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let breaker = CircuitBreaker::builder().failure_threshold(1).open_timeout(1.millis()).build()?;
    let mut seen = BreakerState::Closed;
    for (succeeds, state) in [
        (false, BreakerState::Open),
        // The probe.
        (true, BreakerState::Closed),
        (false, BreakerState::Open),
    ] {
        let (watched, waiting) = (breaker.clone(), Latch::new());
        let waits = waiting.clone();
        let mut task = AsyncTask::to::<BreakerState>().on(&rt).spawn(move || async move {
            let mut change = std::pin::pin!(watched.changed(seen));
            let first = poll_once(&mut change).await;
            waits.set();
            match first {
                Some(state) => state,
                None => change.await,
            }
        });
        waiting.wait().await;
        ensure!(poll_once(&mut task).await.is_none(), "nothing has changed");
        rt.sleep(1.millis()).await?;
        ensure!(call(&rt, &breaker, succeeds).await.is_ok() == succeeds);
        let reported = task.await?;
        // With threads, it may see the state in between.
        ensure!(reported == state || reported == BreakerState::HalfOpen, "{reported}");
        ensure!(breaker.changed(seen).await == state);
        seen = state;
    }
    Ok(())
}

pub async fn state_changes_are_logged_with_the_breakers_name<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let caller = span()?;
    let mut tape = record(&caller)?;
    let builder = CircuitBreaker::builder().name("search").failure_threshold(1);
    let breaker = builder.open_timeout(1.millis()).build()?;
    for succeeds in [true, false, true, true] {
        let result = call(&rt, &breaker, succeeds).instrument(caller.clone()).await;
        ensure!(result.is_ok() == succeeds);
        rt.sleep(1.millis()).await?;
    }
    let of_it =
        |reported: &&RecordedEvent| reported.fields.get("breaker").is_some_and(|name| name == "search");
    let reported: Vec<_> = tape
        .read()
        .events
        .iter()
        .filter(of_it)
        .map(|reported| (reported.level, reported.message()))
        .collect();
    let due = [
        (Level::WARN, "circuit breaker opened"),
        (Level::INFO, "circuit breaker half-open"),
        (Level::INFO, "circuit breaker closed"),
    ];
    ensure!(reported == due, "{reported:?}");
    Ok(())
}

pub async fn each_attempt_passes_the_breaker_and_a_refusal_ends_the_retries<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let breaker = CircuitBreaker::builder().failure_threshold(3).open_timeout(1.hours()).build()?;
    let calls = Calls::default();
    let builder = AsyncTask::to::<u32>().on(&rt).retry(9).backoff(RetryStrategy::Immediate);
    let builder = builder.circuit_breaker(&breaker);
    // Two failures and a success do not open it.
    ensure!(builder.clone().run(|| async { after(2, &calls) }).await? == 3);
    ensure!(breaker.state() == BreakerState::Closed);
    let calls = Calls::default();
    let error = failed(builder.run(|| async { after(9, &calls) }).await)?;
    ensure!(error.is_circuit_open() && !error.is_retries_exhausted(), "{error:?}");
    ensure!(calls.made() == 3 && breaker.state() == BreakerState::Open);
    Ok(())
}
