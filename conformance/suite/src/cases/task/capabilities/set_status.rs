//! Capabilities, `StatusEnabledTask`: `set_status` accepts a cancellation, and nothing after the task's end.

use crate::library::{CancellableTask as _, StatusEnabledTask as _};

use super::traits::{ALL, idle};
use crate::kit::cause_of;
use crate::kit::prelude::*;

pub async fn setting_pending_cancellation_lets_the_work_end_itself<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let open = Latch::new();
    let opened = open.clone();
    let mut task = AsyncTask::to::<u32>().on(&rt).grace(1.hours()).spawn_with(|cx| async move {
        cx.cancelled().await;
        opened.wait().await;
        let asked = (cx.level(), cx.cause());
        if asked == (Some(CancelLevel::Graceful), Some(CancelCause::Requested)) { 7 } else { 0 }
    });
    task.set_status(TaskStatus::PendingCancellation)?;
    ensure!(task.status() == TaskStatus::PendingCancellation && task.is_cancelled());
    open.set();
    ensure!((&mut task).await? == 7, "asked gracefully, by request, it gives its value");
    ensure!(task.status() == TaskStatus::Completed);
    Ok(())
}

pub async fn setting_it_cancelled_kills_it<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (mut task, context) = idle(&rt).await?;
    let called = Latch::new();
    let call = called.clone();
    context.on_cancel(move || call.set())?;
    context.set_status(TaskStatus::Cancelled)?;
    ensure!(context.level() == Some(CancelLevel::Kill));
    ensure!(cause_of(&failed((&mut task).await)?) == Some(CancelCause::Requested));
    ensure!(task.status() == TaskStatus::Cancelled && !called.is_set(), "a kill runs no callbacks");
    Ok(())
}

pub async fn a_status_set_again_lowers_nothing<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (task, context) = idle(&rt).await?;
    let held = hold_workers(&rt, at).await?;
    task.set_status(TaskStatus::PendingCancellation)?;
    ensure!(context.level() == Some(CancelLevel::Graceful));
    task.set_status(TaskStatus::Cancelled)?;
    task.set_status(TaskStatus::PendingCancellation)?;
    ensure!(context.level() == Some(CancelLevel::Kill));
    ensure!(context.status() == TaskStatus::PendingCancellation, "it has not ended");
    held.release().await?;
    ensure!(cause_of(&failed(task.await)?) == Some(CancelCause::Requested));
    Ok(())
}

pub async fn after_its_end_no_status_can_be_set<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let builder = AsyncTask::to::<u32>().on(&rt);
    let mut completed = builder.clone().spawn(|| async { 1 });
    let mut own = builder.clone().spawn(|| async { Err::<u32, _>("no") });
    let mut killed = builder.spawn(pending::<u32>);
    (&mut completed).await?;
    failed((&mut own).await)?;
    killed.cancel(CancelLevel::Kill).await;
    failed((&mut killed).await)?;
    for (task, end) in
        [(completed, TaskStatus::Completed), (own, TaskStatus::Failed), (killed, TaskStatus::Cancelled)]
    {
        for status in ALL {
            let error = failed(task.set_status(status))?;
            ensure!(matches!(error, AsyncTaskError::InvalidState(_)), "{end}, to {status}: {error:?}");
            ensure!(task.status() == end);
        }
        ensure!(task.is_cancelled() == (end == TaskStatus::Cancelled), "asked to stop after its end");
    }
    Ok(())
}

pub async fn a_task_not_yet_started_can_be_set_cancelled<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let called = Latch::new();
    let call = called.clone();
    let held = hold_workers(&rt, at).await?;
    let task = AsyncTask::to::<()>().on(&rt).spawn(move || async move { call.set() });
    task.set_status(TaskStatus::Cancelled)?;
    held.release().await?;
    ensure!(failed(task.await)?.is_cancelled() && !called.is_set());
    Ok(())
}

pub async fn each_way_to_cancel_has_its_own_level<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (task, context) = idle(&rt).await?;
    let held = hold_workers(&rt, at).await?;
    ensure!(!task.is_cancelled() && context.level().is_none());
    drop(task.cancel_gracefully());
    ensure!(context.level() == Some(CancelLevel::Graceful));
    drop(task.cancel_forcefully());
    ensure!(context.level() == Some(CancelLevel::Kill));
    drop(task.cancel_immediately());
    ensure!(context.level() == Some(CancelLevel::KillHard));
    drop(task.cancel_gracefully());
    ensure!(context.level() == Some(CancelLevel::KillHard) && task.is_cancelled());
    held.release().await?;
    let AsyncTaskError::Cancelled { level, .. } = failed(task.await)? else { bail!("it was cancelled") };
    ensure!(level == CancelLevel::KillHard, "the highest level is reported");
    Ok(())
}
