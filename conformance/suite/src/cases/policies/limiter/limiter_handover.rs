//! Recovery, limiter: a permit that is returned belongs to the next waiter from then on, and no two have it.

use crate::library::Limiter;

use super::limiters::{check_all_free, fill, until_waiting, with_permits};
use crate::kit::prelude::*;

fn counts(limiter: &Limiter) -> (usize, usize) {
    (limiter.under_way(), limiter.waiting())
}

pub async fn an_arrival_takes_no_permit_of_a_waiter_that_was_not_yet_polled<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let (limiter, begun) = (with_permits(1)?, Census::default());
    let run = || {
        let begun = begun.clone();
        Box::pin(AsyncTask::to::<()>().on(&rt).limiter(&limiter).run(|| async move {
            let _resident = begun.enter();
            pending::<()>().await
        }))
    };
    let (mut holder, mut waiter, mut arrival) = (run(), run(), run());
    ensure!(poll_once(&mut holder).await.is_none() && poll_once(&mut waiter).await.is_none());
    ensure!(counts(&limiter) == (1, 1));
    drop(holder);
    // The waiter has the permit, and does not know it yet.
    ensure!(counts(&limiter) == (1, 0) && begun.ever() == 1);
    ensure!(poll_once(&mut arrival).await.is_none());
    ensure!(counts(&limiter) == (1, 1) && begun.ever() == 1, "the arrival has a permit, too");
    ensure!(poll_once(&mut waiter).await.is_none() && (begun.ever(), begun.alive()) == (2, 1));
    ensure!(poll_once(&mut arrival).await.is_none() && begun.ever() == 2);
    drop(waiter);
    ensure!(poll_once(&mut arrival).await.is_none() && (begun.ever(), begun.most()) == (3, 1));
    drop(arrival);
    check_all_free(&rt, &limiter, 1).await
}

pub async fn an_arrival_waits_for_an_admitted_task_that_is_not_polled<R: Runtime>(
    rt: R,
    at: Facts,
) -> Outcome {
    let (limiter, begun) = (with_permits(1)?, Census::default());
    let builder = AsyncTask::to::<()>().on(&rt).limiter(&limiter);
    let mut holder = Box::pin(builder.clone().run(pending::<()>));
    ensure!(poll_once(&mut holder).await.is_none());
    let (one, two) = (begun.clone(), begun.clone());
    let waiter = builder.clone().spawn(|| async move {
        let _resident = one.enter();
        yield_now().await;
    });
    until_waiting(&limiter, 1).await;
    let held = hold_workers(&rt, at).await?;
    drop(holder);
    let mut arrival = Box::pin(builder.run(|| async move { drop(two.enter()) }));
    ensure!(poll_once(&mut arrival).await.is_none(), "it was admitted");
    ensure!(counts(&limiter) == (1, 1) && begun.ever() == 0);
    held.release().await?;
    waiter.await?;
    arrival.await?;
    ensure!((begun.ever(), begun.most()) == (2, 1));
    check_all_free(&rt, &limiter, 1).await
}

pub async fn a_permit_that_its_waiter_gives_up_goes_to_the_next_and_to_no_arrival<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let (limiter, begun) = (with_permits(1)?, Census::default());
    let run = || {
        let begun = begun.clone();
        let builder = AsyncTask::to::<()>().on(&rt).limiter(&limiter);
        Box::pin(builder.run(|| async move { drop(begun.enter()) }))
    };
    let full = fill(&rt, &limiter, 1).await?;
    let (mut first, mut second, mut arrival) = (run(), run(), run());
    ensure!(poll_once(&mut first).await.is_none() && poll_once(&mut second).await.is_none());
    full.release().await?;
    drop(first);
    ensure!(counts(&limiter) == (1, 0) && begun.ever() == 0);
    ensure!(poll_once(&mut arrival).await.is_none() && counts(&limiter) == (1, 1));
    second.await?;
    arrival.await?;
    ensure!(begun.ever() == 2);
    check_all_free(&rt, &limiter, 1).await
}

pub async fn permits_that_are_raised_admit_only_as_many_as_are_free<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // With three held, one permitted: a raise by one frees none.
    let (limiter, open) = (with_permits(3)?, Latch::new());
    let full = fill(&rt, &limiter, 3).await?;
    limiter.set_permits(1, rt.now());
    let builder = AsyncTask::to::<()>().on(&rt).limiter(&limiter);
    let waits = || {
        let opened = open.clone();
        builder.clone().spawn(|| async move { opened.wait().await })
    };
    let tasks = [waits(), waits(), waits()];
    until_waiting(&limiter, 3).await;
    for (permits, due) in [(2, (3, 3)), (3, (3, 3)), (4, (4, 2)), (1, (4, 2)), (0, (4, 2)), (5, (5, 1))] {
        limiter.set_permits(permits, rt.now());
        ensure!(counts(&limiter) == due, "{permits}: {limiter:?}");
        ensure!(limiter.permits() == Some(permits.max(1)));
    }
    open.set();
    full.release().await?;
    for task in tasks {
        task.await?;
    }
    check_all_free(&rt, &limiter, 5).await
}
