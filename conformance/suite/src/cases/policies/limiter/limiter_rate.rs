//! Recovery, limiter: work begins at the limiter's rate, whichever waiter owns the timer.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use crate::library::{CancellableTask as _, Limiter, RetryStrategy, TaskPriority};
use async_channel::{Receiver, Sender};

use super::limiters::{check_all_free, fill, until_waiting};
use crate::kit::prelude::*;

/// Work that reports when it began, and then takes some time.
fn begins<R: Runtime>(rt: &R, limiter: &Limiter, begun: &Sender<Instant>, takes: Duration) -> Task<(), R> {
    let (clock, begun) = (rt.clone(), begun.clone());
    AsyncTask::to::<()>().on(rt).limiter(limiter).try_spawn(move || async move {
        let _ = begun.try_send(clock.now());
        Ok(clock.sleep(takes).await?)
    })
}

/// Checks that work begins so many milliseconds after `since`: never before, and where time is exact not
/// later either.
async fn check_begin_times(begun: &Receiver<Instant>, at: Facts, since: Instant, due: &[u64]) -> Outcome {
    let mut times = Vec::new();
    for _ in due {
        times.push(begun.recv().await?.saturating_duration_since(since));
    }
    // With threads, the reports may have come in another order.
    times.sort();
    for (number, (taken, due)) in times.iter().zip(due).enumerate() {
        let due = Duration::from_millis(*due);
        ensure!(*taken >= due, "number {number} after {taken:?}, before {due:?}: {times:?}");
        ensure!(!at.virtual_time || *taken == due, "number {number} after {taken:?}, not {due:?}: {times:?}");
    }
    Ok(())
}

pub async fn the_burst_comes_first_and_then_one_each_gap<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let limiter = Limiter::builder().rate(3, 30.millis()).build()?;
    let (begun, times) = async_channel::unbounded();
    let since = rt.now();
    let tasks: Vec<_> = (0..8).map(|_| begins(&rt, &limiter, &begun, Duration::ZERO)).collect();
    check_begin_times(&times, at, since, &[0, 0, 0, 10, 20, 30, 40, 50]).await?;
    for task in tasks {
        task.await?;
    }
    ensure!((limiter.under_way(), limiter.waiting()) == (0, 0));
    Ok(())
}

pub async fn unused_rate_is_kept_up_to_the_burst<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let limiter = Limiter::builder().rate(2, 20.millis()).build()?;
    let (begun, times) = async_channel::unbounded();
    for pause in [0.millis(), 45.millis()] {
        rt.sleep(pause).await?;
        let since = rt.now();
        let tasks: Vec<_> = (0..4).map(|_| begins(&rt, &limiter, &begun, Duration::ZERO)).collect();
        // As many as the burst, however long the limiter was unused.
        check_begin_times(&times, at, since, &[0, 0, 10, 20]).await?;
        for task in tasks {
            task.await?;
        }
    }
    Ok(())
}

pub async fn a_rate_that_is_no_whole_number_of_nanoseconds_is_not_exceeded<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    for (count, period) in [(2_u32, 3_u32), (3, 10), (600, 1_000)] {
        let limiter = Limiter::builder().rate(count, Duration::from_nanos(period.into())).build()?;
        let since = rt.now();
        for begun in 1..=u128::from(count) * 4 {
            AsyncTask::to::<()>().on(&rt).limiter(&limiter).run(|| async {}).await?;
            let passed = rt.now().saturating_duration_since(since).as_nanos();
            let most = u128::from(count) + passed * u128::from(count) / u128::from(period);
            ensure!(begun <= most, "{begun} began in {passed} ns, at {count} in {period} ns");
        }
    }
    Ok(())
}

pub async fn permits_and_rate_both_hold<R: Runtime>(rt: R, at: Facts) -> Outcome {
    // With one permit, and a rate of two at once and then one each 10 ms. Where work takes longer than that,
    // the permit decides.
    for (takes, due) in [(15, [0, 15, 30, 45, 60]), (5, [0, 5, 10, 20, 30])] {
        let limiter = Limiter::builder().max_concurrent(1).rate(2, 20.millis()).build()?;
        let (begun, times) = async_channel::unbounded();
        let since = rt.now();
        let tasks: Vec<_> =
            (0..5).map(|_| begins(&rt, &limiter, &begun, Duration::from_millis(takes))).collect();
        check_begin_times(&times, at, since, &due).await?;
        for task in tasks {
            task.await?;
        }
        ensure!((limiter.under_way(), limiter.waiting()) == (0, 0));
    }
    Ok(())
}

pub async fn all_tasks_are_admitted<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let limiter = Limiter::builder().max_concurrent(2).rate(10, 5.millis()).build()?;
    let census = Census::default();
    let mut tasks = Vec::new();
    for _ in 0..60 {
        let census = census.clone();
        tasks.push(AsyncTask::to::<()>().on(&rt).limiter(&limiter).spawn(|| async move {
            let _resident = census.enter();
            yield_now().await;
        }));
    }
    for task in tasks {
        task.await?;
    }
    ensure!(census.ever() == 60 && census.most() <= 2, "{} at once", census.most());
    check_all_free(&rt, &limiter, 2).await
}

pub async fn a_waiter_that_gives_up_does_not_use_the_rate<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let limiter = Limiter::builder().rate(1, 10.millis()).build()?;
    let (begun, times) = async_channel::unbounded();
    let since = rt.now();
    begins(&rt, &limiter, &begun, Duration::ZERO).await?;
    check_begin_times(&times, at, since, &[0]).await?;
    // Work in place, which only this polls: it waits in the queue, and is not admitted meanwhile.
    {
        let mut first = pin!(AsyncTask::to::<()>().on(&rt).limiter(&limiter).run(|| async {}));
        let mut second = pin!(AsyncTask::to::<()>().on(&rt).limiter(&limiter).run(|| async {}));
        if at.virtual_time {
            ensure!(poll_once(&mut first).await.is_none() && poll_once(&mut second).await.is_none());
            ensure!(limiter.waiting() == 2);
        }
    }
    ensure!((limiter.under_way(), limiter.waiting()) == (0, 0));
    let task = begins(&rt, &limiter, &begun, Duration::ZERO);
    check_begin_times(&times, at, since, &[10]).await?;
    Ok(task.await?)
}

pub async fn the_timer_owner_may_be_cancelled<R: Runtime>(rt: R, at: Facts) -> Outcome {
    // With the rate used up, four tasks come into the queue. Some of them are stopped, whichever of them owns
    // the timer.
    for stopped in 1_u32..15 {
        let limiter = Limiter::builder().rate(1, 10.millis()).build()?;
        let (begun, times) = async_channel::unbounded();
        let since = rt.now();
        begins(&rt, &limiter, &begun, Duration::ZERO).await?;
        check_begin_times(&times, at, since, &[0]).await?;
        let tasks: Vec<_> = (0..4).map(|_| begins(&rt, &limiter, &begun, Duration::ZERO)).collect();
        if at.virtual_time {
            until_waiting(&limiter, 4).await;
        }
        rt.sleep(5.millis()).await?;
        let mut others = Vec::new();
        for (index, task) in tasks.into_iter().enumerate() {
            if stopped & (1 << index) == 0 {
                others.push(task);
            } else if index % 2 == 0 {
                task.cancel_forcefully().await;
            } else {
                let canceller = task.canceller();
                drop(task);
                canceller.cancel(CancelLevel::Kill).await;
            }
        }
        let left = others.len();
        for task in others {
            task.await?;
        }
        if at.virtual_time {
            let due: Vec<_> = (1..=4).map(|number| number * 10).take(left).collect();
            check_begin_times(&times, at, since, &due).await?;
        }
        ensure!((limiter.under_way(), limiter.waiting()) == (0, 0));
    }
    Ok(())
}

pub async fn an_unpolled_waiter_takes_its_turn_and_others_go_on<R: Runtime>(rt: R, at: Facts) -> Outcome {
    // Work in place that is polled once, among others in the queue: as the first, second, third or last of
    // four.
    for unpolled in 0..4 {
        let limiter = Limiter::builder().rate(1, 10.millis()).build()?;
        let (begun, times) = async_channel::unbounded();
        let since = rt.now();
        begins(&rt, &limiter, &begun, Duration::ZERO).await?;
        check_begin_times(&times, at, since, &[0]).await?;
        let (mut held, mut tasks) = (None, Vec::new());
        for index in 0..4 {
            if index == unpolled {
                let mut run = Box::pin(AsyncTask::to::<()>().on(&rt).limiter(&limiter).run(|| async {}));
                let is_late = poll_once(&mut run).await.is_some();
                ensure!(!(at.virtual_time && is_late), "it had to wait");
                held = Some(run);
            } else {
                tasks.push(begins(&rt, &limiter, &begun, Duration::ZERO));
            }
            // Each is polled before the next comes.
            for _ in 0..3 {
                yield_now().await;
            }
        }
        for task in tasks {
            task.await?;
        }
        let due: Vec<_> = (0..4).filter(|index| *index != unpolled).map(|index| (index + 1) * 10).collect();
        if at.virtual_time {
            check_begin_times(&times, at, since, &due).await?;
        }
        drop(held);
        ensure!((limiter.under_way(), limiter.waiting()) == (0, 0));
    }
    Ok(())
}

pub async fn a_waiter_for_a_permit_is_notified_to_wait_for_the_rate<R: Runtime>(rt: R, at: Facts) -> Outcome {
    // Both permits are taken, and with them the rate is used up. When the permits are free, waiters wait for
    // the rate, and nothing polls the first in the queue.
    let limiter = Limiter::builder().max_concurrent(2).rate(2, 60.millis()).build()?;
    let since = rt.now();
    let full = fill(&rt, &limiter, 2).await?;
    let mut held = Box::pin(AsyncTask::to::<()>().on(&rt).limiter(&limiter).run(pending::<()>));
    ensure!(poll_once(&mut held).await.is_none());
    let (begun, times) = async_channel::unbounded();
    let task = begins(&rt, &limiter, &begun, Duration::ZERO);
    until_waiting(&limiter, 2).await;
    full.release().await?;
    task.await?;
    // The first in the queue has been admitted, too.
    if at.virtual_time {
        check_begin_times(&times, at, since, &[60]).await?;
        ensure!((limiter.under_way(), limiter.waiting()) == (1, 0));
    }
    drop(held);
    check_all_free(&rt, &limiter, 2).await
}

pub async fn a_timeout_of_the_timer_owner_lets_others_go_on<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let limiter = Limiter::builder().rate(1, 20.millis()).build()?;
    let (begun, times) = async_channel::unbounded();
    let since = rt.now();
    begins(&rt, &limiter, &begun, Duration::ZERO).await?;
    let builder = AsyncTask::to::<()>().on(&rt).limiter(&limiter).timeout(Duration::ZERO);
    // On a machine that was busy meanwhile, their turn has come, and they are in time.
    let error = builder.run(|| async {}).await.err();
    ensure!(!at.virtual_time || error.as_ref().is_some_and(AsyncTaskError::is_timeout), "{error:?}");
    ensure!(limiter.waiting() == 0);
    let early = AsyncTask::to::<()>().on(&rt).limiter(&limiter).timeout(5.millis()).spawn(|| async {});
    if at.virtual_time {
        until_waiting(&limiter, 1).await;
    }
    let tasks = [(); 2].map(|()| begins(&rt, &limiter, &begun, Duration::ZERO));
    let error = early.await.err();
    ensure!(!at.virtual_time || error.as_ref().is_some_and(AsyncTaskError::is_timeout), "{error:?}");
    check_begin_times(&times, at, since, &[0, 20, 40]).await?;
    for task in tasks {
        task.await?;
    }
    Ok(())
}

pub async fn the_longest_period_admits_no_work_after_the_burst<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for burst in [1, 2, 7] {
        let limiter = Limiter::builder().rate(burst, Duration::MAX).build()?;
        let builder = AsyncTask::to::<()>().on(&rt).limiter(&limiter);
        for _ in 0..burst {
            builder.clone().run(|| async {}).await?;
        }
        let mut more = pin!(builder.run(|| async {}));
        for _ in 0..3 {
            ensure!(poll_once(&mut more).await.is_none(), "more than a burst of {burst}");
            rt.sleep(2.millis()).await?;
        }
        ensure!((limiter.under_way(), limiter.waiting()) == (0, 1));
    }
    Ok(())
}

pub async fn the_most_urgent_waiter_for_the_rate_is_admitted_first<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let limiter = Limiter::builder().max_concurrent(1).rate(1, 5.millis()).ageing(Duration::MAX).build()?;
    let (arrive, arrived) = async_channel::unbounded();
    let full = fill(&rt, &limiter, 1).await?;
    let mut tasks = Vec::new();
    for (number, rank) in [3_u8, 2, 4, 0, 1].into_iter().enumerate() {
        let (arrive, builder) = (arrive.clone(), AsyncTask::to::<()>().on(&rt).limiter(&limiter));
        tasks.push(builder.priority(TaskPriority::try_from(rank)?).spawn(move || async move {
            let _ = arrive.try_send(rank);
        }));
        until_waiting(&limiter, number + 1).await;
    }
    full.release().await?;
    for due in 0..5 {
        let rank = arrived.recv().await?;
        ensure!(rank == due, "{rank} before {due}");
    }
    for task in tasks {
        task.await?;
    }
    Ok(())
}

pub async fn each_attempt_counts<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let limiter = Limiter::builder().rate(1, 10.millis()).build()?;
    let (begun, times) = async_channel::unbounded();
    let (clock, calls, since) = (rt.clone(), Arc::new(AtomicU32::new(0)), rt.now());
    let builder = AsyncTask::to::<u32>().on(&rt).limiter(&limiter).retry(2);
    let task = builder.backoff(RetryStrategy::Immediate).spawn(move || {
        let _ = begun.try_send(clock.now());
        let call = calls.fetch_add(1, Ordering::SeqCst);
        async move { if call < 2 { Err("an attempt") } else { Ok(call) } }
    });
    ensure!(task.await? == 2);
    check_begin_times(&times, at, since, &[0, 10, 20]).await
}

pub async fn an_arrival_is_not_refused_for_waiters_admitted_at_that_moment<R: Runtime>(
    rt: R,
    at: Facts,
) -> Outcome {
    // One may wait, and is admitted at 10 ms. Another that comes then finds the queue empty, whichever is
    // polled first.
    let limiter = Limiter::builder().rate(1, 10.millis()).max_waiting(1).build()?;
    let builder = AsyncTask::to::<()>().on(&rt).limiter(&limiter);
    builder.clone().run(|| async {}).await?;
    let since = rt.now();
    let first = builder.clone().spawn(|| async {});
    if at.virtual_time {
        until_waiting(&limiter, 1).await;
    }
    rt.sleep_until(since + 10.millis()).await;
    let second = builder.spawn(|| async {});
    first.await?;
    Ok(second.await?)
}
