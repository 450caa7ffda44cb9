//! Runtimes, shutdown: at its limit, tasks are killed and counted, and started blocking work is reported.

use crate::library::DynRuntime;
use futures_lite::future::block_on;

use crate::kit::ending::{ended, idle, killed_are_gone, left};
use crate::kit::prelude::*;

pub fn at_the_limit_tasks_are_killed_and_counted(harness: Started) -> Outcome {
    ended(&harness, |rt| async move {
        let (kept, kept_dropped) = idle(&rt).await;
        let (detached, detached_dropped) = idle(&rt).await;
        let canceller = detached.canceller();
        detached.detach();
        let begun = rt.now();
        ensure!(left(rt.shutdown(5.millis()).await)? == (2, 0));
        killed_are_gone(&rt, begun, 5.millis()).await?;
        ensure!(kept_dropped.is_set() && detached_dropped.is_set(), "killed tasks are waited for");
        ensure!(failed(kept.await)?.is_shutdown());
        let end = canceller.cancel(CancelLevel::Kill).await;
        ensure!((end.status(), end.cause()) == (TaskStatus::Cancelled, Some(CancelCause::Shutdown)));
        Ok(())
    })
}

pub fn children_and_detached_grandchildren_are_killed_too(harness: Started) -> Outcome {
    ended(&harness, |rt| async move {
        let (inner, ready) = (rt.clone(), Latch::new());
        let (begun, alive) = (ready.clone(), Census::default());
        let residents = alive.clone();
        let parent = AsyncTask::to::<()>().on(&rt).try_spawn(|| async move {
            let here = residents.enter();
            let below = residents.clone();
            let deeper = inner.clone();
            let child = AsyncTask::to::<()>().on(&inner).spawn(|| async move {
                let _here = below.enter();
                let (grandchild, _) = idle(&deeper).await;
                grandchild.detach();
                begun.set();
                pending::<()>().await
            });
            child.await?;
            drop(here);
            Ok(())
        });
        ready.wait().await;
        let begun = rt.now();
        ensure!(left(rt.shutdown(Duration::ZERO).await)? == (3, 0));
        killed_are_gone(&rt, begun, Duration::ZERO).await?;
        ensure!(alive.alive() == 0);
        ensure!(failed(parent.await)?.is_shutdown());
        Ok(())
    })
}

pub fn a_detached_parent_passes_the_kill_on_while_it_waits_for_its_child(harness: Started) -> Outcome {
    ended(&harness, |rt| async move {
        let (inner, (handles, escaped)) = (rt.clone(), async_channel::bounded(1));
        let parent = AsyncTask::to::<()>().on(&rt).spawn(|| async move {
            // Its own body ends at once, in its first poll; its child does not.
            let child = AsyncTask::to::<()>().on(&inner).spawn(pending::<()>);
            let _ = handles.try_send(child);
        });
        parent.detach();
        let child = escaped.recv().await?;
        let begun = rt.now();
        ensure!(left(rt.shutdown(5.millis()).await)? == (2, 0));
        killed_are_gone(&rt, begun, 5.millis()).await?;
        ensure!(failed(child.await)?.is_shutdown());
        Ok(())
    })
}

pub fn started_blocking_work_is_left_and_reported(harness: Started) -> Outcome {
    ended(&harness, |rt| async move {
        let (open, started) = (Latch::new(), Latch::new());
        let (opened, start) = (open.clone(), started.clone());
        let job = AsyncTask::to::<()>().on(&rt).spawn_blocking(move || {
            start.set();
            opened.wait_blocking();
        });
        started.wait().await;
        ensure!(left(rt.shutdown(5.millis()).await)? == (1, 1));
        open.set();
        // The task ends when the work has ended; the value of the poll in progress may win.
        let _ = job.await;
        Ok(())
    })
}

pub fn a_spawn_in_a_destructor_during_it_is_no_deadlock(harness: Started) -> Outcome {
    struct Spawns(DynRuntime);
    impl Drop for Spawns {
        fn drop(&mut self) {
            AsyncTask::to::<()>().on(&self.0).spawn(pending::<()>).detach();
            drop(AsyncTask::to::<()>().on(&self.0).spawn(|| async {}));
        }
    }
    ended(&harness, |rt| async move {
        let (started, spawns) = (Latch::new(), Spawns(rt.clone()));
        let start = started.clone();
        let task = AsyncTask::to::<()>().on(&rt).spawn(|| async move {
            let _spawns = spawns;
            start.set();
            pending::<()>().await
        });
        started.wait().await;
        let begun = rt.now();
        ensure!(left(rt.shutdown(5.millis()).await)? == (1, 0));
        killed_are_gone(&rt, begun, 5.millis()).await?;
        ensure!(failed(task.await)?.is_shutdown());
        Ok(())
    })
}

pub fn a_wake_in_a_destructor_when_the_runtime_is_dropped_is_no_deadlock(harness: Started) -> Outcome {
    let rt = harness.runtime();
    let waker = Latch::new();
    let tasks = harness.block_on(async {
        let mut tasks = Vec::new();
        for _ in 0..10 {
            let (guard, waker, waits) = (waker.on_drop(), waker.clone(), Latch::new());
            let waiting = waits.clone();
            tasks.push(AsyncTask::to::<()>().on(&rt).spawn(|| async move {
                let _guard = guard;
                waiting.set();
                waker.wait().await;
                pending::<()>().await
            }));
            waits.wait().await;
        }
        tasks
    })?;
    if harness.flavour().never_ends {
        return Ok(());
    }
    ensure!(!waker.is_set(), "a task was dropped before the end");
    drop(harness);
    for task in tasks {
        ensure!(failed(block_on(task))?.is_shutdown());
    }
    // Threads of the runtime may drop its tasks after this one has let go of it, and before their handles know.
    ensure!(waker.is_set(), "no destructor has woken the others");
    Ok(())
}

pub fn unpolled_tasks_are_never_polled(harness: Started) -> Outcome {
    let at = harness.flavour().facts;
    ended(&harness, |rt| async move {
        let held = hold_workers(&rt, at).await?;
        let called = Latch::new();
        let tasks: Vec<_> = (0..10)
            .map(|_| {
                let called = called.clone();
                AsyncTask::to::<()>().on(&rt).spawn(|| async move { called.set() })
            })
            .collect();
        // Closed at once by its owner, since a shutdown would give tasks that are polled on this thread their
        // turn.
        rt.root().close();
        held.release().await.ok();
        for task in tasks {
            ensure!(failed(task.await)?.is_shutdown());
        }
        ensure!(!called.is_set(), "a task had its first poll after the end");
        Ok(())
    })
}

pub fn a_task_with_a_parent_on_another_runtime_is_killed(harness: Started) -> Outcome {
    let flavour = harness.flavour();
    if flavour.never_ends {
        return Ok(());
    }
    let other = flavour.start()?;
    let far = other.runtime();
    let rt = harness.runtime();
    // Spawned by a task of the other runtime, which goes on without end.
    let (parent, child) = other.block_on(async {
        let (here, (handles, escaped)) = (rt.clone(), async_channel::bounded(1));
        let parent = AsyncTask::to::<()>().on(&far).spawn(|| async move {
            let _ = handles.try_send(AsyncTask::to::<()>().on(&here).spawn(pending::<()>));
            pending::<()>().await
        });
        escaped.recv().await.map(|child| (parent, child))
    })??;
    harness.block_on(async {
        while child.status() == TaskStatus::Pending {
            yield_now().await;
        }
        let begun = rt.now();
        ensure!(left(rt.shutdown(5.millis()).await)? == (1, 0));
        killed_are_gone(&rt, begun, 5.millis()).await?;
        ensure!(failed(child.await)?.is_shutdown());
        drop(parent);
        Ok(())
    })?
}

pub fn a_task_of_running_blocking_work_is_killed(harness: Started) -> Outcome {
    ended(&harness, |rt| async move {
        let (inner, started, dropped) = (rt.clone(), Latch::new(), Latch::new());
        let (start, guard) = (started.clone(), dropped.on_drop());
        let job = AsyncTask::to::<()>().on(&rt).spawn_blocking(move || {
            let child = AsyncTask::to::<()>().on(&inner).spawn(|| async move {
                let _guard = guard;
                start.set();
                pending::<()>().await
            });
            block_on(child)
        });
        started.wait().await;
        ensure!(left(rt.shutdown(5.millis()).await)? == (2, 1));
        dropped.wait().await;
        ensure!(job.await.is_err());
        Ok(())
    })
}
