//! The calls that a half-open circuit breaker lets through: as many as it permits, and no place of theirs is lost.

use sweet_async::{BreakerState, CancellableTask as _, CircuitBreaker, Limiter};

use super::breakers::{call, reopening};
use crate::kit::prelude::*;

/// A call that waits, once it is let through, until `open` is set; and what says that it was.
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

pub async fn of_a_thousand_at_once_only_as_many_pass_as_are_permitted<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let breaker = reopening(&rt, 5).await?;
    let (alive, open, (tell, told)) = (Census::default(), Latch::new(), async_channel::unbounded());
    let tasks: Vec<_> = (0..1000)
        .map(|_| {
            let (below, opened, tell) = (alive.clone(), open.clone(), tell.clone());
            let task = AsyncTask::to::<()>().on(&rt).circuit_breaker(&breaker);
            // Its end is told, so that those that are let through can be held until all others have been refused.
            AsyncTask::to::<()>().on(&rt).spawn(move || async move {
                let run = task.run(|| async move {
                    let _resident = below.enter();
                    opened.wait().await;
                });
                let _ = tell.try_send(run.await);
            })
        })
        .collect();
    for _ in 0..995 {
        match failed(told.recv().await?)? {
            AsyncTaskError::CircuitOpen { retry_after, .. } => ensure!(retry_after == Duration::ZERO),
            other => bail!("{other:?}"),
        }
    }
    open.set();
    for _ in 0..5 {
        told.recv().await??;
    }
    for task in tasks {
        task.await?;
    }
    ensure!((alive.ever(), alive.most()) == (5, 5) && breaker.state() == BreakerState::Closed);
    Ok(())
}

pub async fn one_that_is_stopped_gives_its_place_back<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let breaker = reopening(&rt, 2).await?;
    let open = Latch::new();
    let (stays, started) = probe(&rt, &breaker, &open);
    started.wait().await;
    for way in 0..4 {
        let (task, started) = probe(&rt, &breaker, &Latch::new());
        started.wait().await;
        ensure!(failed(call(&rt, &breaker, true).await)?.is_circuit_open(), "there are two under way");
        let canceller = task.canceller();
        match way {
            0 => drop(task),
            1 => drop(task.cancel_gracefully().await),
            2 => drop(task.cancel_forcefully().await),
            _ => drop(task.cancel_immediately().await),
        }
        ensure!(canceller.cancel(CancelLevel::Graceful).await.was_cancelled());
        ensure!(breaker.state() == BreakerState::HalfOpen);
    }
    // Both places are as they were: one is taken, and a success in the other leaves one to be waited for.
    call(&rt, &breaker, true).await?;
    ensure!(breaker.state() == BreakerState::HalfOpen);
    ensure!(failed(call(&rt, &breaker, true).await)?.is_circuit_open());
    open.set();
    stays.await?;
    ensure!(breaker.state() == BreakerState::Closed);
    Ok(())
}

pub async fn one_that_is_dropped_in_place_gives_its_place_back<R: Runtime>(rt: R, _: Facts) -> Outcome {
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

pub async fn one_that_a_limiter_refuses_gives_its_place_back<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (breaker, open) = (reopening(&rt, 1).await?, Latch::new());
    let limiter = Limiter::builder().max_concurrent(1).max_waiting(1).build()?;
    let hold = || {
        let (started, opened) = (Latch::new(), open.clone());
        let start = started.clone();
        let task = AsyncTask::to::<()>().on(&rt).limiter(&limiter).spawn(|| async move {
            start.set();
            opened.wait().await;
        });
        (task, started)
    };
    let (holds, started) = hold();
    started.wait().await;
    let builder = AsyncTask::to::<()>().on(&rt).limiter(&limiter).circuit_breaker(&breaker);
    // In line for the limiter it has its place, and gives it back when it is dropped there.
    let mut run = Box::pin(builder.clone().run(|| async {}));
    ensure!(poll_once(&mut run).await.is_none());
    ensure!(failed(call(&rt, &breaker, true).await)?.is_circuit_open());
    let refused = builder.clone().circuit_breaker(&CircuitBreaker::builder().build()?);
    ensure!(failed(refused.run(|| async {}).await)?.is_rejected(), "the line is full");
    drop(run);
    let mut waits = Box::pin(AsyncTask::to::<()>().on(&rt).limiter(&limiter).run(|| async {}));
    ensure!(poll_once(&mut waits).await.is_none());
    for _ in 0..3 {
        ensure!(failed(builder.clone().run(|| async {}).await)?.is_rejected());
        ensure!(breaker.state() == BreakerState::HalfOpen, "a refusal is no failure");
    }
    open.set();
    holds.await?;
    waits.await?;
    builder.run(|| async {}).await?;
    ensure!(breaker.state() == BreakerState::Closed);
    Ok(())
}

pub async fn one_whose_time_is_up_has_failed<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let breaker = reopening(&rt, 2).await?;
    let run = AsyncTask::to::<()>().on(&rt).circuit_breaker(&breaker).timeout(1.millis()).run(pending::<()>);
    ensure!(failed(run.await)?.is_timeout() && breaker.state() == BreakerState::Open);
    Ok(())
}
