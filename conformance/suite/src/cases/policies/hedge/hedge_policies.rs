//! Promise 3, composition: each hedged attempt passes the breaker, the limiter, the limit of an attempt and
//! chaos by itself.

use crate::library::{BreakerState, Chaos, CircuitBreaker, Hedge, RetryBudget, RetryStrategy, TimeoutKind};

use super::hedges::{broken, exhausted, stuck};
use crate::cases::adoption::held;
use crate::cases::breakers::call;
use crate::cases::deadlines::is_due;
use crate::cases::limiters::{check_all_free, with_permits};
use crate::cases::restarts::{Broken, Calls};
use crate::cases::scopes::stays_pending;
use crate::kit::prelude::*;

pub async fn a_breaker_counts_each_attempt<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for hedged_first in [false, true] {
        let breaker = CircuitBreaker::builder().failure_threshold(3).open_timeout(1.hours()).build()?;
        let (hedge, calls) = (Hedge::after(1.hours()).at_most(2), Calls::default());
        let builder = AsyncTask::to::<u32>().on(&rt);
        let builder = match hedged_first {
            true => builder.hedge(hedge).circuit_breaker(&breaker),
            false => builder.circuit_breaker(&breaker).hedge(hedge),
        };
        ensure!(exhausted(builder.run(broken(&calls)).await)?.attempts() == 3);
        ensure!(breaker.state() == BreakerState::Open && calls.made() == 3);
        ensure!(failed(call(&rt, &breaker, true).await)?.is_circuit_open());
    }
    Ok(())
}

pub async fn a_loser_is_neither_a_failure_nor_a_success_for_a_breaker<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let breaker = CircuitBreaker::builder().failure_threshold(1).open_timeout(Duration::ZERO).build()?;
    let builder = AsyncTask::to::<u32>().on(&rt).circuit_breaker(&breaker);
    let builder = builder.hedge(Hedge::after(Duration::ZERO).at_most(2));
    let calls = Calls::default();
    ensure!(builder.clone().spawn(stuck(&rt, &calls, 2, Duration::ZERO)).await? == 3);
    ensure!(breaker.state() == BreakerState::Closed);
    // A half-open call that is stopped gives its permit back; others are refused meanwhile.
    failed(call(&rt, &breaker, false).await)?;
    let calls = Calls::default();
    let mut run = Box::pin(builder.run(stuck(&rt, &calls, 9, Duration::ZERO)));
    ensure!(poll_once(&mut run).await.is_none() && calls.made() == 1, "{} calls", calls.made());
    ensure!(failed(call(&rt, &breaker, true).await)?.is_circuit_open());
    drop(run);
    call(&rt, &breaker, true).await?;
    ensure!(breaker.state() == BreakerState::Closed);
    Ok(())
}

pub async fn each_attempt_needs_a_permit_of_its_own<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for most in [2, 3] {
        let (limiter, calls, open) = (with_permits(most)?, Calls::default(), Latch::new());
        let builder = AsyncTask::to::<u32>().on(&rt).hedge(Hedge::after(Duration::ZERO).at_most(2));
        let work = || {
            let (call, open) = (calls.next(), open.clone());
            async move {
                open.wait().await;
                call
            }
        };
        let mut run = Box::pin(builder.limiter(&limiter).run(work));
        ensure!(poll_once(&mut run).await.is_none());
        ensure!((limiter.under_way(), limiter.waiting()) == (most, 3 - most), "{limiter:?}");
        ensure!(calls.made() as usize == most);
        open.set();
        ensure!(run.await? == 1);
        check_all_free(&rt, &limiter, most).await?;
    }
    Ok(())
}

pub async fn a_success_takes_a_waiting_attempt_out_of_the_queue<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (limiter, calls, open) = (with_permits(1)?, Calls::default(), Latch::new());
    let (counted, opened, second) = (calls.clone(), open.clone(), Latch::new());
    let begins = second.clone();
    let hedge = Hedge::after(1.millis()).on_hedge(move |_| begins.set());
    let task = AsyncTask::to::<u32>().on(&rt).limiter(&limiter).hedge(hedge).spawn(move || {
        let (call, open) = (counted.next(), opened.clone());
        async move {
            open.wait().await;
            call
        }
    });
    second.wait().await;
    while limiter.waiting() == 0 {
        yield_now().await;
    }
    ensure!((limiter.under_way(), limiter.waiting(), calls.made()) == (1, 1, 1));
    open.set();
    ensure!(task.await? == 1 && calls.made() == 1);
    check_all_free(&rt, &limiter, 1).await
}

pub async fn a_child_of_a_loser_keeps_its_permit<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (limiter, alive, latch, won) = (with_permits(2)?, Census::default(), Latch::new(), Latch::new());
    let (below, open, wins, inner) = (alive.clone(), latch.clone(), won.clone(), rt.clone());
    let (calls, started) = (Calls::default(), Latch::new());
    let builder = AsyncTask::to::<u32>().on(&rt).limiter(&limiter).hedge(Hedge::after(Duration::ZERO));
    let mut task = builder.spawn(move || {
        let (call, rt, started) = (calls.next(), inner.clone(), started.clone());
        let (below, open, wins) = (below.clone(), open.clone(), wins.clone());
        async move {
            if call == 1 {
                let _child = AsyncTask::to::<()>().on(&rt).spawn(|| held(started, open, below));
                return pending().await;
            }
            started.wait().await;
            wins.set();
            call
        }
    });
    won.wait().await;
    while limiter.under_way() > 1 {
        yield_now().await;
    }
    stays_pending(&rt, &mut task).await?;
    ensure!((limiter.under_way(), alive.alive()) == (1, 1), "{limiter:?}");
    latch.set();
    ensure!(task.await? == 2 && alive.alive() == 0);
    check_all_free(&rt, &limiter, 2).await
}

pub async fn an_attempt_that_takes_too_long_is_followed_by_the_next<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (calls, begun) = (Calls::default(), rt.now());
    let builder = AsyncTask::to::<u32>().on(&rt).attempt_timeout(10.millis());
    let builder = builder.hedge(Hedge::after(Duration::MAX).at_most(2));
    let error = exhausted(builder.run(stuck(&rt, &calls, u32::MAX, Duration::ZERO)).await)?;
    is_due(&rt, at, begun, 30.millis())?;
    let AsyncTaskError::Timeout(last) = error.last() else { bail!("{error:?}") };
    ensure!(last.kind() == TimeoutKind::Attempt && (error.attempts(), calls.made()) == (3, 3), "{error:?}");
    Ok(())
}

pub async fn each_attempt_has_the_limit_for_itself<R: Runtime>(rt: R, at: Facts) -> Outcome {
    // The first ends 10 ms before the second, which began as much later.
    let (calls, begun) = (Calls::default(), rt.now());
    let builder = AsyncTask::to::<u32>().on(&rt).attempt_timeout(20.millis());
    let builder = builder.hedge(Hedge::after(10.millis()));
    let error = exhausted(builder.spawn(stuck(&rt, &calls, u32::MAX, Duration::ZERO)).await)?;
    ensure!((error.attempts(), calls.made()) == (2, 2), "{error:?}");
    is_due(&rt, at, begun, 30.millis())
}

pub async fn chaos_strikes_each_attempt_by_itself<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (calls, attempts, begun) = (Calls::default(), Calls::default(), rt.now());
    let first = attempts.clone();
    // Only the first is late.
    let chaos = Chaos::new().latency(1.0, 1.hours()).enabled_if(move || first.next() == 1);
    let builder = AsyncTask::to::<u32>().on(&rt).chaos(chaos).hedge(Hedge::after(5.millis()));
    ensure!(builder.run(stuck(&rt, &calls, 0, Duration::ZERO)).await? == 1);
    ensure!((calls.made(), attempts.made()) == (1, 2));
    is_due(&rt, at, begun, 5.millis())?;
    // Each of them fails.
    let attempts = Calls::default();
    let struck = attempts.clone();
    let chaos = Chaos::new().failure(1.0).enabled_if(move || struck.next() > 0);
    let builder = AsyncTask::to::<u32>().on(&rt).hedge(Hedge::after(1.hours()).at_most(2)).chaos(chaos);
    let error = exhausted(builder.spawn(stuck(&rt, &calls, 0, Duration::ZERO)).await)?;
    ensure!((error.attempts(), attempts.made(), calls.made()) == (3, 3, 1), "{error:?}");
    Ok(())
}

pub async fn a_round_counts_once_in_the_budget_of_the_retries<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let budget = RetryBudget::new(10, 1.0);
    let hedge = Hedge::after(1.hours()).at_most(1);
    let builder = AsyncTask::to::<u32>().on(&rt).hedge(hedge).retry(1).retry_budget(&budget);
    let builder = builder.backoff(RetryStrategy::Immediate);
    // Two rounds of two attempts: each failed round takes one token.
    let error = exhausted(builder.clone().run(broken(&Calls::default())).await)?;
    ensure!(error.attempts() == 4 && error.last().downcast_ref() == Some(&Broken(4)), "{error:?}");
    ensure!(budget.tokens() == 8.0, "{budget:?}");
    let calls = Calls::default();
    ensure!(builder.run(stuck(&rt, &calls, 0, Duration::ZERO)).await? == 1 && budget.tokens() == 9.0);
    Ok(())
}
