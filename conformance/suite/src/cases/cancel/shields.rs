//! Promise 6, levels: a kill and a deadline wait for the end of a `cx.shield` region.

use crate::library::{CancelOutcome, CancellableTask as _, TaskContext, TimedTask as _};
use futures_lite::future::zip;

use crate::kit::prelude::*;

/// A shielded region that is left when `open` is set, and the latches of its stages.
#[derive(Clone, Default)]
struct Region {
    entered: Latch,
    cancel_seen: Latch,
    open: Latch,
    region_ended: Latch,
    beyond: Latch,
    dropped: Latch,
}

impl Region {
    /// The body of the region: it sees the cancellation of its task, and is not stopped by it.
    async fn work(self, cx: TaskContext) {
        self.entered.set();
        cx.cancelled().await;
        self.cancel_seen.set();
        self.open.wait().await;
        yield_now().await;
        self.region_ended.set();
    }

    /// Starts a task that runs this region and goes on after it.
    async fn task<R: Runtime>(&self, rt: &R, grace: Duration) -> Task<(), R> {
        let region = self.clone();
        let task = AsyncTask::to::<()>().on(rt).grace(grace).spawn_with(|cx| async move {
            let _guard = region.dropped.on_drop();
            cx.shield(region.clone().work(cx.clone())).await;
            yield_now().await;
            region.beyond.set();
        });
        self.entered.wait().await;
        task
    }

    /// Checks that the task stays as long as the latch is closed, and opens the latch.
    async fn holds<R: Runtime>(&self, rt: &R, task: &mut Task<(), R>) -> Outcome {
        self.cancel_seen.wait().await;
        for _ in 0..20 {
            ensure!(poll_once(&mut *task).await.is_none() && !self.dropped.is_set(), "the region is broken");
            ensure!(task.status() == TaskStatus::PendingCancellation);
            AsyncTask::to::<()>().on(rt).spawn(|| async {}).await?;
        }
        ensure!(!self.region_ended.is_set());
        self.open.set();
        Ok(())
    }
}

pub async fn a_kill_waits_for_the_end_of_the_region<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let region = Region::default();
    let mut task = region.task(&rt, 1.hours()).await;
    let mut end = task.cancel_forcefully();
    region.holds(&rt, &mut task).await?;
    ensure!((&mut end).await.was_cancelled());
    ensure!(region.region_ended.is_set() && region.dropped.is_set() && !region.beyond.is_set());
    let AsyncTaskError::Cancelled { level, cause, .. } = failed(task.await)? else { bail!("not cancelled") };
    ensure!((level, cause) == (CancelLevel::Kill, CancelCause::Requested));
    Ok(())
}

pub async fn a_hard_kill_returns_at_once_and_still_waits_for_the_region<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let region = Region::default();
    let mut task = region.task(&rt, 1.hours()).await;
    drop(task.cancel_forcefully());
    let answer = poll_once(task.cancel_immediately()).await.context("it waits for the region")?;
    ensure!(answer.outcome() == CancelOutcome::Abandoned && !answer.has_ended(), "{answer:?}");
    ensure!(matches!(answer.stuck(), [own] if own.id == task.id()), "{answer:?}");
    let mut end = task.cancel_forcefully();
    ensure!(poll_once(&mut end).await.is_none(), "this one was to wait");
    region.holds(&rt, &mut task).await?;
    ensure!(end.await.level() == Some(CancelLevel::KillHard));
    ensure!(region.region_ended.is_set() && region.dropped.is_set() && !region.beyond.is_set());
    ensure!(failed(task.await)?.is_cancelled());
    Ok(())
}

pub async fn the_end_of_a_grace_period_waits_as_well<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let region = Region::default();
    let mut task = region.task(&rt, 5.millis()).await;
    let called = Latch::new();
    let call = called.clone();
    task.on_cancel(move || call.set())?;
    let end = task.cancel_gracefully();
    called.wait().await;
    rt.sleep(10.millis()).await?;
    region.holds(&rt, &mut task).await?;
    let end = end.await;
    ensure!(end.was_cancelled() && end.level() == Some(CancelLevel::Kill), "{end:?}");
    ensure!(region.region_ended.is_set() && !region.beyond.is_set());
    Ok(())
}

pub async fn a_value_that_comes_with_the_end_of_the_region_wins<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (entered, open) = (Latch::new(), Latch::new());
    let (enter, opened) = (entered.clone(), open.clone());
    let mut task = AsyncTask::to::<u32>().on(&rt).spawn_with(|cx| async move {
        let region = async {
            enter.set();
            opened.wait().await;
            11
        };
        cx.shield(region).await
    });
    entered.wait().await;
    let end = task.cancel_forcefully();
    open.set();
    ensure!((&mut task).await? == 11);
    let end = end.await;
    ensure!((end.outcome(), end.level()) == (CancelOutcome::Success, Some(CancelLevel::Kill)), "{end:?}");
    Ok(())
}

pub async fn every_kind_of_deadline_waits_for_the_end_of_the_region<R: Runtime>(rt: R, at: Facts) -> Outcome {
    const LIMIT: Duration = Duration::from_millis(5);
    const REGION: Duration = Duration::from_millis(20);
    for kind in ["timeout", "set_deadline", "set_timeout", "attempt_timeout", "in place", "run_with"] {
        let (region_ended, begun) = (Latch::new(), rt.now());
        let leave = region_ended.clone();
        let work = move |cx: TaskContext| async move {
            if kind == "set_deadline" {
                cx.set_deadline(begun + LIMIT)?;
            }
            if kind == "set_timeout" {
                cx.set_timeout(LIMIT)?;
            }
            cx.shield(cx.runtime().sleep_until(begun + REGION)).await;
            leave.set();
            pending::<Result<(), AsyncTaskError>>().await
        };
        let (builder, inner) = (AsyncTask::to::<()>().on(&rt), AsyncTask::to::<()>().on(&rt).timeout(LIMIT));
        let here = || TaskContext::current().ok_or(AsyncTaskError::InvalidState("no task here"));
        let result = match kind {
            "timeout" => builder.timeout(LIMIT).spawn_with(work).await,
            "attempt_timeout" => builder.attempt_timeout(LIMIT).spawn_with(work).await,
            "in place" => builder.spawn(move || inner.run(move || async move { work(here()?).await })).await,
            "run_with" => builder.spawn(move || inner.run_with(work)).await,
            _ => builder.spawn_with(work).await,
        };
        let took = rt.now().saturating_duration_since(begun);
        let error = failed(result)?;
        ensure!(error.is_timeout() && region_ended.is_set(), "{kind}: {error:?}");
        ensure!(took >= REGION && (!at.virtual_time || took == REGION), "{kind}: {took:?}");
    }
    Ok(())
}

pub async fn the_failure_of_a_scope_waits_for_the_end_of_the_region<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let region = Region::default();
    let (mine, beyond) = (region.clone(), region.clone());
    let scope = AsyncTask::to().on(&rt).scope(|s| async move {
        s.spawn(|| async { Err::<(), _>("a member fails".into()) });
        let cx = s.context().clone();
        cx.shield(mine.work(cx.clone())).await;
        yield_now().await;
        beyond.beyond.set();
        Ok(())
    });
    let outside = async {
        region.cancel_seen.wait().await;
        for _ in 0..20 {
            AsyncTask::to::<()>().on(&rt).spawn(|| async {}).await?;
        }
        ensure!(!region.region_ended.is_set());
        region.open.set();
        Ok(())
    };
    let (result, outside) = zip(scope, outside).await;
    outside?;
    ensure!(source_text(&failed(result)?).contains("a member fails"));
    ensure!(region.region_ended.is_set() && !region.beyond.is_set());
    Ok(())
}

pub async fn of_nested_regions_the_outer_one_holds<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (inner, outer) = (Region::default(), Region::default());
    let (first, second, dropped) = (inner.clone(), outer.clone(), Latch::new());
    let guard = dropped.on_drop();
    let task = AsyncTask::to::<()>().on(&rt).spawn_with(|cx| async move {
        let _guard = guard;
        let own = cx.clone();
        cx.shield(async move {
            own.shield(first.work(own.clone())).await;
            second.work(own.clone()).await;
            // Regions may follow each other, any number of times.
            own.shield(yield_now()).await;
        })
        .await;
        pending::<()>().await
    });
    inner.entered.wait().await;
    let end = task.cancel_forcefully();
    inner.cancel_seen.wait().await;
    inner.open.set();
    outer.cancel_seen.wait().await;
    for _ in 0..20 {
        AsyncTask::to::<()>().on(&rt).spawn(|| async {}).await?;
    }
    ensure!(
        inner.region_ended.is_set() && !dropped.is_set(),
        "the outer region has ended with the inner one"
    );
    outer.open.set();
    ensure!(end.await.was_cancelled() && outer.region_ended.is_set());
    Ok(())
}

pub async fn a_region_in_an_in_place_task_or_scope_shields_the_whole_task<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    for (scoped, hard) in [(false, false), (true, false), (false, true), (true, true)] {
        let region = Region::default();
        let (mine, inner) = (region.clone(), rt.clone());
        let mut task = AsyncTask::to::<()>().on(&rt).grace(1.hours()).try_spawn(move || async move {
            let _guard = mine.dropped.on_drop();
            let beyond = mine.beyond.clone();
            if scoped {
                let scope = AsyncTask::to::<()>().on(&inner).scope(|s| async move {
                    let cx = s.context().clone();
                    cx.shield(mine.work(cx.clone())).await;
                    Ok(yield_now().await)
                });
                scope.await?;
            } else {
                let part = |cx: TaskContext| async move {
                    cx.shield(mine.work(cx.clone())).await;
                    yield_now().await;
                };
                AsyncTask::to::<()>().on(&inner).run_with(part).await?;
            }
            beyond.set();
            Ok(())
        });
        region.entered.wait().await;
        // A graceful request reaches the part; a kill of the whole does not, before the region's end.
        drop(task.cancel_gracefully());
        region.cancel_seen.wait().await;
        let mut end = if hard { task.cancel_immediately() } else { task.cancel_forcefully() };
        let answer = poll_once(&mut end).await.map(|answer| answer.outcome());
        ensure!(answer == hard.then_some(CancelOutcome::Abandoned), "{answer:?}");
        region.holds(&rt, &mut task).await?;
        ensure!(hard || end.await.was_cancelled());
        ensure!(failed(task.await)?.is_cancelled());
        ensure!(region.region_ended.is_set() && region.dropped.is_set() && !region.beyond.is_set());
    }
    Ok(())
}
