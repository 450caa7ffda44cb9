//! Runtimes, root scope: each task and each blocking job of a runtime is counted from its start to its end.

use crate::library::RuntimeSource as _;
use futures_lite::future::block_on;

use crate::kit::ending::ended;
use crate::kit::prelude::*;

// The executor of a process is shared with all else that runs there, so its number of tasks cannot be known.

pub fn a_task_is_counted_from_its_spawn_to_its_end(harness: Started) -> Outcome {
    ended(&harness, |rt| async move {
        ensure!(rt.active_task_count() == 0);
        let open = Latch::new();
        let tasks: Vec<_> = (0..10)
            .map(|_| {
                let open = open.clone();
                AsyncTask::to::<()>().on(&rt).spawn(|| async move { open.wait().await })
            })
            .collect();
        ensure!(rt.active_task_count() == 10);
        open.set();
        for task in tasks {
            task.await?;
        }
        ensure!(rt.active_task_count() == 0, "{} after their end", rt.active_task_count());
        Ok(())
    })
}

pub fn every_way_to_end_is_an_end(harness: Started) -> Outcome {
    ended(&harness, |rt| async move {
        let builder = AsyncTask::to::<u32>().on(&rt);
        ensure!(builder.clone().spawn(|| async { 1 }).await? == 1);
        ensure!(builder.clone().spawn_blocking(|| 2).await? == 2);
        ensure!(failed(builder.clone().spawn(|| async { Err::<u32, _>("no") }).await)?.is_failure());
        ensure!(
            failed(builder.clone().spawn(|| async { crate::kit::explode::<u32>("x") }).await)?.is_panic()
        );
        ensure!(failed(builder.clone().spawn_with_timeout(5.millis(), pending::<u32>).await)?.is_timeout());
        let killed = builder.clone().spawn(pending::<u32>);
        killed.cancel(CancelLevel::Kill).await;
        let (dropped, alive) = (Latch::new(), builder.clone());
        let guard = dropped.on_drop();
        drop(alive.spawn(|| async move {
            let _guard = guard;
            pending::<u32>().await
        }));
        dropped.wait().await;
        // The work has been dropped; its bookkeeping follows in the same poll.
        while rt.active_task_count() > 0 {
            yield_now().await;
        }
        Ok(())
    })
}

pub fn a_task_whose_end_was_awaited_is_not_counted(harness: Started) -> Outcome {
    ended(&harness, |rt| async move {
        for _ in 0..500 {
            let inner = rt.clone();
            let mut task = AsyncTask::to::<()>().on(&rt).spawn(|| async move {
                let _child = AsyncTask::to::<()>().on(&inner).spawn(pending::<()>);
                pending::<()>().await
            });
            ensure!(poll_once(&mut task).await.is_none());
            ensure!(task.cancel(CancelLevel::Kill).await.was_cancelled());
            ensure!(rt.active_task_count() == 0, "{} after an awaited cancel", rt.active_task_count());
        }
        Ok(())
    })
}

pub fn a_detached_task_stays_counted(harness: Started) -> Outcome {
    ended(&harness, |rt| async move {
        let (open, spawned) = (Latch::new(), Latch::new());
        let (opened, inner) = (open.clone(), rt.clone());
        let parent = AsyncTask::to::<()>().on(&rt).spawn(move || async move {
            AsyncTask::to::<()>().on(&inner).spawn(|| async move { opened.wait().await }).detach();
            spawned.set();
        });
        parent.await?;
        ensure!(rt.active_task_count() == 1);
        open.set();
        while rt.active_task_count() > 0 {
            yield_now().await;
        }
        Ok(())
    })
}

pub fn blocking_jobs_are_counted_apart(harness: Started) -> Outcome {
    ended(&harness, |rt| async move {
        let (open, started) = (Latch::new(), Latch::new());
        let (opened, start) = (open.clone(), started.clone());
        let job = AsyncTask::to::<()>().on(&rt).spawn_blocking(move || {
            start.set();
            opened.wait_blocking();
        });
        started.wait().await;
        ensure!((rt.root().active_tasks(), rt.root().active_blocking_jobs()) == (1, 1));
        open.set();
        job.await?;
        while rt.root().active_blocking_jobs() > 0 {
            yield_now().await;
        }
        Ok(())
    })
}

pub fn a_job_that_a_timeout_gave_up_stays_counted(harness: Started) -> Outcome {
    ended(&harness, |rt| async move {
        let (open, started) = (Latch::new(), Latch::new());
        let (opened, start) = (open.clone(), started.clone());
        let builder = AsyncTask::to::<()>().on(&rt).timeout(20.millis());
        let mut limited = std::pin::pin!(builder.run_blocking(move || {
            start.set();
            opened.wait_blocking();
        }));
        while !started.is_set() {
            match poll_once(&mut limited).await {
                // The limit passed before a thread was available: no job is left to look at.
                Some(early) => return ensure_timeout(early),
                None => yield_now().await,
            }
        }
        ensure_timeout(limited.await)?;
        ensure!((rt.root().active_tasks(), rt.root().active_blocking_jobs()) == (0, 1));
        open.set();
        while rt.root().active_blocking_jobs() > 0 {
            yield_now().await;
        }
        Ok(())
    })
}

fn ensure_timeout(result: Result<(), AsyncTaskError>) -> Outcome {
    ensure!(failed(result)?.is_timeout());
    Ok(())
}

pub fn all_handles_see_the_same_scope(harness: Started) -> Outcome {
    let rt = harness.runtime();
    // Each of these has a clone of the backend's own handle.
    ensure!(std::ptr::eq(rt.root(), harness.runtime().root()));
    let ambient = harness.block_on(async { crate::library::Current.resolve() })??;
    ensure!(std::ptr::eq(rt.root(), ambient.root()));
    Ok(())
}

pub fn a_runtime_runs_until_it_is_dropped(harness: Started) -> Outcome {
    let (rt, never_ends) = (harness.runtime(), harness.flavour().never_ends);
    ensure!(rt.is_running());
    drop(harness);
    ensure!(rt.is_running() == never_ends);
    Ok(())
}

pub fn tasks_started_on_a_thread_run_on_its_entered_runtime(harness: Started) -> Outcome {
    let rt = harness.runtime();
    let task = {
        let _entered = rt.enter();
        ensure!(crate::library::Current.resolve()?.name() == harness.flavour().facts.name);
        AsyncTask::to::<u32>().spawn(|| async { 1 })
    };
    ensure!(harness.block_on(task)?? == 1);
    Ok(())
}

pub fn nothing_of_a_runtime_that_was_dropped_is_counted(harness: Started) -> Outcome {
    if harness.flavour().never_ends {
        return Ok(());
    }
    let rt = harness.runtime();
    let tasks: Vec<_> = (0..10).map(|_| AsyncTask::to::<()>().on(&rt).spawn(pending::<()>)).collect();
    harness.block_on(async { yield_now().await })?;
    drop(harness);
    for task in tasks {
        ensure!(failed(block_on(task))?.is_shutdown());
    }
    // A handle answers once its own task has been dropped; the bookkeeping of the last one follows at once.
    while rt.active_task_count() > 0 {
        std::thread::yield_now();
    }
    Ok(())
}
