//! Recovery, limiter: work that is not polled keeps what it has, a "futurelock", and the ways out of it.

use std::pin::pin;

use super::limiters::{check_all_free, fill, until_waiting, with_permits};
use crate::kit::prelude::*;

pub async fn a_waiter_in_the_same_task_can_be_timed_out<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let limiter = with_permits(1)?;
    let builder = AsyncTask::to::<()>().on(&rt).limiter(&limiter);
    {
        // As after a `select!` over `&mut first`, in which another branch has ended first.
        let mut first = pin!(builder.clone().run(yield_now));
        ensure!(poll_once(&mut first).await.is_none());
        let error = failed(builder.clone().timeout(10.millis()).run(|| async {}).await)?;
        ensure!(error.is_timeout(), "{error:?}");
        ensure!((limiter.under_way(), limiter.waiting()) == (1, 0));
    }
    check_all_free(&rt, &limiter, 1).await
}

pub async fn the_permit_of_dropped_work_is_free<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let limiter = with_permits(1)?;
    let builder = AsyncTask::to::<()>().on(&rt).limiter(&limiter);
    let mut first = Box::pin(builder.clone().run(pending::<()>));
    ensure!(poll_once(&mut first).await.is_none());
    let mut second = Box::pin(builder.run(|| async {}));
    ensure!(poll_once(&mut second).await.is_none());
    drop(first);
    second.await?;
    check_all_free(&rt, &limiter, 1).await
}

pub async fn the_permit_of_work_that_is_polled_to_its_end_is_free<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let limiter = with_permits(1)?;
    let builder = AsyncTask::to::<()>().on(&rt).limiter(&limiter);
    let mut first = Box::pin(builder.clone().run(yield_now));
    ensure!(poll_once(&mut first).await.is_none());
    let mut second = Box::pin(builder.run(|| async {}));
    ensure!(poll_once(&mut second).await.is_none());
    first.await?;
    second.await?;
    check_all_free(&rt, &limiter, 1).await
}

pub async fn spawned_work_ends_whatever_its_spawner_polls<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (limiter, sleeper) = (with_permits(1)?, rt.clone());
    let builder = AsyncTask::to::<()>().on(&rt).limiter(&limiter);
    let mut first = builder.clone().try_spawn(|| async move { Ok(sleeper.sleep(5.millis()).await?) });
    // As in a `select!` that another branch wins: the handle is not polled any more.
    let ended = poll_once(&mut first).await;
    builder.run(|| async {}).await?;
    match ended {
        Some(result) => result?,
        None => first.await?,
    }
    check_all_free(&rt, &limiter, 1).await
}

pub async fn a_permit_given_to_unpolled_work_in_the_queue_serves_no_work<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    for is_dropped in [true, false] {
        let (limiter, begun) = (with_permits(1)?, Latch::new());
        let builder = AsyncTask::to::<()>().on(&rt).limiter(&limiter);
        let full = fill(&rt, &limiter, 1).await?;
        let mut unpolled = Box::pin(builder.clone().run(|| async {}));
        ensure!(poll_once(&mut unpolled).await.is_none());
        let begins = begun.clone();
        let next = builder.spawn(|| async move { begins.set() });
        until_waiting(&limiter, 2).await;
        full.release().await?;
        for _ in 0..10 {
            ensure!((limiter.under_way(), limiter.waiting()) == (1, 1) && !begun.is_set());
            yield_now().await;
        }
        // Either way, the permit goes on.
        if is_dropped {
            drop(unpolled);
        } else {
            unpolled.await?;
        }
        next.await?;
        check_all_free(&rt, &limiter, 1).await?;
    }
    Ok(())
}
