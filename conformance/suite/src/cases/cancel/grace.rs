//! Promise 6, levels: a graceful cancellation gives a grace period, and then kills.

use std::time::Instant;

use crate::library::task::DEFAULT_GRACE;
use crate::library::{CancelOutcome, TaskContext};

use crate::kit::explode;
use crate::kit::prelude::*;

const GRACE: Duration = Duration::from_millis(20);

/// A value that reports the time of its drop, by the clock of its runtime.
struct Stamp<R: Runtime>(R, async_channel::Sender<Instant>);

impl<R: Runtime> Drop for Stamp<R> {
    fn drop(&mut self) {
        let _ = self.1.try_send(self.0.now());
    }
}

fn stamp<R: Runtime>(rt: &R) -> (Stamp<R>, async_channel::Receiver<Instant>) {
    let (dropped, drops) = async_channel::bounded(1);
    (Stamp(rt.clone(), dropped), drops)
}

/// Checks a time span: never early, and where time is virtual not late either.
fn took(at: Facts, begun: Instant, ended: Instant, due: Duration) -> Outcome {
    let took = ended.saturating_duration_since(begun);
    ensure!(took >= due && (!at.virtual_time || took == due), "{took:?} in place of {due:?}");
    Ok(())
}

/// A task that ignores its cancellation request, and has started for certain.
async fn ignores_cancellation<R: Runtime>(
    rt: &R,
    grace: Duration,
) -> Result<(Task<(), R>, async_channel::Receiver<Instant>), Failure> {
    let ((stamp, dropped), (start, started)) = (stamp(rt), async_channel::bounded(1));
    let task = AsyncTask::to::<()>().on(rt).grace(grace).spawn(|| async move {
        let _stamp = stamp;
        let _ = start.try_send(());
        pending::<()>().await
    });
    started.recv().await?;
    Ok((task, dropped))
}

pub async fn a_result_within_the_grace_period_counts<R: Runtime>(rt: R, _: Facts) -> Outcome {
    async fn later(cx: TaskContext) {
        cx.cancelled().await;
        yield_now().await;
        let _ = cx.runtime().sleep(1.millis()).await;
    }
    let builder = AsyncTask::to::<u32>().on(&rt).grace(1.hours());
    let mut gives = builder.clone().spawn_with(|cx| async move {
        later(cx).await;
        5
    });
    let mut fails = builder.clone().spawn_with(|cx| async move {
        later(cx).await;
        Err::<u32, _>("its own")
    });
    let mut panics = builder.spawn_with(|cx| async move {
        later(cx).await;
        explode::<u32>("its own")
    });
    let (given, own, panicked) = (
        gives.cancel(CancelLevel::Graceful).await,
        fails.cancel(CancelLevel::Graceful).await,
        panics.cancel(CancelLevel::Graceful).await,
    );
    ensure!((given.outcome(), given.status()) == (CancelOutcome::Success, TaskStatus::Completed));
    ensure!((own.outcome(), own.status()) == (CancelOutcome::Failure, TaskStatus::Failed));
    ensure!((panicked.outcome(), panicked.status()) == (CancelOutcome::Failure, TaskStatus::Failed));
    for end in [given, own, panicked] {
        ensure!((end.level(), end.cause()) == (Some(CancelLevel::Graceful), Some(CancelCause::Requested)));
    }
    ensure!((&mut gives).await? == 5);
    ensure!(failed((&mut fails).await)?.is_failure());
    ensure!(failed((&mut panics).await)?.is_panic());
    Ok(())
}

pub async fn a_grace_period_ends_in_a_kill_exactly_at_its_end<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (task, dropped) = ignores_cancellation(&rt, GRACE).await?;
    rt.sleep(3.millis()).await?;
    let begun = rt.now();
    let end = task.cancel(CancelLevel::Graceful).await;
    ensure!((end.level(), end.cause()) == (Some(CancelLevel::Kill), Some(CancelCause::Requested)), "{end:?}");
    ensure!(end.was_cancelled() && end.status() == TaskStatus::Cancelled);
    took(at, begun, dropped.recv().await?, GRACE)?;
    took(at, begun, rt.now(), GRACE)?;
    let AsyncTaskError::Cancelled { level, cause, .. } = failed(task.await)? else { bail!("not cancelled") };
    ensure!((level, cause) == (CancelLevel::Kill, CancelCause::Requested));
    Ok(())
}

pub async fn a_grace_period_of_zero_leaves_waiting_work_one_poll<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let reported = Latch::new();
    let report = reported.clone();
    let (started, starts) = async_channel::bounded(2);
    let also_started = started.clone();
    let builder = AsyncTask::to::<u32>().on(&rt).grace(Duration::ZERO);
    let answers = builder.clone().spawn_with(|cx| async move {
        let _ = started.try_send(());
        cx.cancelled().await;
        4
    });
    let asks_for_more = builder.spawn_with(|cx| async move {
        let _ = also_started.try_send(());
        cx.cancelled().await;
        report.set();
        yield_now().await;
        4
    });
    for _ in 0..2 {
        starts.recv().await?;
    }
    // No poll is in progress, so that the next poll is the one that sees the request.
    let held = hold_workers(&rt, at).await?;
    let ends = (answers.cancel(CancelLevel::Graceful), asks_for_more.cancel(CancelLevel::Graceful));
    held.release().await?;
    ensure!(ends.0.await.outcome() == CancelOutcome::Success && answers.await? == 4, "a ready value wins");
    ensure!(ends.1.await.was_cancelled() && reported.is_set());
    Ok(())
}

pub async fn the_default_grace_period_is_five_seconds<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (begin, begun) = async_channel::bounded(1);
    let (stamp, dropped) = stamp(&rt);
    let task = AsyncTask::to::<()>().on(&rt).spawn(|| async move {
        let _stamp = stamp;
        let _ = begin.try_send(());
        pending::<()>().await
    });
    begun.recv().await?;
    ensure!(DEFAULT_GRACE == 5.seconds());
    let asked = rt.now();
    let mut end = task.cancel(CancelLevel::Graceful);
    if at.virtual_time {
        ensure!((&mut end).await.was_cancelled());
        return took(at, asked, dropped.recv().await?, DEFAULT_GRACE);
    }
    // In real time the period is too long for a case; only that the task does not end at once is checked.
    rt.sleep(GRACE).await?;
    ensure!(poll_once(&mut end).await.is_none() || rt.now() >= asked + DEFAULT_GRACE);
    Ok(())
}

pub async fn the_longest_duration_never_kills<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let open = Latch::new();
    let opened = open.clone();
    let task = AsyncTask::to::<u32>().on(&rt).grace(Duration::MAX).spawn(|| async move {
        opened.wait().await;
        6
    });
    let mut end = task.cancel(CancelLevel::Graceful);
    // In the simulation this is the last moment that its clock can count, with all timers before it.
    rt.sleep(if at.virtual_time { Duration::from_nanos(u64::MAX) } else { GRACE }).await?;
    ensure!(poll_once(&mut end).await.is_none(), "it was killed after {GRACE:?} or some centuries");
    let mut task = task;
    ensure!(task.status() == TaskStatus::PendingCancellation);
    open.set();
    ensure!((&mut task).await? == 6 && end.await.outcome() == CancelOutcome::Success);
    Ok(())
}

pub async fn a_cancellation_may_give_another_one<R: Runtime>(rt: R, at: Facts) -> Outcome {
    for (built_with, then) in [(1.hours(), GRACE), (Duration::MAX, GRACE), (10.millis(), GRACE)] {
        let (task, dropped) = ignores_cancellation(&rt, built_with).await?;
        let held = hold_workers(&rt, at).await?;
        let begun = rt.now();
        let end = task.cancel(CancelLevel::Graceful).grace(then);
        held.release().await?;
        ensure!(end.await.level() == Some(CancelLevel::Kill));
        took(at, begun, dropped.recv().await?, then)?;
    }
    Ok(())
}

pub async fn it_counts_from_the_first_request_however_often_it_is_set<R: Runtime>(
    rt: R,
    at: Facts,
) -> Outcome {
    let (task, dropped) = ignores_cancellation(&rt, 1.hours()).await?;
    let begun = rt.now();
    drop(task.cancel(CancelLevel::Graceful));
    rt.sleep(5.millis()).await?;
    drop(task.cancel(CancelLevel::Graceful).grace(2.hours()));
    rt.sleep(5.millis()).await?;
    let end = task.cancel(CancelLevel::Graceful).grace(GRACE);
    ensure!(end.await.was_cancelled());
    took(at, begun, dropped.recv().await?, GRACE)?;
    // A period that has already passed by the time it is set.
    let (task, dropped) = ignores_cancellation(&rt, 1.hours()).await?;
    let begun = rt.now();
    drop(task.cancel(CancelLevel::Graceful));
    rt.sleep(10.millis()).await?;
    ensure!(task.cancel(CancelLevel::Graceful).grace(1.millis()).await.was_cancelled());
    took(at, begun, dropped.recv().await?, 10.millis())
}

pub async fn a_deadline_within_it_comes_first_and_is_no_cancellation<R: Runtime>(
    rt: R,
    at: Facts,
) -> Outcome {
    let builder = AsyncTask::to::<()>().on(&rt);
    // So that the request comes before the deadline is read, however long that takes.
    let held = hold_workers(&rt, at).await?;
    let begun = rt.now();
    let mut task = builder.clone().grace(1.hours()).timeout(GRACE).spawn(pending::<()>);
    let end = task.cancel(CancelLevel::Graceful);
    held.release().await?;
    let end = end.await;
    ensure!((end.outcome(), end.status()) == (CancelOutcome::Timeout, TaskStatus::Failed), "{end:?}");
    ensure!(end.level() == Some(CancelLevel::Graceful) && !end.was_cancelled());
    ensure!(failed((&mut task).await)?.is_timeout());
    took(at, begun, rt.now(), GRACE)?;
    let task = builder.clone().grace(GRACE).timeout(1.hours()).spawn(pending::<()>);
    ensure!(task.cancel(CancelLevel::Graceful).await.was_cancelled());
    if at.virtual_time {
        // At the same moment a cancellation comes before a deadline.
        let task = builder.grace(GRACE).timeout(GRACE).spawn(pending::<()>);
        ensure!(task.cancel(CancelLevel::Graceful).await.was_cancelled());
    }
    Ok(())
}

pub async fn work_that_waits_for_a_child_is_killed_with_it<R: Runtime>(rt: R, at: Facts) -> Outcome {
    // The child has no grace period of its own: the period of its parent ends.
    let inner = rt.clone();
    let task = AsyncTask::to::<()>()
        .on(&rt)
        .grace(GRACE)
        .spawn(|| async move { AsyncTask::to::<()>().on(&inner).spawn(pending::<()>).await });
    let begun = rt.now();
    let end = task.cancel(CancelLevel::Graceful).await;
    ensure!(end.level() == Some(CancelLevel::Kill) && end.was_cancelled());
    took(at, begun, rt.now(), GRACE)?;
    let AsyncTaskError::Cancelled { level, .. } = failed(task.await)? else { bail!("not cancelled") };
    ensure!(level == CancelLevel::Kill);
    Ok(())
}
