//! Capabilities, `TimedTask`: the times of a task's spawn, first poll and end, and its remaining time.

use crate::library::TimedTask;

use crate::cases::traits::idle;
use crate::kit::prelude::*;

fn has_no_times(task: &impl TimedTask) -> bool {
    let times = (task.created_timestamp(), task.executed_timestamp(), task.completed_timestamp());
    times == (None, None, None) && task.elapsed().is_none()
}

pub async fn no_timestamps_are_recorded_by_default<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let builder = AsyncTask::to::<()>().on(&rt).name("plain").timeout(1.hours());
    let mut task = builder.spawn_with(|cx| async move {
        if has_no_times(&cx) { Ok(()) } else { Err("it has times while it runs") }
    });
    ensure!(has_no_times(&task));
    (&mut task).await?;
    ensure!(has_no_times(&task), "it has times after its end");
    let off = AsyncTask::to::<()>().on(&rt).timestamps(true).timestamps(false).spawn(|| async {});
    ensure!(has_no_times(&off), "the last that is said holds");
    off.await?;
    // Children have timestamps only if they are asked for themselves.
    let parent = AsyncTask::to::<bool>().on(&rt).timestamps(true).spawn_with(|cx| async move {
        let child = AsyncTask::to::<()>().on(&cx.runtime()).spawn(pending::<()>);
        has_no_times(&child)
    });
    ensure!(parent.await?, "a child has its parent's times");
    Ok(())
}

pub async fn each_time_is_there_once_it_is_reached<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (started, open) = (Latch::new(), Latch::new());
    let (start, opened) = (started.clone(), open.clone());
    let held = hold_workers(&rt, at).await?;
    let before = rt.now();
    let mut task = AsyncTask::to::<()>().on(&rt).timestamps(true).spawn(|| async move {
        start.set();
        opened.wait().await;
    });
    let after = rt.now();
    let created = task.created_timestamp().context("it was spawned")?;
    ensure!(before <= created && created <= after, "not by the runtime's clock");
    ensure!((task.executed_timestamp(), task.completed_timestamp(), task.elapsed()) == (None, None, None));
    held.release().await?;
    started.wait().await;
    let executed = task.executed_timestamp().context("it was polled")?;
    ensure!(created <= executed && task.completed_timestamp().is_none() && task.elapsed().is_some());
    open.set();
    (&mut task).await?;
    let completed = task.completed_timestamp().context("it has ended")?;
    ensure!(executed <= completed && completed <= rt.now());
    ensure!(task.elapsed() == Some(completed.saturating_duration_since(executed)));
    ensure!((task.created_timestamp(), task.executed_timestamp()) == (Some(created), Some(executed)));
    Ok(())
}

pub async fn elapsed_is_from_the_first_poll_to_the_end<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let inner = rt.clone();
    let mut task = AsyncTask::to::<Option<Duration>>().on(&rt).timestamps(true).try_spawn(|| async move {
        let own = crate::library::TaskContext::current().context("a task")?;
        inner.sleep(10.millis()).await?;
        let half = own.elapsed();
        inner.sleep(10.millis()).await?;
        Ok(half)
    });
    let half = (&mut task).await?.context("it was running")?;
    let whole = task.elapsed().context("it has ended")?;
    rt.sleep(10.millis()).await?;
    ensure!(task.elapsed() == Some(whole), "after its end, time does not count");
    ensure!(half >= 10.millis() && whole >= half + 10.millis(), "{half:?} {whole:?}");
    ensure!(!at.virtual_time || (half, whole) == (10.millis(), 20.millis()), "{half:?} {whole:?}");
    Ok(())
}

pub async fn a_task_that_was_never_polled_was_not_executed<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let held = hold_workers(&rt, at).await?;
    let task = AsyncTask::to::<()>().on(&rt).timestamps(true).spawn(pending::<()>);
    let end = task.cancel(CancelLevel::Kill);
    held.release().await?;
    ensure!(end.await.was_cancelled());
    ensure!((task.executed_timestamp(), task.elapsed()) == (None, None));
    ensure!(task.completed_timestamp() >= task.created_timestamp() && task.created_timestamp().is_some());
    Ok(())
}

pub async fn times_of_every_kind_of_work_are_noted<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let builder = || AsyncTask::to::<u32>().on(&rt).timestamps(true);
    let mut tasks = [
        builder().spawn(|| 1),
        builder().spawn_blocking(|| 1),
        builder().inline().spawn(|| 1),
        builder().timeout(1.hours()).attempt_timeout(1.hours()).spawn(|| async { 1 }),
    ];
    for (kind, task) in tasks.iter_mut().enumerate() {
        (&mut *task).await?;
        let times = [task.created_timestamp(), task.executed_timestamp(), task.completed_timestamp()];
        ensure!(times.iter().all(Option::is_some) && times.is_sorted(), "kind {kind}: {times:?}");
    }
    // In place, a task is created at its first poll.
    let before = rt.now();
    let contexts =
        builder().run_with(|cx| async move { if cx.created_timestamp() >= Some(before) { 1 } else { 0 } });
    ensure!(contexts.await? == 1);
    Ok(())
}

pub async fn a_task_without_a_limit_is_never_expired<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for builder in
        [AsyncTask::to::<()>().on(&rt).name("a"), AsyncTask::to::<()>().on(&rt).timeout(Duration::MAX)]
    {
        let task = builder.spawn(pending::<()>);
        ensure!((task.timeout(), task.deadline(), task.remaining()) == (None, None, None));
        ensure!(!task.is_expired());
        task.cancel(CancelLevel::Kill).await;
        ensure!(!task.is_expired());
    }
    Ok(())
}

pub async fn a_limit_is_reported_and_counts_down<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let before = rt.now();
    let task = AsyncTask::to::<()>().on(&rt).timeout(1.hours()).spawn(pending::<()>);
    let deadline = task.deadline().context("it has a limit")?;
    ensure!(before + 1.hours() <= deadline && deadline <= rt.now() + 1.hours(), "it counts from the spawn");
    ensure!(task.timeout() == Some(1.hours()));
    rt.sleep(10.millis()).await?;
    let left = task.remaining().context("it has a limit")?;
    ensure!(
        left <= 1.hours() - 10.millis() && (!at.virtual_time || left == 1.hours() - 10.millis()),
        "{left:?}"
    );
    ensure!(task.deadline() == Some(deadline) && !task.is_expired());
    task.cancel(CancelLevel::Kill).await;
    ensure!(!task.is_expired(), "it was cancelled in time");
    Ok(())
}

pub async fn only_a_task_ended_by_its_deadline_has_expired<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let builder = AsyncTask::to::<()>().on(&rt).timeout(20.millis());
    let mut in_time = builder.clone().spawn(|| async {});
    let mut failed_itself = builder.clone().spawn(|| async { Err::<(), _>("no") });
    let mut late = builder.spawn(pending::<()>);
    ensure!(!late.is_expired() || late.remaining() == Some(Duration::ZERO));
    (&mut in_time).await?;
    failed((&mut failed_itself).await)?;
    failed((&mut late).await)?;
    rt.sleep(30.millis()).await?;
    ensure!(late.is_expired() && late.remaining() == Some(Duration::ZERO));
    ensure!(!in_time.is_expired() && !failed_itself.is_expired(), "their deadlines passed after their ends");
    Ok(())
}

pub async fn a_task_kept_from_ending_at_its_deadline_has_expired<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (task, context) = idle(&rt).await?;
    task.cancel(CancelLevel::Kill).await;
    ensure!(!context.is_expired());
    let (started, open) = (Latch::new(), Latch::new());
    let (start, opened) = (started.clone(), open.clone());
    let mut task = AsyncTask::to::<u32>().on(&rt).timeout(5.millis()).spawn_with(|cx| async move {
        cx.shield(async {
            start.set();
            opened.wait().await;
        })
        .await;
        7
    });
    started.wait().await;
    rt.sleep(10.millis()).await?;
    ensure!(task.is_expired() && task.remaining() == Some(Duration::ZERO));
    ensure!(task.status() == TaskStatus::Running, "a shielded region is not interrupted");
    open.set();
    ensure!((&mut task).await? == 7, "a value that is ready wins");
    ensure!(!task.is_expired(), "it ended with a value");
    Ok(())
}
