//! Promise 1, drop: a dropped handle kills its task and returns at once; a detached task runs on.

use std::thread;

use crate::kit::prelude::*;
use crate::kit::spans::{is_open, span};

pub async fn dropping_the_handle_cancels_the_task<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (started, dropped) = (Latch::new(), Latch::new());
    let (start, guard) = (started.clone(), dropped.on_drop());
    let task = AsyncTask::to::<()>().on(&rt).spawn(|| async move {
        let _guard = guard;
        start.set();
        pending::<()>().await
    });
    let canceller = task.canceller();
    started.wait().await;
    drop(task);
    dropped.wait().await;
    let end = canceller.cancel(CancelLevel::Kill).await;
    ensure!(end.was_cancelled() && end.status() == TaskStatus::Cancelled);
    ensure!(end.cause() == Some(CancelCause::HandleDropped), "{end:?}");
    ensure!(end.level() == Some(CancelLevel::Kill));
    Ok(())
}

pub async fn work_dropped_before_its_first_poll_never_runs<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (called, dropped) = (Latch::new(), Latch::new());
    let (call, guard) = (called.clone(), dropped.on_drop());
    let held = hold_workers(&rt, at).await?;
    let task = AsyncTask::to::<()>().on(&rt).spawn(move || async move {
        let _guard = guard;
        call.set();
    });
    let canceller = task.canceller();
    drop(task);
    held.release().await?;
    let end = canceller.cancel(CancelLevel::Kill).await;
    ensure!(end.cause() == Some(CancelCause::HandleDropped) && end.was_cancelled(), "{end:?}");
    ensure!(dropped.is_set() && !called.is_set());
    Ok(())
}

pub async fn a_handle_may_be_dropped_on_another_thread<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let dropped = Latch::new();
    let guard = dropped.on_drop();
    let task = AsyncTask::to::<()>().on(&rt).spawn(|| async move {
        let _guard = guard;
        pending::<()>().await
    });
    let canceller = task.canceller();
    ensure!(thread::spawn(move || drop(task)).join().is_ok());
    dropped.wait().await;
    ensure!(canceller.cancel(CancelLevel::Kill).await.cause() == Some(CancelCause::HandleDropped));
    Ok(())
}

pub async fn dropping_the_handle_of_a_finished_task_changes_nothing<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let task = AsyncTask::to::<()>().on(&rt).spawn(|| async {});
    let canceller = task.canceller();
    while !task.status().is_terminal() {
        yield_now().await;
    }
    drop(task);
    let end = canceller.cancel(CancelLevel::Kill).await;
    ensure!((end.status(), end.cause(), end.was_cancelled()) == (TaskStatus::Completed, None, false));
    Ok(())
}

pub async fn dropping_an_await_of_a_borrowed_handle_cancels_nothing<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let open = Latch::new();
    let opened = open.clone();
    let mut task = AsyncTask::to::<u32>().on(&rt).spawn(|| async move {
        opened.wait().await;
        1
    });
    ensure!(poll_once(&mut task).await.is_none());
    open.set();
    ensure!(task.await? == 1);
    Ok(())
}

pub async fn a_drop_returns_at_once_while_blocking_work_runs<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (started, open) = (Latch::new(), Latch::new());
    let (start, opened) = (started.clone(), open.clone());
    let task = AsyncTask::to::<()>().on(&rt).spawn_blocking(move || {
        start.set();
        opened.wait_blocking();
    });
    let canceller = task.canceller();
    started.wait().await;
    // A drop that waited for the work would never return: the latch is set after it.
    drop(task);
    ensure!(canceller.status() == TaskStatus::PendingCancellation);
    open.set();
    ensure!(canceller.cancel(CancelLevel::Kill).await.cause() == Some(CancelCause::HandleDropped));
    Ok(())
}

pub async fn a_detached_task_runs_to_its_end<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (open, done) = (Latch::new(), Latch::new());
    let (opened, finish) = (open.clone(), done.clone());
    let task = AsyncTask::to::<()>().on(&rt).spawn(|| async move {
        opened.wait().await;
        finish.set();
    });
    let canceller = task.canceller();
    task.detach();
    open.set();
    done.wait().await;
    let end = canceller.cancel(CancelLevel::Kill).await;
    // The latch was set in the poll that ended the work.
    ensure!(end.status() == TaskStatus::Completed, "{end:?}");
    Ok(())
}

pub async fn a_detached_task_can_still_be_cancelled<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let dropped = Latch::new();
    let guard = dropped.on_drop();
    let task = AsyncTask::to::<()>().on(&rt).spawn(|| async move {
        let _guard = guard;
        pending::<()>().await
    });
    let canceller = task.canceller();
    task.detach();
    let end = canceller.cancel(CancelLevel::Kill).await;
    ensure!(end.was_cancelled() && dropped.is_set());
    Ok(())
}

pub async fn a_handle_that_is_kept_keeps_no_span_open<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let caller = span()?;
    let id = caller.id().context("the span is disabled")?;
    let (inner, open) = (rt.clone(), Latch::new());
    let opened = open.clone();
    let mut task = caller.in_scope(|| {
        AsyncTask::to::<Vec<Task<(), R>>>().on(&rt).name("kept").spawn(move || async move {
            opened.wait().await;
            let mut child = AsyncTask::to::<()>().on(&inner).spawn(yield_now);
            let _ = (&mut child).await;
            vec![child]
        })
    });
    drop(caller);
    ensure!(is_open(&id), "closed while work is in it");
    open.set();
    let children = (&mut task).await?;
    ensure!(!is_open(&id), "the span of work that has ended is still open");
    drop((children, task));
    Ok(())
}
