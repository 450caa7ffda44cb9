//! Promise 8, scopes: a task that is spawned in a limiter waits for its permit before it exists.

use std::pin::pin;

use crate::library::orchestra::OrchestratorError;
use crate::library::{BoxError, Chaos, Hedge, Limiter, RetryStrategy, TaskPriority};

use crate::cases::limiters::{check_all_free, fill, until_waiting, with_permits};
use crate::cases::scopes::{check, stays_pending};
use crate::kit::orchestras::orchestra;
use crate::kit::prelude::*;

pub async fn ten_thousand_inputs_are_never_more_tasks_than_permits<R: Runtime>(rt: R, at: Facts) -> Outcome {
    const PERMITS: usize = 8;
    let (limiter, alive, others) = (with_permits(PERMITS)?, Census::default(), rt.active_task_count());
    let (line, below, inner) = (limiter.clone(), alive.clone(), rt.clone());
    let most = AsyncTask::to().on(&rt).scope(|s| async move {
        let mut most = 0;
        for _ in 0..10_000 {
            let alive = below.clone();
            let member = s.spawn_in(&line, || async move {
                let _resident = alive.enter();
                yield_now().await;
                Ok(())
            });
            drop(member.await?);
            most = most.max(inner.active_task_count());
        }
        Ok(most)
    });
    let most = most.await?;
    ensure!(alive.ever() == 10_000 && alive.alive() == 0, "{} were called", alive.ever());
    ensure!(alive.most() <= PERMITS, "{} were under way at a time", alive.most());
    // Where threads run in parallel, a task that has just returned its permit may still be counted.
    ensure!(!at.virtual_time || most <= others + PERMITS, "{most} tasks at a time");
    check_all_free(&rt, &limiter, PERMITS).await
}

pub async fn a_waiting_spawn_has_no_task_and_may_be_dropped<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (limiter, called) = (with_permits(1)?, Latch::new());
    let (held, call) = (fill(&rt, &limiter, 1).await?, called.clone());
    {
        let task = AsyncTask::to::<()>().on(&rt).spawn_in(&limiter, || async move { call.set() });
        let mut waits = pin!(task);
        ensure!(limiter.waiting() == 0, "it waits before it is awaited");
        ensure!(poll_once(&mut waits).await.is_none());
        ensure!((limiter.under_way(), limiter.waiting()) == (1, 1), "{limiter:?}");
        ensure!(at.shares_root || rt.active_task_count() == 1, "there is a task already");
    }
    ensure!(limiter.waiting() == 0, "it still waits");
    held.release().await?;
    check_all_free(&rt, &limiter, 1).await?;
    ensure!(!called.is_set(), "it was spawned");
    Ok(())
}

pub async fn an_unseen_permit_of_a_dropped_spawn_goes_to_the_next<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let limiter = with_permits(1)?;
    let held = fill(&rt, &limiter, 1).await?;
    let spawn = || AsyncTask::to::<u32>().on(&rt).spawn_in(&limiter, || async { 1 });
    let (mut first, mut second) = (Box::pin(spawn()), Box::pin(spawn()));
    ensure!(poll_once(&mut first).await.is_none() && poll_once(&mut second).await.is_none());
    held.release().await?;
    // The first has the permit now, and is not polled any more.
    ensure!((limiter.under_way(), limiter.waiting()) == (1, 1), "{limiter:?}");
    drop(first);
    ensure!(second.await?.await? == 1);
    check_all_free(&rt, &limiter, 1).await
}

pub async fn a_caller_killed_while_it_waits_has_spawned_no_task<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (limiter, called) = (with_permits(1)?, Latch::new());
    let held = fill(&rt, &limiter, 1).await?;
    let (line, call, inner) = (limiter.clone(), called.clone(), rt.clone());
    let caller = AsyncTask::to::<()>().on(&rt).try_spawn(move || async move {
        let task = AsyncTask::to::<()>().on(&inner).spawn_in(&line, || async move { call.set() });
        Ok(task.await?.await?)
    });
    until_waiting(&limiter, 1).await;
    ensure!(caller.cancel(CancelLevel::Kill).await.was_cancelled());
    ensure!(limiter.waiting() == 0, "it still waits");
    held.release().await?;
    check_all_free(&rt, &limiter, 1).await?;
    ensure!(!called.is_set(), "it was spawned");
    Ok(())
}

/// Spawns a child that ends when it is released, and returns its handle.
fn leaves_a_child<R: Runtime>(rt: &R, open: Latch) -> Result<Task<(), R>, BoxError> {
    Ok(AsyncTask::to::<()>().on(rt).spawn(|| async move { open.wait().await }))
}

pub async fn the_permit_is_held_until_the_children_have_ended<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (limiter, open, returned) = (with_permits(1)?, Latch::new(), Latch::new());
    let (inner, opened, returns) = (rt.clone(), open.clone(), returned.on_drop());
    let task = AsyncTask::to::<Task<(), R>>().on(&rt).spawn_in(&limiter, move || {
        let child = leaves_a_child(&inner, opened);
        async move {
            let _returning = returns;
            child
        }
    });
    let task = task.await?;
    returned.wait().await;
    let mut next = Box::pin(AsyncTask::to::<()>().on(&rt).spawn_in(&limiter, || async {}));
    stays_pending(&rt, &mut next).await?;
    ensure!((limiter.under_way(), limiter.waiting()) == (1, 1), "{limiter:?}");
    open.set();
    task.await?.await?;
    next.await?.await?;
    check_all_free(&rt, &limiter, 1).await
}

pub async fn retries_and_a_recovery_keep_the_permit<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (limiter, (note, noted)) = (with_permits(1)?, async_channel::unbounded());
    let (line, within) = (limiter.clone(), limiter.clone());
    let builder = AsyncTask::to::<usize>().on(&rt).retry(2).backoff(RetryStrategy::Immediate);
    let builder = builder.recover_with(move |_| {
        let held = line.under_way();
        async move { held }
    });
    let task = builder.spawn_in(&limiter, move || {
        let _ = note.try_send(within.under_way());
        async { Err::<usize, _>("it fails") }
    });
    let task = task.await?;
    let mut next = Box::pin(AsyncTask::to::<()>().on(&rt).spawn_in(&limiter, || async {}));
    let early = poll_once(&mut next).await;
    ensure!(task.await? == 1, "the recovery had no permit");
    for _ in 0..3 {
        ensure!(noted.recv().await? == 1, "an attempt had no permit");
    }
    match early {
        Some(task) => task?.await?,
        None => next.await?.await?,
    }
    check_all_free(&rt, &limiter, 1).await
}

pub async fn a_spawn_beyond_the_bound_on_waiters_is_rejected<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let limiter = Limiter::builder().max_concurrent(1).max_waiting(0).build()?;
    let (held, called, line) = (fill(&rt, &limiter, 1).await?, Latch::new(), limiter.clone());
    let call = called.clone();
    let value = AsyncTask::to::<u32>().on(&rt).scope(|s| async move {
        let refused = s.spawn_in(&line, || async move {
            call.set();
            Ok(())
        });
        // The error is its caller's, and no failure of the scope.
        let error = failed(refused.await)?;
        check(error.is_rejected(), "it was not rejected")?;
        Ok(4)
    });
    ensure!(value.await? == 4 && !called.is_set());
    held.release().await?;
    Ok(())
}

pub async fn the_most_urgent_caller_comes_first<R: Runtime>(rt: R, _: Facts) -> Outcome {
    const PRIORITIES: [TaskPriority; 3] = [TaskPriority::Low, TaskPriority::Normal, TaskPriority::Critical];
    let limiter = Limiter::builder().max_concurrent(1).ageing(Duration::MAX).build()?;
    let (held, (note, noted)) = (fill(&rt, &limiter, 1).await?, async_channel::unbounded());
    let mut callers = Vec::new();
    for (before, priority) in PRIORITIES.into_iter().enumerate() {
        let (line, note, inner) = (limiter.clone(), note.clone(), rt.clone());
        callers.push(AsyncTask::to::<()>().on(&rt).priority(priority).try_spawn(move || async move {
            let task = AsyncTask::to::<()>().on(&inner).spawn_in(&line, move || async move {
                let _ = note.try_send(priority);
            });
            Ok(task.await?.await?)
        }));
        until_waiting(&limiter, before + 1).await;
    }
    held.release().await?;
    // An await of a caller would lend it a priority.
    for due in PRIORITIES.into_iter().rev() {
        let came = noted.recv().await?;
        ensure!(came == due, "{came} in place of {due}");
    }
    for caller in callers {
        caller.await?;
    }
    check_all_free(&rt, &limiter, 1).await
}

pub async fn a_rate_is_that_of_the_spawns<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let limiter = Limiter::builder().rate(1, 10.millis()).build()?;
    let begun = rt.now();
    for _ in 0..3 {
        let task = AsyncTask::to::<()>().on(&rt).spawn_in(&limiter, || async {});
        task.await?.await?;
    }
    let took = rt.now().saturating_duration_since(begun);
    ensure!(took >= 20.millis() && (!at.virtual_time || took == 20.millis()), "{took:?}");
    Ok(())
}

pub async fn a_scope_that_has_ended_meanwhile_takes_no_member<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (limiter, called) = (with_permits(1)?, Latch::new());
    let held = fill(&rt, &limiter, 1).await?;
    let (line, call) = (limiter.clone(), called.clone());
    let waits = AsyncTask::to().on(&rt).scope(|s| async move {
        let mut waits = Box::pin(s.spawn_in(&line, || async move {
            call.set();
            Ok(())
        }));
        check(poll_once(&mut waits).await.is_none(), "it does not wait")?;
        Ok(waits)
    });
    let waits = waits.await?;
    ensure!(limiter.waiting() == 1, "{limiter:?}");
    held.release().await?;
    let error = failed(waits.await)?;
    ensure!(matches!(error, AsyncTaskError::InvalidState(_)), "{error:?}");
    check_all_free(&rt, &limiter, 1).await?;
    ensure!(!called.is_set(), "refused work was called");
    Ok(())
}

pub async fn the_failure_of_a_member_is_that_of_its_scope<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (limiter, inner) = (with_permits(2)?, rt.clone());
    let line = limiter.clone();
    let result = AsyncTask::to().on(&rt).scope(|s| async move {
        let builder = AsyncTask::to::<()>().on(&inner).name("spawned");
        let member = s.spawn_as_in(builder, &line, || async { Err::<(), _>("in its place") });
        drop(member.await?);
        pending::<Result<(), BoxError>>().await
    });
    let error = failed(result.await)?;
    ensure!(source_text(&error) == "in its place" && error.to_string().contains("spawned"), "{error}");
    check_all_free(&rt, &limiter, 2).await
}

pub async fn the_limiter_of_the_work_must_be_another_one<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (limiter, own) = (with_permits(1)?, with_permits(1)?);
    let builder = AsyncTask::to::<()>().on(&rt).limiter(&limiter);
    let errors = [
        failed(builder.clone().spawn_in(&limiter, || async {}).await)?,
        failed(builder.retry(1).spawn_in(&limiter, || async {}).await)?,
    ];
    for error in errors {
        ensure!(matches!(error, AsyncTaskError::InvalidConfig(_)), "{error:?}");
    }
    let held = fill(&rt, &own, 1).await?;
    let mut task = AsyncTask::to::<()>().on(&rt).limiter(&own).spawn_in(&limiter, || async {}).await?;
    stays_pending(&rt, &mut task).await?;
    ensure!((limiter.under_way(), own.under_way(), own.waiting()) == (1, 1, 1), "it does not hold both");
    held.release().await?;
    task.await?;
    check_all_free(&rt, &limiter, 1).await?;
    check_all_free(&rt, &own, 1).await
}

pub async fn a_policy_that_cannot_work_is_refused_before_the_wait<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (limiter, all) = (with_permits(1)?, orchestra(&rt).build()?);
    let held = fill(&rt, &limiter, 1).await?;
    let never = RetryStrategy::Exponential { base: 1.millis(), factor: f64::NAN, max: 1.millis() };
    let builder = AsyncTask::to::<u32>().on(&rt).retry(1).backoff(never);
    let hedge = AsyncTask::to::<u32>().on(&rt).hedge(Hedge::after(1.millis()).at_most(0));
    let chaos = AsyncTask::to::<u32>().on(&rt).chaos(Chaos::new().panic(1.5));
    let node = builder.clone().orchestrator(&all);
    let first = [
        poll_once(pin!(builder.spawn_in(&limiter, || async { 1 }))).await.map(|spawned| spawned.map(drop)),
        poll_once(pin!(hedge.spawn_in(&limiter, || async { 1 }))).await.map(|spawned| spawned.map(drop)),
        poll_once(pin!(chaos.spawn_in(&limiter, || async { 1 }))).await.map(|spawned| spawned.map(drop)),
        poll_once(pin!(node.spawn_in(&limiter, || async { 1 }))).await.map(|spawned| spawned.map(drop)),
    ];
    for (number, polled) in first.into_iter().enumerate() {
        let error = failed(polled.with_context(|| format!("{number} waits"))?)?;
        ensure!(matches!(error, AsyncTaskError::InvalidConfig(_)), "{number}: {error:?}");
    }
    ensure!(limiter.waiting() == 0);
    held.release().await?;
    check_all_free(&rt, &limiter, 1).await
}

pub async fn an_ad_hoc_task_of_an_orchestra_can_wait_too<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (all, limiter) = (orchestra(&rt).build()?, with_permits(1)?);
    let held = fill(&rt, &limiter, 1).await?;
    let builder = AsyncTask::to::<u32>().on(&rt).orchestrator(&all).name("ad-hoc");
    {
        let mut waits = Box::pin(builder.clone().spawn_in(&limiter, || async { 3 }));
        ensure!(poll_once(&mut waits).await.is_none());
        ensure!(all.execution_stats().total() == 0, "it is a task of the orchestra already");
        held.release().await?;
        let task = waits.await?;
        ensure!(task.await? == 3);
    }
    let stats = all.execution_stats();
    ensure!((stats.completed, stats.total()) == (1, 1), "{stats:?}");
    check_all_free(&rt, &limiter, 1).await?;
    all.cancel(CancelLevel::Kill).await;
    let error = failed(builder.spawn_in(&limiter, || async { 3 }).await)?;
    let closed = error.downcast_ref::<OrchestratorError>();
    ensure!(matches!(closed, Some(OrchestratorError::Closed)), "{error}");
    check_all_free(&rt, &limiter, 1).await
}
