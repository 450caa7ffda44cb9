//! `shutdown`: what is waited for, what is killed, and what is said of it.

use futures_lite::future::{block_on, zip};
use sweet_async::{RuntimeError, SpawnError};

use crate::kit::prelude::*;

/// Drives `case` on a flavour whose executor is its own to end.
fn ended<H: Harness, F: Future<Output = Outcome>>(
    harness: &H,
    case: impl FnOnce(H::Runtime) -> F,
) -> Outcome {
    if H::NEVER_ENDS {
        return Ok(());
    }
    harness.block_on(case(harness.runtime()))?
}

/// How many tasks and blocking jobs a shutdown says that it has left.
fn left(result: Result<(), RuntimeError>) -> Result<(usize, usize), Failure> {
    match failed(result)? {
        RuntimeError::TasksLeft { tasks, blocking, .. } => Ok((tasks, blocking)),
        other => bail!("not what was left: {other:?}"),
    }
}

/// A task that waits for ever, certain to have started; says when it is dropped.
async fn idle<R: Runtime>(rt: &R) -> (Task<(), R>, Latch) {
    let (started, dropped) = (Latch::new(), Latch::new());
    let (start, guard) = (started.clone(), dropped.on_drop());
    let task = AsyncTask::to::<()>().on(rt).name("idle").spawn(|| async move {
        let _guard = guard;
        start.set();
        pending::<()>().await
    });
    started.wait().await;
    (task, dropped)
}

pub fn with_nothing_left_it_is_done_at_once<H: Harness>(harness: H) -> Outcome {
    ended(&harness, |rt| async move {
        ensure!(AsyncTask::to::<u32>().on(&rt).spawn(|| async { 1 }).await? == 1);
        rt.shutdown(Duration::MAX).await?;
        ensure!(!rt.is_running());
        let refused = failed(AsyncTask::to::<u32>().on(&rt).spawn(|| async { 1 }).await)?;
        ensure!(refused.is_shutdown());
        let blocking = failed(AsyncTask::to::<u32>().on(&rt).run_blocking(|| 1).await)?;
        ensure!(blocking.is_shutdown());
        // In place nothing is asked of the runtime.
        ensure!(AsyncTask::to::<u32>().on(&rt).run(|| async { 2 }).await? == 2);
        Ok(())
    })
}

pub fn a_detached_task_is_waited_for<H: Harness>(harness: H) -> Outcome {
    ended(&harness, |rt| async move {
        let (done, inner) = (Latch::new(), rt.clone());
        let finished = done.clone();
        AsyncTask::to::<()>()
            .on(&rt)
            .spawn(|| async move {
                for _ in 0..20 {
                    yield_now().await;
                }
                let _ = inner.sleep(5.millis()).await;
                finished.set();
            })
            .detach();
        rt.shutdown(1.hours()).await?;
        ensure!(done.is_set());
        Ok(())
    })
}

pub fn what_runs_may_spawn_and_nobody_else<H: Harness>(harness: H) -> Outcome {
    ended(&harness, |rt| async move {
        let (started, go, inner) = (Latch::new(), Latch::new(), rt.clone());
        let (start, gone) = (started.clone(), go.clone());
        let mut task = AsyncTask::to::<u32>().on(&rt).try_spawn(|| async move {
            start.set();
            gone.wait().await;
            let child = AsyncTask::to::<u32>().on(&inner).spawn(|| async { 3 });
            AsyncTask::to::<()>().on(&inner).spawn(yield_now).detach();
            let job = AsyncTask::to::<u32>().on(&inner).run_blocking(|| 4);
            Ok(child.await? + job.await?)
        });
        started.wait().await;
        let mut ending = std::pin::pin!(rt.shutdown(1.hours()));
        ensure!(poll_once(&mut ending).await.is_none());
        ensure!(!rt.is_running());
        let late = AsyncTask::to::<u32>().on(&rt).spawn(|| async { 1 });
        ensure!(failed(late.await)?.is_shutdown());
        let direct = rt.root().is_closing();
        ensure!(direct);
        go.set();
        ensure!((&mut task).await? == 7);
        ending.await?;
        Ok(())
    })
}

pub fn a_loop_that_watches_closing_ends_by_itself<H: Harness>(harness: H) -> Outcome {
    ended(&harness, |rt| async move {
        let (started, inner) = (Latch::new(), rt.clone());
        let start = started.clone();
        let server = AsyncTask::to::<&str>().on(&rt).spawn(|| async move {
            start.set();
            inner.root().closing().await;
            "closed its doors"
        });
        started.wait().await;
        rt.shutdown(1.hours()).await?;
        ensure!(server.await? == "closed its doors");
        Ok(())
    })
}

pub fn at_the_limit_tasks_are_killed_and_counted<H: Harness>(harness: H) -> Outcome {
    ended(&harness, |rt| async move {
        let (kept, kept_dropped) = idle(&rt).await;
        let (detached, detached_dropped) = idle(&rt).await;
        let canceller = detached.canceller();
        detached.detach();
        ensure!(left(rt.shutdown(5.millis()).await)? == (2, 0));
        ensure!(kept_dropped.is_set() && detached_dropped.is_set(), "killed tasks are waited for");
        ensure!(failed(kept.await)?.is_shutdown());
        let end = canceller.cancel(CancelLevel::Kill).await;
        ensure!((end.status(), end.cause()) == (TaskStatus::Cancelled, Some(CancelCause::Shutdown)));
        ensure!(rt.active_task_count() == 0);
        Ok(())
    })
}

pub fn children_and_detached_grandchildren_are_killed_too<H: Harness>(harness: H) -> Outcome {
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
        ensure!(left(rt.shutdown(Duration::ZERO).await)? == (3, 0));
        ensure!(alive.alive() == 0 && rt.active_task_count() == 0);
        ensure!(failed(parent.await)?.is_shutdown());
        Ok(())
    })
}

pub fn a_detached_parent_passes_the_kill_on_while_it_waits_for_its_child<H: Harness>(harness: H) -> Outcome {
    ended(&harness, |rt| async move {
        let (inner, (handles, escaped)) = (rt.clone(), async_channel::bounded(1));
        let parent = AsyncTask::to::<()>().on(&rt).spawn(|| async move {
            // Its own body is done at once, in its first poll; its child is not.
            let child = AsyncTask::to::<()>().on(&inner).spawn(pending::<()>);
            let _ = handles.try_send(child);
        });
        parent.detach();
        let child = escaped.recv().await?;
        ensure!(left(rt.shutdown(5.millis()).await)? == (2, 0));
        ensure!(failed(child.await)?.is_cancelled() || !rt.is_running());
        ensure!(rt.active_task_count() == 0);
        Ok(())
    })
}

pub fn started_blocking_work_is_left_and_said_to_be<H: Harness>(harness: H) -> Outcome {
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
        // Its own end comes when the work has ended; the value that the poll in progress gives may win.
        let _ = job.await;
        Ok(())
    })
}

pub fn inside_a_task_of_its_own_it_is_refused<H: Harness>(harness: H) -> Outcome {
    ended(&harness, |rt| async move {
        let inner = rt.clone();
        let task = AsyncTask::to::<bool>().on(&rt).spawn(|| async move {
            matches!(inner.shutdown(1.hours()).await, Err(RuntimeError::InsideTask))
        });
        ensure!(task.await?);
        ensure!(rt.is_running(), "a refused shutdown closes nothing");
        Ok(())
    })
}

pub fn one_that_was_dropped_can_be_begun_again<H: Harness>(harness: H) -> Outcome {
    ended(&harness, |rt| async move {
        let (task, _) = idle(&rt).await;
        ensure!(poll_once(std::pin::pin!(rt.shutdown(1.hours()))).await.is_none());
        ensure!(!rt.is_running() && task.status() == TaskStatus::Running);
        task.cancel(CancelLevel::Kill).await;
        rt.shutdown(1.hours()).await?;
        ensure!(failed(task.await)?.is_cancelled());
        Ok(())
    })
}

pub fn two_at_once_agree<H: Harness>(harness: H) -> Outcome {
    ended(&harness, |rt| async move {
        let (go, begun) = (Latch::new(), Latch::new());
        let (gone, begin) = (go.clone(), begun.clone());
        AsyncTask::to::<()>()
            .on(&rt)
            .spawn(|| async move {
                begin.set();
                gone.wait().await;
            })
            .detach();
        begun.wait().await;
        let both = zip(rt.shutdown(1.hours()), rt.shutdown(Duration::MAX));
        let mut both = std::pin::pin!(both);
        ensure!(poll_once(&mut both).await.is_none());
        go.set();
        let (one, other) = both.await;
        one?;
        other?;
        Ok(())
    })
}

pub fn a_spawn_in_a_destructor_during_it_is_no_deadlock<H: Harness>(harness: H) -> Outcome {
    struct Spawns<R: Runtime>(R);
    impl<R: Runtime> Drop for Spawns<R> {
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
        ensure!(left(rt.shutdown(5.millis()).await)? == (1, 0));
        ensure!(failed(task.await)?.is_shutdown());
        ensure!(rt.active_task_count() == 0);
        Ok(())
    })
}

pub fn a_wake_in_a_destructor_when_the_runtime_is_dropped_is_no_deadlock<H: Harness>(harness: H) -> Outcome {
    let rt = harness.runtime();
    let (bell, rung) = (Latch::new(), Latch::new());
    let tasks = harness.block_on(async {
        let mut tasks = Vec::new();
        for _ in 0..10 {
            let (guard, bell, waits) = (bell.on_drop(), bell.clone(), Latch::new());
            let waiting = waits.clone();
            tasks.push(AsyncTask::to::<()>().on(&rt).spawn(|| async move {
                let _guard = guard;
                waiting.set();
                bell.wait().await;
                pending::<()>().await
            }));
            waits.wait().await;
        }
        tasks
    })?;
    if H::NEVER_ENDS {
        return Ok(());
    }
    rung.set();
    drop(harness);
    for task in tasks {
        ensure!(failed(block_on(task))?.is_shutdown());
    }
    Ok(())
}

pub fn a_backend_is_told_no_more_after_it<H: Harness>(harness: H) -> Outcome {
    ended(&harness, |rt| async move {
        rt.shutdown(Duration::ZERO).await?;
        let error = AsyncTaskError::from(SpawnError::Shutdown);
        let spawned = failed(AsyncTask::to::<()>().on(&rt).spawn_blocking(|| ()).await)?;
        ensure!(spawned.to_string() == error.to_string());
        rt.shutdown(Duration::ZERO).await?;
        rt.root().closing().await;
        Ok(())
    })
}

pub fn what_was_never_polled_never_is<H: Harness>(harness: H) -> Outcome {
    let at = Facts::of::<H>();
    ended(&harness, |rt| async move {
        let held = hold_workers(&rt, at).await?;
        let called = Latch::new();
        let tasks: Vec<_> = (0..10)
            .map(|_| {
                let called = called.clone();
                AsyncTask::to::<()>().on(&rt).spawn(|| async move { called.set() })
            })
            .collect();
        // Closed at once, by its owner, since a shutdown would let those that poll on this thread have their turn.
        rt.root().close();
        held.release().await.ok();
        for task in tasks {
            ensure!(failed(task.await)?.is_shutdown());
        }
        ensure!(!called.is_set(), "a task had its first poll after the end");
        Ok(())
    })
}

pub fn a_task_whose_parent_is_elsewhere_is_killed<H: Harness>(harness: H) -> Outcome {
    let other = H::start()?;
    let far = other.runtime();
    if H::NEVER_ENDS {
        return Ok(());
    }
    let rt = harness.runtime();
    // Started by a task of the other runtime, which goes on without end.
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
        ensure!(left(rt.shutdown(5.millis()).await)? == (1, 0));
        ensure!(rt.active_task_count() == 0);
        ensure!(failed(child.await)?.is_shutdown());
        drop(parent);
        Ok(())
    })?
}

pub fn a_task_of_running_blocking_work_is_killed<H: Harness>(harness: H) -> Outcome {
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

pub fn inside_blocking_work_it_is_refused<H: Harness>(harness: H) -> Outcome {
    ended(&harness, |rt| async move {
        for in_task in [true, false] {
            let inner = rt.clone();
            let refused =
                move || matches!(block_on(inner.shutdown(1.hours())), Err(RuntimeError::InsideTask));
            let builder = AsyncTask::to::<bool>().on(&rt);
            let told = if in_task {
                builder.spawn_blocking(refused).await
            } else {
                builder.run_blocking(refused).await
            };
            ensure!(told?, "in a task: {in_task}");
        }
        ensure!(rt.is_running());
        Ok(())
    })
}

pub fn what_is_run_in_place_is_still_served_while_it_closes<H: Harness>(harness: H) -> Outcome {
    ended(&harness, |rt| async move {
        let (task, _) = idle(&rt).await;
        let mut ending = std::pin::pin!(rt.shutdown(1.hours()));
        ensure!(poll_once(&mut ending).await.is_none());
        ensure!(AsyncTask::to::<u32>().on(&rt).run(|| 7).await? == 7);
        ensure!(failed(AsyncTask::to::<u32>().on(&rt).spawn(|| 7).await)?.is_shutdown());
        task.cancel(CancelLevel::Kill).await;
        ending.await?;
        ensure!(failed(AsyncTask::to::<u32>().on(&rt).run(|| 7).await)?.is_shutdown());
        Ok(())
    })
}
