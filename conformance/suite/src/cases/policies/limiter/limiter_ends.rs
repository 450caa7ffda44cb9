//! Recovery, limiter: no permit is lost, however work ends or stops waiting.

use std::future::poll_fn;
use std::task::Poll;

use crate::library::{BoxError, CancellableTask as _, Limiter, RetryStrategy, TimeoutKind};

use super::limiters::{check_all_free, fill, until_waiting, with_permits};
use crate::cases::deadlines::{is_due, passed};
use crate::kit::prelude::*;
use crate::kit::{SetOnDrop, explode};

const LEVELS: [CancelLevel; 3] = [CancelLevel::Graceful, CancelLevel::Kill, CancelLevel::KillHard];

/// A task that waits forever, and holds a permit for certain.
async fn stuck<R: Runtime>(rt: &R, limiter: &Limiter) -> Task<(), R> {
    let started = Latch::new();
    let start = started.clone();
    let builder = AsyncTask::to::<()>().on(rt).limiter(limiter).grace(1.millis());
    let task = builder.spawn(|| async move {
        start.set();
        pending::<()>().await
    });
    started.wait().await;
    task
}

pub async fn cancelled_waiters_lose_no_permit<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for level in LEVELS {
        let (limiter, begun) = (with_permits(2)?, Census::default());
        let full = fill(&rt, &limiter, 2).await?;
        let builder = AsyncTask::to::<()>().on(&rt).limiter(&limiter).grace(1.millis());
        let (one, two, three) = (begun.clone(), begun.clone(), begun.clone());
        let tasks = [
            builder.clone().spawn(|| async move { drop(one.enter()) }),
            builder.clone().spawn_blocking(move || drop(two.enter())),
            builder.retry(3).spawn(move || drop(three.enter())),
        ];
        until_waiting(&limiter, 3).await;
        for task in tasks {
            let end = task.cancel(level).await;
            // A hard kill does not wait for a first poll that is in progress.
            ensure!(end.was_cancelled() || level == CancelLevel::KillHard, "{level}: {end:?}");
            ensure!(failed(task.await)?.is_cancelled());
        }
        ensure!((limiter.under_way(), limiter.waiting(), begun.ever()) == (2, 0, 0));
        full.release().await?;
        check_all_free(&rt, &limiter, 2).await?;
    }
    Ok(())
}

pub async fn cancelled_running_work_loses_no_permit<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for level in LEVELS {
        let limiter = with_permits(2)?;
        let tasks = [stuck(&rt, &limiter).await, stuck(&rt, &limiter).await];
        // Admitted when one of them has ended.
        let next = AsyncTask::to::<()>().on(&rt).limiter(&limiter).spawn(|| async {});
        until_waiting(&limiter, 1).await;
        for task in tasks {
            drop(task.cancel(level));
            ensure!(failed(task.await)?.is_cancelled(), "{level}");
        }
        next.await?;
        check_all_free(&rt, &limiter, 2).await?;
    }
    Ok(())
}

pub async fn work_cancelled_right_after_admission_loses_no_permit<R: Runtime>(rt: R, at: Facts) -> Outcome {
    for level in LEVELS {
        let (limiter, begun) = (with_permits(1)?, Census::default());
        let builder = AsyncTask::to::<()>().on(&rt).limiter(&limiter).grace(Duration::ZERO);
        let mut running = Box::pin(builder.clone().run(pending::<()>));
        ensure!(poll_once(&mut running).await.is_none());
        let counted = begun.clone();
        let next = builder.spawn(|| async move {
            let _resident = counted.enter();
            pending::<()>().await
        });
        until_waiting(&limiter, 1).await;
        let held = hold_workers(&rt, at).await?;
        drop(running);
        // It holds the permit, and cannot be polled.
        ensure!((limiter.under_way(), limiter.waiting(), begun.ever()) == (1, 0, 0));
        let end = next.cancel(level);
        held.release().await?;
        let error = failed(next.await)?;
        ensure!(error.is_cancelled(), "{level}: {error:?}");
        end.await;
        ensure!(level == CancelLevel::Graceful || begun.ever() == 0, "{level}: killed work has begun");
        check_all_free(&rt, &limiter, 1).await?;
    }
    Ok(())
}

pub async fn panicking_work_loses_no_permit<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let limiter = with_permits(2)?;
    let builder = AsyncTask::to::<()>().on(&rt).limiter(&limiter);
    for _ in 0..3 {
        ensure!(failed(builder.clone().run(|| async { explode::<()>("later") }).await)?.is_panic());
        ensure!(failed(builder.clone().spawn(|| async { explode::<()>("later") }).await)?.is_panic());
        ensure!(failed(builder.clone().spawn_blocking(|| explode::<()>("there")).await)?.is_panic());
        let at_once = || -> std::future::Ready<()> { explode("at once") };
        ensure!(failed(builder.clone().spawn(at_once).await)?.is_panic());
        let again = builder.clone().retry(2).spawn(|| async { explode::<()>("later") });
        ensure!(failed(again.await)?.is_panic());
    }
    check_all_free(&rt, &limiter, 2).await
}

pub async fn a_panicking_destructor_loses_no_permit<R: Runtime>(rt: R, _: Facts) -> Outcome {
    struct Explosive;
    impl Drop for Explosive {
        fn drop(&mut self) {
            explode::<()>("in the destructor");
        }
    }
    let limiter = with_permits(1)?;
    let builder = AsyncTask::to::<()>().on(&rt).limiter(&limiter);
    for _ in 0..2 {
        let explosive = Explosive;
        let task = builder.clone().spawn(move || async move { drop(explosive) });
        ensure!(failed(task.await)?.is_panic());
        let (started, explosive) = (Latch::new(), Explosive);
        let start = started.clone();
        let task = builder.clone().spawn(move || async move {
            let _explosive = explosive;
            start.set();
            pending::<()>().await
        });
        started.wait().await;
        drop(task.cancel_forcefully());
        failed(task.await)?;
    }
    check_all_free(&rt, &limiter, 1).await
}

pub async fn an_attempt_timeout_loses_no_permit<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let limiter = with_permits(1)?;
    let builder = AsyncTask::to::<()>().on(&rt).limiter(&limiter).attempt_timeout(5.millis());
    let begun = rt.now();
    ensure!(passed(builder.clone().run(pending::<()>).await)?.kind() == TimeoutKind::Attempt);
    ensure!(passed(builder.clone().spawn(pending::<()>).await)?.kind() == TimeoutKind::Attempt);
    let again = builder.retry(1).backoff(RetryStrategy::Immediate);
    ensure!(failed(again.spawn(pending::<()>).await)?.is_retries_exhausted());
    is_due(&rt, at, begun, 20.millis())?;
    check_all_free(&rt, &limiter, 1).await
}

pub async fn an_overall_timeout_loses_no_permit<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (limiter, called) = (with_permits(1)?, Latch::new());
    let builder = AsyncTask::to::<()>().on(&rt).limiter(&limiter).timeout(5.millis());
    let begun = rt.now();
    ensure!(passed(builder.clone().run(pending::<()>).await)?.kind() == TimeoutKind::Overall);
    ensure!(passed(builder.clone().spawn(pending::<()>).await)?.kind() == TimeoutKind::Overall);
    is_due(&rt, at, begun, 10.millis())?;
    let full = fill(&rt, &limiter, 1).await?;
    let (one, two, begun) = (called.clone(), called.clone(), rt.now());
    ensure!(passed(builder.clone().run(|| async move { one.set() }).await)?.kind() == TimeoutKind::Overall);
    ensure!(passed(builder.spawn(|| async move { two.set() }).await)?.kind() == TimeoutKind::Overall);
    is_due(&rt, at, begun, 10.millis())?;
    ensure!(limiter.waiting() == 0 && !called.is_set());
    full.release().await?;
    check_all_free(&rt, &limiter, 1).await
}

pub async fn the_wait_is_not_under_the_limit_on_an_attempt<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let limiter = with_permits(1)?;
    let full = fill(&rt, &limiter, 1).await?;
    let builder = AsyncTask::to::<()>().on(&rt).limiter(&limiter).attempt_timeout(10.millis());
    let begun = rt.now();
    let ready = builder.clone().spawn(|| async {});
    until_waiting(&limiter, 1).await;
    let late = builder.spawn(pending::<()>);
    until_waiting(&limiter, 2).await;
    rt.sleep(30.millis()).await?;
    ensure!(limiter.waiting() == 2, "what waits has timed out");
    full.release().await?;
    ready.await?;
    ensure!(passed(late.await)?.kind() == TimeoutKind::Attempt);
    is_due(&rt, at, begun, 40.millis())?;
    check_all_free(&rt, &limiter, 1).await
}

pub async fn dropped_handles_lose_no_permit<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let limiter = with_permits(2)?;
    let running = [stuck(&rt, &limiter).await, stuck(&rt, &limiter).await];
    let waiting = [(); 3].map(|()| AsyncTask::to::<()>().on(&rt).limiter(&limiter).spawn(pending::<()>));
    until_waiting(&limiter, 3).await;
    let tasks: Vec<_> = running.into_iter().chain(waiting).collect();
    let cancellers: Vec<_> = tasks.iter().map(Task::canceller).collect();
    drop(tasks);
    for canceller in cancellers {
        canceller.cancel(CancelLevel::Kill).await;
    }
    check_all_free(&rt, &limiter, 2).await
}

pub async fn dropped_in_place_work_loses_no_permit<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (limiter, begun) = (with_permits(1)?, Census::default());
    let run = || {
        let begun = begun.clone();
        Box::pin(AsyncTask::to::<()>().on(&rt).limiter(&limiter).run(|| async move {
            let _resident = begun.enter();
            pending::<()>().await
        }))
    };
    drop(run());
    let (mut first, mut second, mut third, mut fourth) = (run(), run(), run(), run());
    for run in [&mut first, &mut second, &mut third, &mut fourth] {
        ensure!(poll_once(run).await.is_none());
    }
    ensure!((limiter.under_way(), limiter.waiting(), begun.ever()) == (1, 3, 1));
    // Dropped while it waits.
    drop(second);
    ensure!((limiter.under_way(), limiter.waiting()) == (1, 2));
    // Dropped while it runs, which admits the next one; and that one before it has seen so.
    drop(first);
    ensure!((limiter.under_way(), limiter.waiting(), begun.ever()) == (1, 1, 1));
    drop(third);
    ensure!((limiter.under_way(), limiter.waiting(), begun.ever()) == (1, 0, 1));
    ensure!(poll_once(&mut fourth).await.is_none() && begun.ever() == 2);
    drop(fourth);
    check_all_free(&rt, &limiter, 1).await
}

pub async fn a_failed_scope_loses_no_permit<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (limiter, dropped) = (with_permits(1)?, Latch::new());
    let guard = dropped.on_drop();
    let (inner, shared) = (rt.clone(), limiter.clone());
    let scope = AsyncTask::to::<()>().on(&rt).scope(|s| async move {
        let builder = AsyncTask::to::<()>().on(&inner).limiter(&shared);
        let started = Latch::new();
        let start = started.clone();
        let member = |guard: SetOnDrop| async move {
            let _guard = guard;
            start.set();
            pending::<Result<(), BoxError>>().await
        };
        drop(s.spawn_as(builder.clone(), || member(guard)));
        started.wait().await;
        for _ in 0..3 {
            drop(s.spawn_as(builder.clone(), pending::<Result<(), BoxError>>));
        }
        until_waiting(&shared, 3).await;
        Err::<(), BoxError>("the body fails".into())
    });
    ensure!(failed(scope.await)?.is_failure() && dropped.is_set());
    check_all_free(&rt, &limiter, 1).await
}

pub async fn kills_racing_with_admission_lose_no_permit<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let limiter = with_permits(2)?;
    for round in 0..10_usize {
        let census = Census::default();
        let mut tasks = Vec::new();
        for _ in 0..12 {
            let census = census.clone();
            tasks.push(AsyncTask::to::<()>().on(&rt).limiter(&limiter).spawn(|| async move {
                let _resident = census.enter();
                yield_now().await;
            }));
        }
        // Every third of them is killed, while permits change hands.
        let mut others = Vec::new();
        for (number, task) in tasks.into_iter().enumerate() {
            if (number + round) % 3 == 0 {
                yield_now().await;
                drop(task.cancel_forcefully());
            }
            others.push(task);
        }
        for (number, task) in others.into_iter().enumerate() {
            let result = task.await;
            ensure!(result.is_ok() || (number + round) % 3 == 0, "{result:?}");
        }
        ensure!(census.most() <= 2 && census.ever() >= 8, "{} at once", census.most());
        check_all_free(&rt, &limiter, 2).await?;
    }
    Ok(())
}

pub async fn a_moved_waiter_is_woken_by_its_last_waker<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // A waiter may move to another task between two polls: the last waker is the one that is woken.
    let limiter = with_permits(1)?;
    let builder = AsyncTask::to::<u32>().on(&rt).limiter(&limiter);
    let full = fill(&rt, &limiter, 1).await?;
    let mut run = Box::pin(builder.run(|| async { 5 }));
    let mut silent = std::task::Context::from_waker(std::task::Waker::noop());
    ensure!(run.as_mut().poll(&mut silent).is_pending());
    ensure!(poll_fn(|cx| Poll::Ready(run.as_mut().poll(cx).is_pending())).await);
    full.release().await?;
    ensure!(run.await? == 5);
    check_all_free(&rt, &limiter, 1).await
}
