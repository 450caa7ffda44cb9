//! Synchronous work: it runs on the blocking pool, never on the executor's threads, and is waited for.

use std::thread;

use crate::kit::prelude::*;
use crate::kit::waits_for_blocking;

pub async fn synchronous_work_never_holds_up_the_executor<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let open = Latch::new();
    let here = thread::current().id();
    let wait = || {
        let opened = open.clone();
        move || {
            opened.wait_blocking();
            thread::current().id()
        }
    };
    // More pieces of work than the executor has threads, each waiting for a task that is spawned after it.
    let mut tasks = Vec::new();
    for _ in 0..=rt.worker_count() {
        let builder = || AsyncTask::to::<thread::ThreadId>().on(&rt);
        tasks.push(builder().spawn(wait()));
        tasks.push(builder().spawn_blocking(wait()));
        let run = builder().run(wait());
        tasks.push(builder().spawn(|| run));
        let run = builder().run_blocking(wait());
        tasks.push(builder().spawn(|| run));
    }
    let opener = open.clone();
    AsyncTask::to::<()>().on(&rt).spawn(|| async move { opener.set() }).await?;
    for task in tasks {
        ensure!(task.await? != here);
    }
    Ok(())
}

pub async fn inline_work_stays_on_the_executor<R: Runtime>(rt: R, at: Facts) -> Outcome {
    ensure!(AsyncTask::to::<bool>().on(&rt).inline().spawn(move || at.is_inside()).await?);
    let here = thread::current().id();
    ensure!(
        AsyncTask::to::<thread::ThreadId>().on(&rt).inline().run(|| thread::current().id()).await? == here
    );
    Ok(())
}

pub async fn work_killed_before_it_starts_never_runs<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (called, dropped) = (Latch::new(), Latch::new());
    let (call, guard) = (called.clone(), dropped.on_drop());
    let held = hold_workers(&rt, at).await?;
    let task = AsyncTask::to::<()>().on(&rt).spawn_blocking(move || {
        let _guard = guard;
        call.set();
    });
    let end = task.cancel(CancelLevel::Kill);
    held.release().await?;
    ensure!(end.await.was_cancelled());
    ensure!(dropped.is_set() && !called.is_set());
    Ok(())
}

pub async fn a_kill_waits_for_work_that_has_started<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (started, open, dropped) = (Latch::new(), Latch::new(), Latch::new());
    let (start, opened, guard) = (started.clone(), open.clone(), dropped.on_drop());
    let (mut task, waits) = waits_for_blocking(&rt, move || {
        let _guard = guard;
        start.set();
        opened.wait_blocking();
        Ok(())
    });
    started.wait().await;
    waits.wait().await;
    let mut end = task.cancel(CancelLevel::Kill);
    for _ in 0..50 {
        ensure!(poll_once(&mut end).await.is_none() && poll_once(&mut task).await.is_none());
        AsyncTask::to::<()>().on(&rt).spawn(|| async {}).await?;
    }
    ensure!(task.status() == TaskStatus::PendingCancellation);
    open.set();
    ensure!(end.await.was_cancelled() && dropped.is_set());
    ensure!(failed(task.await)?.is_cancelled());
    Ok(())
}

pub async fn the_result_of_killed_blocking_work_is_dropped<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (started, open, dropped) = (Latch::new(), Latch::new(), Latch::new());
    let (start, opened, guard) = (started.clone(), open.clone(), dropped.on_drop());
    let task = AsyncTask::to::<crate::kit::SetOnDrop>().on(&rt).spawn_blocking(move || {
        start.set();
        opened.wait_blocking();
        guard
    });
    started.wait().await;
    let end = task.cancel(CancelLevel::Kill);
    open.set();
    // A value that was ready in time may win; otherwise it is dropped before the task has ended.
    if end.await.was_cancelled() {
        ensure!(dropped.is_set(), "the result outlives the task that was to have it");
    }
    drop(task);
    dropped.wait().await;
    Ok(())
}

pub async fn tasks_spawned_in_blocking_work_belong_to_its_task<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (returned, open, dropped) = (Latch::new(), Latch::new(), Latch::new());
    let (leaving, opened, guard, inner) = (returned.on_drop(), open.clone(), dropped.on_drop(), rt.clone());
    let mut parent = AsyncTask::to::<Task<u32, R>>().on(&rt).spawn_blocking(move || {
        let _leaving = leaving;
        AsyncTask::to::<u32>().on(&inner).spawn(|| async move {
            let _guard = guard;
            opened.wait().await;
            4
        })
    });
    returned.wait().await;
    for _ in 0..50 {
        ensure!(poll_once(&mut parent).await.is_none(), "the parent ended before its child");
        AsyncTask::to::<()>().on(&rt).spawn(|| async {}).await?;
    }
    open.set();
    let child = parent.await?;
    ensure!(dropped.is_set());
    ensure!(child.await? == 4);
    Ok(())
}

pub async fn a_child_of_blocking_work_is_killed_when_the_work_fails<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let dropped = Latch::new();
    let (guard, inner) = (dropped.on_drop(), rt.clone());
    let (sender, escaped) = async_channel::bounded(1);
    let parent = AsyncTask::to::<()>().on(&rt).spawn_blocking(move || {
        let child = AsyncTask::to::<()>().on(&inner).spawn(|| async move {
            let _guard = guard;
            pending::<()>().await
        });
        let _ = sender.try_send(child);
        Err::<(), _>("no")
    });
    ensure!(failed(parent.await)?.is_failure());
    ensure!(dropped.is_set());
    ensure!(failed(escaped.recv().await?.await)?.is_cancelled());
    Ok(())
}

/// The task that sets the latch is spawned only when all work has started, so that it cannot have been polled
/// before the work took the threads.
pub async fn blocking_work_has_threads_of_its_own<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (start, started) = async_channel::unbounded::<()>();
    let (open, opened) = async_channel::bounded::<()>(1);
    let mut jobs = Vec::new();
    for _ in 0..=rt.worker_count() {
        let (start, opened) = (start.clone(), opened.clone());
        jobs.push(AsyncTask::to::<()>().on(&rt).spawn_blocking(move || {
            let _ = start.try_send(());
            // The closed channel releases all of them.
            let _ = opened.recv_blocking();
        }));
    }
    for _ in &jobs {
        started.recv().await?;
    }
    AsyncTask::to::<()>().on(&rt).spawn(|| async move { drop(open) }).await?;
    for job in jobs {
        job.await?;
    }
    Ok(())
}
