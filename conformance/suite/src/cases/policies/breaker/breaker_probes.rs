//! Recovery, breaker: while half-open, as many calls pass as are permitted, and no permit is lost.

use crate::library::{BreakerState, CancellableTask as _, CircuitBreaker, Limiter};

use super::breakers::{call, reopening};
use crate::cases::limiters::{check_all_free, fill, until_waiting, with_permits};
use crate::kit::prelude::*;

/// A call that waits inside the breaker until `open` is set, and a latch that is set once it is inside.
fn probe<R: Runtime>(rt: &R, breaker: &CircuitBreaker, open: &Latch) -> (Task<(), R>, Latch) {
    let (started, opened) = (Latch::new(), open.clone());
    let start = started.clone();
    let builder = AsyncTask::to::<()>().on(rt).grace(Duration::ZERO).circuit_breaker(breaker);
    let task = builder.spawn(|| async move {
        start.set();
        opened.wait().await;
    });
    (task, started)
}

pub async fn only_the_permitted_number_of_a_thousand_calls_passes<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let breaker = reopening(&rt, 5).await?;
    let (alive, open, (report, reported)) = (Census::default(), Latch::new(), async_channel::unbounded());
    let tasks: Vec<_> = (0..1000)
        .map(|_| {
            let (below, opened, report) = (alive.clone(), open.clone(), report.clone());
            let task = AsyncTask::to::<()>().on(&rt).circuit_breaker(&breaker);
            // Its end is reported through a channel, so that admitted calls can be held until all others have
            // been refused.
            AsyncTask::to::<()>().on(&rt).spawn(move || async move {
                let run = task.run(|| async move {
                    let _resident = below.enter();
                    opened.wait().await;
                });
                let _ = report.try_send(run.await);
            })
        })
        .collect();
    for _ in 0..995 {
        match failed(reported.recv().await?)? {
            AsyncTaskError::CircuitOpen { retry_after, .. } => ensure!(retry_after == Duration::ZERO),
            other => bail!("{other:?}"),
        }
    }
    open.set();
    for _ in 0..5 {
        reported.recv().await??;
    }
    for task in tasks {
        task.await?;
    }
    ensure!((alive.ever(), alive.most()) == (5, 5) && breaker.state() == BreakerState::Closed);
    Ok(())
}

pub async fn a_cancelled_probe_returns_its_permit<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let breaker = reopening(&rt, 2).await?;
    let open = Latch::new();
    let (stays, started) = probe(&rt, &breaker, &open);
    started.wait().await;
    for ending in 0..4 {
        let (task, started) = probe(&rt, &breaker, &Latch::new());
        started.wait().await;
        ensure!(failed(call(&rt, &breaker, true).await)?.is_circuit_open(), "there are two under way");
        let canceller = task.canceller();
        match ending {
            0 => drop(task),
            1 => drop(task.cancel_gracefully().await),
            2 => drop(task.cancel_forcefully().await),
            _ => drop(task.cancel_immediately().await),
        }
        ensure!(canceller.cancel(CancelLevel::Graceful).await.was_cancelled());
        ensure!(breaker.state() == BreakerState::HalfOpen);
    }
    // Both permits are as they were: one is held, and a success with the other leaves one to wait for.
    call(&rt, &breaker, true).await?;
    ensure!(breaker.state() == BreakerState::HalfOpen);
    ensure!(failed(call(&rt, &breaker, true).await)?.is_circuit_open());
    open.set();
    stays.await?;
    ensure!(breaker.state() == BreakerState::Closed);
    Ok(())
}

pub async fn a_dropped_in_place_probe_returns_its_permit<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let breaker = reopening(&rt, 1).await?;
    for _ in 0..3 {
        let builder = AsyncTask::to::<()>().on(&rt).circuit_breaker(&breaker);
        let mut run = Box::pin(builder.run(pending::<()>));
        ensure!(poll_once(&mut run).await.is_none());
        ensure!(failed(call(&rt, &breaker, true).await)?.is_circuit_open());
        drop(run);
    }
    call(&rt, &breaker, true).await?;
    ensure!(breaker.state() == BreakerState::Closed);
    Ok(())
}

pub async fn a_call_queued_at_a_limiter_takes_no_permit<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for again in [false, true] {
        let (breaker, limiter) = (reopening(&rt, 1).await?, with_permits(1)?);
        let full = fill(&rt, &limiter, 1).await?;
        let builder = AsyncTask::to::<()>().on(&rt).limiter(&limiter).circuit_breaker(&breaker);
        let spawned = match again {
            true => builder.clone().retry(1).spawn(|| async {}),
            false => builder.clone().spawn(|| async {}),
        };
        let mut run = Box::pin(builder.run(|| async {}));
        ensure!(poll_once(&mut run).await.is_none() && limiter.waiting() == 2);
        // Both wait, and neither is a call.
        ensure!(breaker.state() == BreakerState::Open);
        let (probe, started) = probe(&rt, &breaker, &Latch::new());
        started.wait().await;
        ensure!(breaker.state() == BreakerState::HalfOpen);
        probe.cancel(CancelLevel::Kill).await;
        full.release().await?;
        spawned.await?;
        ensure!(breaker.state() == BreakerState::Closed, "it was the probe");
        run.await?;
        check_all_free(&rt, &limiter, 1).await?;
    }
    Ok(())
}

pub async fn a_call_queued_when_the_breaker_opens_does_not_begin<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let breaker = CircuitBreaker::builder().failure_threshold(1).open_timeout(1.hours()).build()?;
    let (limiter, called) = (with_permits(1)?, Latch::new());
    let full = fill(&rt, &limiter, 1).await?;
    let (one, two) = (called.clone(), called.clone());
    let builder = AsyncTask::to::<()>().on(&rt).limiter(&limiter).circuit_breaker(&breaker);
    let tasks = [
        builder.clone().spawn(|| async move { one.set() }),
        builder.clone().retry(2).spawn(move || two.set()),
    ];
    until_waiting(&limiter, 2).await;
    ensure!(failed(call(&rt, &breaker, false).await)?.is_failure());
    // A new call is refused before it enters the limiter's queue.
    ensure!(failed(builder.run(|| async {}).await)?.is_circuit_open() && limiter.waiting() == 2);
    full.release().await?;
    for task in tasks {
        ensure!(failed(task.await)?.is_circuit_open());
    }
    ensure!(!called.is_set());
    check_all_free(&rt, &limiter, 1).await
}

pub async fn a_call_refused_by_a_limiter_takes_no_permit<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (breaker, limiter) = (reopening(&rt, 1).await?, Limiter::builder().max_concurrent(1).max_waiting(0));
    let limiter = limiter.build()?;
    let full = fill(&rt, &limiter, 1).await?;
    let builder = AsyncTask::to::<()>().on(&rt).limiter(&limiter).circuit_breaker(&breaker);
    for _ in 0..3 {
        ensure!(failed(builder.clone().run(|| async {}).await)?.is_rejected());
        ensure!(failed(builder.clone().spawn(|| async {}).await)?.is_rejected());
        ensure!(breaker.state() == BreakerState::Open, "a refusal is no call");
    }
    full.release().await?;
    builder.run(|| async {}).await?;
    ensure!(breaker.state() == BreakerState::Closed);
    Ok(())
}

pub async fn a_probe_that_times_out_has_failed<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let breaker = reopening(&rt, 2).await?;
    let run = AsyncTask::to::<()>().on(&rt).circuit_breaker(&breaker).timeout(1.millis()).run(pending::<()>);
    ensure!(failed(run.await)?.is_timeout() && breaker.state() == BreakerState::Open);
    Ok(())
}
