//! Recovery, breaker: it is isolated and closed by hand.

use crate::library::{BreakerState, BreakerWindow, CircuitBreaker, RetryStrategy};
use tracing::{Instrument as _, Level};

use super::breakers::{call, opened, reopening, under_way};
use crate::cases::restarts::Calls;
use crate::kit::prelude::*;
use crate::kit::spans::span;
use crate::kit::tape::{RecordedEvent, record};

/// Breakers that are closed, open and half-open.
async fn of_each_state<R: Runtime>(rt: &R) -> Result<Vec<CircuitBreaker>, Failure> {
    let half_open = reopening(rt, 2).await?;
    call(rt, &half_open, true).await?;
    ensure!(half_open.state() == BreakerState::HalfOpen);
    Ok(vec![CircuitBreaker::builder().build()?, opened(rt, Duration::ZERO, 1).await?, half_open])
}

async fn is_refused<R: Runtime>(rt: &R, breaker: &CircuitBreaker) -> Outcome {
    let error = failed(call(rt, breaker, true).await)?;
    ensure!(matches!(error, AsyncTaskError::CircuitOpen { retry_after: Duration::MAX, .. }), "{error:?}");
    ensure!(error.to_string() == "circuit breaker is open until it is closed by hand", "{error}");
    ensure!(breaker.state() == BreakerState::Isolated);
    Ok(())
}

pub async fn an_isolated_breaker_admits_no_call_until_it_is_closed<R: Runtime>(rt: R, at: Facts) -> Outcome {
    for breaker in of_each_state(&rt).await? {
        let clone = breaker.clone();
        clone.isolate();
        is_refused(&rt, &breaker).await?;
        rt.sleep(if at.virtual_time { 1000.hours() } else { 5.millis() }).await?;
        is_refused(&rt, &breaker).await?;
        clone.close();
        ensure!(breaker.state() == BreakerState::Closed);
        call(&rt, &breaker, true).await?;
        ensure!(breaker.state() == BreakerState::Closed);
    }
    Ok(())
}

pub async fn a_breaker_closed_by_hand_admits_calls_at_once<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for breaker in of_each_state(&rt).await? {
        breaker.close();
        ensure!(breaker.state() == BreakerState::Closed);
        call(&rt, &breaker, true).await?;
    }
    let breaker = opened(&rt, Duration::MAX, 1).await?;
    breaker.close();
    call(&rt, &breaker, true).await?;
    ensure!(breaker.state() == BreakerState::Closed);
    Ok(())
}

pub async fn a_breaker_closed_by_hand_has_no_counted_calls<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let in_a_row = || CircuitBreaker::builder().failure_threshold(3).open_timeout(1.hours());
    let window = BreakerWindow::Calls(3);
    let rate = CircuitBreaker::builder().window(window).failure_rate(1.0).open_timeout(1.hours());
    for builder in [in_a_row(), rate, in_a_row().window(window).failure_rate(1.0)] {
        let breaker = builder.build()?;
        for _ in 0..2 {
            breaker.close();
            ensure!(breaker.statistics().consecutive_failures == Some(0));
            for failures in 1..=2 {
                failed(call(&rt, &breaker, false).await)?;
                let numbers = breaker.statistics();
                ensure!(numbers.state == BreakerState::Closed, "{numbers:?}");
                ensure!(numbers.consecutive_failures == Some(failures), "{numbers:?}");
            }
        }
        failed(call(&rt, &breaker, false).await)?;
        ensure!(breaker.state() == BreakerState::Open);
    }
    Ok(())
}

pub async fn calls_under_way_at_a_change_do_not_count<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let rate = CircuitBreaker::builder().window(BreakerWindow::Calls(1)).failure_rate(1.0);
    for builder in [CircuitBreaker::builder().failure_threshold(1), rate] {
        for isolated in [false, true] {
            let breaker = builder.clone().build()?;
            let (fails, give) = under_way(&rt, &breaker).await;
            if isolated {
                breaker.isolate();
            }
            breaker.close();
            give.send(Err("late")).await?;
            ensure!(failed(fails.await)?.is_failure());
            ensure!(breaker.state() == BreakerState::Closed, "{isolated}: {:?}", breaker.statistics());
        }
        // It does not end an isolation either.
        let breaker = builder.build()?;
        let (succeeds, give) = under_way(&rt, &breaker).await;
        breaker.isolate();
        give.send(Ok(())).await?;
        succeeds.await?;
        ensure!(breaker.state() == BreakerState::Isolated);
    }
    Ok(())
}

pub async fn a_waiter_for_a_change_is_woken_by_it<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let breaker = CircuitBreaker::builder().build()?;
    for (seen, due) in [
        (BreakerState::Closed, BreakerState::Isolated),
        (BreakerState::Isolated, BreakerState::Closed),
        (BreakerState::Closed, BreakerState::Isolated),
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
        match due {
            BreakerState::Isolated => breaker.isolate(),
            _ => breaker.close(),
        }
        let reported = task.await?;
        ensure!(reported == due, "{reported}");
    }
    Ok(())
}

pub async fn a_change_is_reported_with_the_name<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let caller = span()?;
    let mut tape = record(&caller)?;
    let breaker = CircuitBreaker::builder().name("search").build()?;
    let by_hand = async {
        breaker.isolate();
        // It is isolated already.
        breaker.isolate();
        breaker.close();
        call(&rt, &breaker, true).await
    };
    by_hand.instrument(caller.clone()).await?;
    let of_it =
        |reported: &&RecordedEvent| reported.fields.get("breaker").is_some_and(|name| name == "search");
    let reported: Vec<_> = tape
        .read()
        .events
        .iter()
        .filter(of_it)
        .map(|reported| (reported.level, reported.message()))
        .collect();
    let due = [(Level::WARN, "circuit breaker isolated"), (Level::INFO, "circuit breaker closed")];
    ensure!(reported == due, "{reported:?}");
    Ok(())
}

pub async fn retries_end_at_an_isolated_breaker<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (breaker, calls) = (CircuitBreaker::builder().build()?, Calls::default());
    let builder = AsyncTask::to::<u32>().on(&rt).retry(9).backoff(RetryStrategy::Immediate);
    let run = builder.circuit_breaker(&breaker).run(|| {
        // The first attempt isolates it, and fails: the next is refused.
        breaker.isolate();
        let call = calls.next();
        async move { Err::<u32, _>(format!("call {call}")) }
    });
    let error = failed(run.await)?;
    ensure!(error.is_circuit_open() && calls.made() == 1, "{error:?}");
    Ok(())
}
