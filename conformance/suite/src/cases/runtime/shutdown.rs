//! Runtimes, shutdown: it waits for tasks, admits spawns of running ones alone, and is refused inside one.

use crate::library::{RuntimeError, SpawnError};
use futures_lite::future::{block_on, zip};

use crate::kit::ending::{ended, idle};
use crate::kit::prelude::*;
use crate::kit::signalled::with_signals;

pub fn with_nothing_left_it_is_done_at_once(harness: Started) -> Outcome {
    ended(&harness, |rt| async move {
        ensure!(AsyncTask::to::<u32>().on(&rt).spawn(|| async { 1 }).await? == 1);
        rt.shutdown(Duration::MAX).await?;
        ensure!(!rt.is_running());
        let refused = failed(AsyncTask::to::<u32>().on(&rt).spawn(|| async { 1 }).await)?;
        ensure!(refused.is_shutdown());
        let blocking = failed(AsyncTask::to::<u32>().on(&rt).run_blocking(|| 1).await)?;
        ensure!(blocking.is_shutdown());
        // In place, nothing is needed of the runtime.
        ensure!(AsyncTask::to::<u32>().on(&rt).run(|| async { 2 }).await? == 2);
        Ok(())
    })
}

pub fn a_detached_task_is_waited_for(harness: Started) -> Outcome {
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

pub fn only_running_tasks_may_spawn_during_a_shutdown(harness: Started) -> Outcome {
    ended(&harness, |rt| async move {
        let (started, go, inner) = (Latch::new(), Latch::new(), rt.clone());
        let (start, going) = (started.clone(), go.clone());
        let mut task = AsyncTask::to::<u32>().on(&rt).try_spawn(|| async move {
            start.set();
            going.wait().await;
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

pub fn a_loop_that_watches_closing_ends_by_itself(harness: Started) -> Outcome {
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

pub fn inside_a_task_of_its_own_it_is_refused(harness: Started) -> Outcome {
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

pub fn a_dropped_shutdown_can_be_started_again(harness: Started) -> Outcome {
    ended(&harness, |rt| async move {
        let (task, _) = idle(&rt).await;
        ensure!(poll_once(std::pin::pin!(rt.shutdown(1.hours()))).await.is_none());
        ensure!(!rt.is_running() && !task.status().is_terminal());
        task.cancel(CancelLevel::Kill).await;
        rt.shutdown(1.hours()).await?;
        // The shutdown may or may not have cancelled it before; the first cause stays.
        let error = failed(task.await)?;
        ensure!(error.is_shutdown() || error.is_cancelled(), "{error:?}");
        Ok(())
    })
}

pub fn concurrent_shutdowns_agree(harness: Started) -> Outcome {
    ended(&harness, |rt| async move {
        let (go, begun) = (Latch::new(), Latch::new());
        let (going, begin) = (go.clone(), begun.clone());
        AsyncTask::to::<()>()
            .on(&rt)
            .spawn(|| async move {
                begin.set();
                going.wait().await;
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

pub fn a_backend_is_given_no_more_work_after_a_shutdown(harness: Started) -> Outcome {
    ended(&harness, |rt| async move {
        let (rt, _) = with_signals(&rt);
        let builder = AsyncTask::to::<()>().on(&rt);
        builder.clone().spawn(|| async {}).await?;
        builder.clone().spawn_blocking(|| ()).await?;
        rt.shutdown(Duration::ZERO).await?;
        let before = rt.spawned();
        ensure!(before >= 2, "the wrapper has counted {before}");
        let error = AsyncTaskError::from(SpawnError::Shutdown);
        let refused = [
            failed(builder.clone().spawn_blocking(|| ()).await)?,
            failed(builder.clone().spawn(|| async {}).await)?,
            failed(builder.run_blocking(|| ()).await)?,
        ];
        for refusal in refused {
            ensure!(refusal.to_string() == error.to_string(), "{refusal}");
        }
        rt.shutdown(Duration::ZERO).await?;
        rt.root().closing().await;
        ensure!(rt.spawned() == before, "the backend was given {} more", rt.spawned() - before);
        Ok(())
    })
}

pub fn inside_blocking_work_it_is_refused(harness: Started) -> Outcome {
    ended(&harness, |rt| async move {
        for in_task in [true, false] {
            let inner = rt.clone();
            let refused =
                move || matches!(block_on(inner.shutdown(1.hours())), Err(RuntimeError::InsideTask));
            let builder = AsyncTask::to::<bool>().on(&rt);
            let is_refused = if in_task {
                builder.spawn_blocking(refused).await
            } else {
                builder.run_blocking(refused).await
            };
            ensure!(is_refused?, "in a task: {in_task}");
        }
        ensure!(rt.is_running());
        Ok(())
    })
}

pub fn in_place_work_still_runs_while_the_runtime_closes(harness: Started) -> Outcome {
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
