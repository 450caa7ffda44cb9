//! Promise 6, levels: a cancellation at each level and at each moment of a task's life leaves one end.

use crate::library::{CancelOutcome, CancellableTask as _, CancellationResult, TaskContext};

use crate::kit::prelude::*;

pub(crate) const LEVELS: [CancelLevel; 3] = [CancelLevel::Graceful, CancelLevel::Kill, CancelLevel::KillHard];

/// The value of a task that ends by itself.
pub(crate) const VALUE: u32 = 7;

/// Returns the outcome of a task that is cancelled at `level`, and ends by itself once it is notified.
pub(crate) fn expected_end(level: CancelLevel) -> (CancelOutcome, TaskStatus) {
    match level {
        CancelLevel::Graceful => (CancelOutcome::Success, TaskStatus::Completed),
        _ => (CancelOutcome::Cancelled, TaskStatus::Cancelled),
    }
}

/// Checks that the answer, the handle and the status report the same end, and that no later request changes
/// it.
pub(crate) async fn agree<R: Runtime>(
    mut task: Task<u32, R>,
    end: CancellationResult,
    (outcome, status): (CancelOutcome, TaskStatus),
    level: Option<CancelLevel>,
) -> Outcome {
    let cause = level.map(|_| CancelCause::Requested);
    ensure!((end.outcome(), end.status()) == (outcome, status), "{end:?}");
    ensure!((end.level(), end.cause()) == (level, cause), "{end:?}");
    ensure!(end.has_ended() && end.stuck().is_empty(), "{end:?}");
    ensure!(end.was_cancelled() == (outcome == CancelOutcome::Cancelled), "{end:?}");
    match (&mut task).await {
        Ok(value) => ensure!(outcome == CancelOutcome::Success && value == VALUE, "{end:?} and a value"),
        Err(AsyncTaskError::Cancelled { level, cause, .. }) => {
            ensure!(outcome == CancelOutcome::Cancelled, "{end:?} and cancelled");
            ensure!((Some(level), Some(cause)) == (end.level(), end.cause()), "{end:?}, {level}, {cause}");
        }
        Err(other) => bail!("{end:?} and {other:?}"),
    }
    for level in LEVELS {
        ensure!(task.cancel(level).await == end, "asked again, it says something else");
    }
    ensure!(task.status() == status);
    Ok(())
}

/// Work that ends with its value once it is notified of the cancellation.
pub(crate) async fn ends_when_cancelled(cx: TaskContext) -> u32 {
    cx.cancelled().await;
    VALUE
}

pub async fn work_cancelled_before_its_first_poll_is_notified_or_never_called<R: Runtime>(
    rt: R,
    at: Facts,
) -> Outcome {
    for level in LEVELS {
        let (called, dropped) = (Latch::new(), Latch::new());
        let (call, guard) = (called.clone(), dropped.on_drop());
        let held = hold_workers(&rt, at).await?;
        let task = AsyncTask::to::<u32>().on(&rt).grace(1.hours()).spawn_with(move |cx| {
            let _guard = guard;
            call.set();
            ends_when_cancelled(cx)
        });
        ensure!(task.status() == TaskStatus::Pending);
        let end = task.cancel(level);
        ensure!(task.status() == TaskStatus::PendingCancellation && !called.is_set());
        held.release().await?;
        let end = end.await;
        ensure!(dropped.is_set() && called.is_set() == (level == CancelLevel::Graceful));
        agree(task, end, expected_end(level), Some(level)).await?;
    }
    Ok(())
}

pub async fn waiting_work_is_notified_or_dropped<R: Runtime>(rt: R, at: Facts) -> Outcome {
    for level in LEVELS {
        let (started, dropped) = (Latch::new(), Latch::new());
        let (start, guard) = (started.clone(), dropped.on_drop());
        let task = AsyncTask::to::<u32>().on(&rt).grace(1.hours()).spawn_with(move |cx| async move {
            let _guard = guard;
            start.set();
            ends_when_cancelled(cx).await
        });
        started.wait().await;
        // With all workers held, none is still in the poll that has set the latch.
        let held = hold_workers(&rt, at).await?;
        ensure!(task.status() == TaskStatus::Running);
        let end = task.cancel(level);
        ensure!(task.status() == TaskStatus::PendingCancellation && !dropped.is_set());
        held.release().await?;
        let end = end.await;
        ensure!(dropped.is_set());
        agree(task, end, expected_end(level), Some(level)).await?;
    }
    Ok(())
}

pub async fn a_request_can_be_escalated_within_the_grace_period<R: Runtime>(rt: R, at: Facts) -> Outcome {
    for level in LEVELS {
        let (reported, open) = (Latch::new(), Latch::new());
        let (report, opened) = (reported.clone(), open.clone());
        let task = AsyncTask::to::<u32>().on(&rt).grace(1.hours()).spawn_with(move |cx| async move {
            cx.cancelled().await;
            report.set();
            opened.wait().await;
            VALUE
        });
        let mut first = task.cancel_gracefully();
        reported.wait().await;
        let held = hold_workers(&rt, at).await?;
        ensure!(poll_once(&mut first).await.is_none(), "it is within its grace period");
        ensure!(task.status() == TaskStatus::PendingCancellation);
        let end = task.cancel(level);
        held.release().await?;
        if level == CancelLevel::Graceful {
            open.set();
        }
        let end = end.await;
        ensure!(first.await == end, "two who wait for one end");
        agree(task, end, expected_end(level), Some(level)).await?;
    }
    Ok(())
}

#[allow(clippy::async_yields_async, reason = "the handle is what escapes")]
pub async fn a_value_that_waits_for_children_is_kept_at_every_level<R: Runtime>(rt: R, at: Facts) -> Outcome {
    for level in LEVELS {
        let (returned, (handles, escaped)) = (Latch::new(), async_channel::bounded(1));
        let (leaving, inner) = (returned.on_drop(), rt.clone());
        let mut task = AsyncTask::to::<u32>().on(&rt).grace(1.hours()).spawn(|| async move {
            let _leaving = leaving;
            let child = AsyncTask::to::<u32>().on(&inner).spawn_with(ends_when_cancelled);
            let _ = handles.try_send(child);
            VALUE
        });
        returned.wait().await;
        let child = escaped.recv().await?;
        let held = hold_workers(&rt, at).await?;
        ensure!(poll_once(&mut task).await.is_none(), "its child has not ended");
        ensure!(task.status() == TaskStatus::Running);
        let end = task.cancel(level);
        held.release().await?;
        let end = end.await;
        agree(task, end, (CancelOutcome::Success, TaskStatus::Completed), Some(level)).await?;
        match (level, child.await) {
            (CancelLevel::Graceful, Ok(value)) => ensure!(value == VALUE),
            (CancelLevel::Graceful, Err(error)) => bail!("it was not given its time: {error:?}"),
            (_, result) => {
                let cause = crate::kit::cause_of(&failed(result)?);
                ensure!(cause == Some(CancelCause::ParentCancelled), "{cause:?}");
            }
        }
    }
    Ok(())
}

pub async fn after_its_end_nothing_is_recorded<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for level in LEVELS {
        let mut task = AsyncTask::to::<u32>().on(&rt).spawn(|| async { VALUE });
        let canceller = task.canceller();
        let value = (&mut task).await?;
        let end = task.cancel(level).await;
        ensure!(
            value == VALUE && (end.status(), end.level(), end.cause()) == (TaskStatus::Completed, None, None)
        );
        ensure!(end.outcome() == CancelOutcome::Success && !end.was_cancelled());
        drop(task);
        ensure!(canceller.cancel(level).await == end && canceller.status() == TaskStatus::Completed);
        let failing = AsyncTask::to::<u32>().on(&rt).spawn(|| async { Err::<u32, _>("its own") });
        let canceller = failing.canceller();
        ensure!(failed(failing.await)?.is_failure());
        let end = canceller.cancel(level).await;
        ensure!(
            (end.outcome(), end.status(), end.level()) == (CancelOutcome::Failure, TaskStatus::Failed, None)
        );
    }
    Ok(())
}

pub async fn a_level_never_falls_and_the_first_cause_stays<R: Runtime>(rt: R, at: Facts) -> Outcome {
    for first in LEVELS {
        for second in LEVELS {
            let held = hold_workers(&rt, at).await?;
            let task = AsyncTask::to::<u32>().on(&rt).grace(1.hours()).spawn(pending::<u32>);
            let canceller = task.canceller();
            drop(task.cancel(first));
            drop(canceller.cancel(second));
            let highest = first.max(second);
            // The drop is a kill with a cause of its own, which comes too late to be the first.
            drop(task);
            held.release().await?;
            let end = canceller.cancel(CancelLevel::Graceful).await;
            ensure!(end.level() == Some(highest.max(CancelLevel::Kill)), "{first}, {second}: {end:?}");
            ensure!(end.cause() == Some(CancelCause::Requested) && end.was_cancelled(), "{end:?}");
        }
    }
    let held = hold_workers(&rt, at).await?;
    let task = AsyncTask::to::<u32>().on(&rt).spawn(pending::<u32>);
    let canceller = task.canceller();
    drop(task);
    let end = canceller.cancel(CancelLevel::KillHard);
    held.release().await?;
    let end = end.await;
    ensure!((end.level(), end.cause()) == (Some(CancelLevel::KillHard), Some(CancelCause::HandleDropped)));
    Ok(())
}
