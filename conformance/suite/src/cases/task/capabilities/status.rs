//! Capabilities, `StatusEnabledTask`, `NamedTask` and `TaskId`: a task's status, name and id.

use std::collections::HashSet;

use crate::library::TaskId;

use crate::kit::explode;
use crate::kit::prelude::*;

pub async fn pending_then_running_then_completed<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (started, open) = (Latch::new(), Latch::new());
    let (start, opened) = (started.clone(), open.clone());
    let held = hold_workers(&rt, at).await?;
    let mut task = AsyncTask::to::<()>().on(&rt).spawn(|| async move {
        start.set();
        opened.wait().await;
    });
    let canceller = task.canceller();
    ensure!((task.status(), canceller.status()) == (TaskStatus::Pending, TaskStatus::Pending));
    held.release().await?;
    started.wait().await;
    ensure!((task.status(), canceller.status()) == (TaskStatus::Running, TaskStatus::Running));
    open.set();
    (&mut task).await?;
    ensure!((task.status(), canceller.status()) == (TaskStatus::Completed, TaskStatus::Completed));
    Ok(())
}

pub async fn an_error_a_panic_and_a_timeout_are_failures<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let builder = AsyncTask::to::<u32>().on(&rt);
    let mut own = builder.clone().spawn(|| async { Err::<u32, _>("no") });
    failed((&mut own).await)?;
    let mut panics = builder.clone().spawn(|| async { explode::<u32>("no") });
    failed((&mut panics).await)?;
    let mut late = builder.spawn_with_timeout(Duration::ZERO, pending::<u32>);
    failed((&mut late).await)?;
    ensure!([own.status(), panics.status(), late.status()] == [TaskStatus::Failed; 3]);
    Ok(())
}

pub async fn pending_cancellation_then_cancelled<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let held = hold_workers(&rt, at).await?;
    let mut task = AsyncTask::to::<()>().on(&rt).spawn(pending::<()>);
    let end = task.cancel(CancelLevel::Kill);
    ensure!(task.status() == TaskStatus::PendingCancellation);
    held.release().await?;
    ensure!(end.await.status() == TaskStatus::Cancelled);
    ensure!(task.status() == TaskStatus::Cancelled);
    ensure!(failed((&mut task).await)?.is_cancelled());
    ensure!(task.status() == TaskStatus::Cancelled, "a terminal status stays");
    Ok(())
}

pub async fn a_status_goes_through_its_number_and_back<R: Runtime>(_: R, _: Facts) -> Outcome {
    let all = (0..=u8::MAX).filter_map(|code| TaskStatus::try_from(code).ok().map(|status| (code, status)));
    let all: Vec<(u8, TaskStatus)> = all.collect();
    ensure!(all.len() == 6);
    for (code, status) in &all {
        ensure!(u8::from(*status) == *code);
    }
    ensure!(TaskStatus::try_from(6) == Err(6));
    let terminal = [TaskStatus::Completed, TaskStatus::Failed, TaskStatus::Cancelled];
    ensure!(all.iter().all(|(_, status)| status.is_terminal() == terminal.contains(status)));
    Ok(())
}

pub async fn ids_are_unique_and_survive_text<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let tasks: Vec<_> = (0..1_000).map(|_| AsyncTask::to::<()>().on(&rt).spawn(|| async {})).collect();
    let ids: HashSet<TaskId> = tasks.iter().map(Task::id).collect();
    ensure!(ids.len() == 1_000);
    for id in ids {
        ensure!(id.to_string().parse::<TaskId>()? == id);
        ensure!(id.as_u64().map(TaskId::from_u64) == Some(id));
    }
    for junk in ["seven", "", "+5", "-5", " 5", "5 ", "05", "00", "0x5", "18446744073709551616"] {
        ensure!(junk.parse::<TaskId>().is_err(), "{junk:?} is no id");
    }
    for task in tasks {
        task.await?;
    }
    Ok(())
}

pub async fn a_name_is_on_the_handle<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let named = AsyncTask::to::<()>().on(&rt).name("download").spawn(|| async {});
    let unnamed = AsyncTask::to::<()>().on(&rt).spawn(|| async {});
    ensure!(named.name().as_deref() == Some("download"));
    ensure!(unnamed.name().is_none());
    ensure!(format!("{named:?}").contains("download"));
    named.await?;
    unnamed.await?;
    Ok(())
}

pub async fn passing_on_a_cancellation_is_a_failure<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let inner = rt.clone();
    let mut task = AsyncTask::to::<()>().on(&rt).spawn(move || async move {
        let child = AsyncTask::to::<()>().on(&inner).spawn(pending::<()>);
        drop(child.cancel(CancelLevel::Kill));
        child.await
    });
    ensure!(failed((&mut task).await)?.is_cancelled());
    ensure!(task.status() == TaskStatus::Failed, "it was not cancelled: {}", task.status());
    Ok(())
}

pub async fn a_handle_reports_that_its_task_is_finished<R: Runtime>(rt: R, _: Facts) -> Outcome {
    fn as_capability(task: &impl crate::library::StatusEnabledTask) -> bool {
        task.is_finished()
    }
    let (open, dropped) = (Latch::new(), Latch::new());
    let (opened, guard) = (open.clone(), dropped.on_drop());
    let mut task = AsyncTask::to::<u32>().on(&rt).spawn(move || async move {
        let _guard = guard;
        opened.wait().await;
        7
    });
    ensure!(!task.is_finished() && !as_capability(&task));
    open.set();
    ensure!((&mut task).await? == 7);
    ensure!(task.is_finished() && as_capability(&task) && dropped.is_set());
    let killed = AsyncTask::to::<()>().on(&rt).spawn(pending::<()>);
    killed.cancel(CancelLevel::Kill).await;
    ensure!(killed.is_finished());
    let sum = AsyncTask::emits::<u32>()
        .on(&rt)
        .sender(|sources| sources.of([10, 20]).into_chunks(1.items()))
        .fold(|| 0, |sum: &mut u32, event| *sum += event.take_data(), |left, right| left + right);
    let mut pipeline = sum.spawn();
    ensure!((&mut pipeline).await?.0 == 30 && pipeline.is_finished());
    let inner = rt.clone();
    let member = AsyncTask::to::<bool>().on(&rt).scope(|s| async move {
        let mut member = s.spawn_as(AsyncTask::to::<()>().on(&inner), || async {});
        (&mut member).await?;
        Ok(member.is_finished())
    });
    ensure!(member.await?);
    let all = crate::kit::orchestras::orchestra(&rt).build()?;
    all.register_task("a", AsyncTask::to::<()>().on(&rt), || async {})?;
    ensure!(!as_capability(&all));
    all.run().await?;
    ensure!(as_capability(&all));
    Ok(())
}
