//! Promise 2, quiescence: when an await of a handle returns, everything under it has stopped.

use std::pin::Pin;
use std::sync::Arc;

use crate::library::Canceller;

use crate::kit::prelude::*;
use crate::kit::{cause_of, explode};

type Nested = Pin<Box<dyn Future<Output = Result<(), AsyncTaskError>> + Send>>;

/// `depth` tasks, each awaiting the next; the innermost waits for `open`.
fn nested<R: Runtime>(rt: R, depth: usize, alive: Census, ready: Latch, open: Latch) -> Nested {
    Box::pin(async move {
        let _alive = alive.enter();
        if depth == 0 {
            ready.set();
            open.wait().await;
            return Ok(());
        }
        let (inner, below) = (rt.clone(), alive.clone());
        AsyncTask::to::<()>().on(&rt).spawn(move || nested(inner, depth - 1, below, ready, open)).await
    })
}

/// Six levels under a task that ends with the result of `then` once all of them run.
async fn six_levels<R: Runtime, F>(
    rt: &R,
    then: impl FnOnce() -> F + Send + 'static,
) -> Result<(Result<(), AsyncTaskError>, Census), Failure>
where
    F: Future<Output = Result<(), AsyncTaskError>> + Send,
{
    let (alive, ready) = (Census::default(), Latch::new());
    let (below, go, inner) = (alive.clone(), ready.clone(), rt.clone());
    let task = AsyncTask::to::<()>().on(rt).spawn(move || async move {
        let _alive = below.enter();
        let again = inner.clone();
        let levels = nested(again, 5, below.clone(), go.clone(), Latch::new());
        let _child = AsyncTask::to::<()>().on(&inner).spawn(move || levels);
        go.wait().await;
        then().await
    });
    let result = task.await;
    ensure!(alive.ever() == 7, "all levels ran: {}", alive.ever());
    Ok((result, alive))
}

pub async fn nothing_is_left_of_six_levels_that_complete<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (alive, ready, open) = (Census::default(), Latch::new(), Latch::new());
    let levels = nested(rt.clone(), 6, alive.clone(), ready.clone(), open.clone());
    let task = AsyncTask::to::<()>().on(&rt).spawn(move || levels);
    ready.wait().await;
    ensure!(alive.alive() == 7);
    open.set();
    task.await?;
    ensure!(alive.alive() == 0);
    Ok(())
}

pub async fn nothing_is_left_of_six_levels_that_are_cancelled<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for by_handle in [true, false] {
        let (alive, ready) = (Census::default(), Latch::new());
        let levels = nested(rt.clone(), 6, alive.clone(), ready.clone(), Latch::new());
        let task = AsyncTask::to::<()>().on(&rt).spawn(move || levels);
        ready.wait().await;
        let end = task.cancel(CancelLevel::Kill);
        if by_handle {
            ensure!(failed(task.await)?.is_cancelled());
        } else {
            ensure!(end.await.was_cancelled());
        }
        ensure!(alive.alive() == 0, "{} of 7 are left", alive.alive());
    }
    Ok(())
}

pub async fn nothing_is_left_of_six_levels_that_time_out<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (alive, ready) = (Census::default(), Latch::new());
    let levels = nested(rt.clone(), 6, alive.clone(), ready.clone(), Latch::new());
    let task = AsyncTask::to::<()>().on(&rt).timeout(10.millis()).spawn(move || levels);
    ensure!(failed(task.await)?.is_timeout());
    ensure!(alive.alive() == 0, "{} are left", alive.alive());
    Ok(())
}

pub async fn nothing_is_left_of_six_levels_when_their_parent_panics<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (result, alive) = six_levels(&rt, || async { explode("the parent panics") }).await?;
    ensure!(failed(result)?.is_panic());
    ensure!(alive.alive() == 0, "{} of 7 are left", alive.alive());
    Ok(())
}

pub async fn nothing_is_left_of_six_levels_when_their_parent_fails<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (result, alive) =
        six_levels(&rt, || async { Err(AsyncTaskError::failure("the parent fails")) }).await?;
    ensure!(failed(result)?.is_failure());
    ensure!(alive.alive() == 0, "{} of 7 are left", alive.alive());
    Ok(())
}

#[allow(clippy::async_yields_async, reason = "the handle is what escapes")]
pub async fn a_child_whose_handle_escaped_is_waited_for<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (returned, open, dropped) = (Latch::new(), Latch::new(), Latch::new());
    let (opened, guard, leaving, inner) = (open.clone(), dropped.on_drop(), returned.on_drop(), rt.clone());
    let mut parent = AsyncTask::to::<Task<u32, R>>().on(&rt).spawn(move || async move {
        let _leaving = leaving;
        AsyncTask::to::<u32>().on(&inner).spawn(|| async move {
            let _guard = guard;
            opened.wait().await;
            3
        })
    });
    returned.wait().await;
    for _ in 0..50 {
        ensure!(poll_once(&mut parent).await.is_none(), "the parent ended before its child");
        AsyncTask::to::<()>().on(&rt).spawn(|| async {}).await?;
    }
    ensure!(parent.status() == TaskStatus::Running);
    open.set();
    let child = parent.await?;
    ensure!(dropped.is_set());
    ensure!(child.await? == 3);
    Ok(())
}

pub async fn a_child_whose_handle_escaped_is_killed_when_its_parent_fails<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let (sender, escaped) = async_channel::bounded(1);
    let dropped = Latch::new();
    let (guard, inner) = (dropped.on_drop(), rt.clone());
    let parent = AsyncTask::to::<()>().on(&rt).spawn(move || async move {
        let child = AsyncTask::to::<()>().on(&inner).spawn(|| async move {
            let _guard = guard;
            pending::<()>().await
        });
        let _ = sender.try_send(child);
        Err::<(), _>("the parent fails")
    });
    ensure!(failed(parent.await)?.is_failure());
    ensure!(dropped.is_set(), "the child is gone when the await returns");
    let child = escaped.recv().await?;
    ensure!(cause_of(&failed(child.await)?) == Some(CancelCause::ParentEnded));
    Ok(())
}

pub async fn a_detached_child_is_not_waited_for<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (open, done) = (Latch::new(), Latch::new());
    let (opened, finish, inner) = (open.clone(), done.clone(), rt.clone());
    let parent = AsyncTask::to::<()>().on(&rt).spawn(move || async move {
        let child = AsyncTask::to::<()>().on(&inner).spawn(|| async move {
            opened.wait().await;
            finish.set();
        });
        child.detach();
    });
    // The latch opens only after this await.
    parent.await?;
    ensure!(!done.is_set());
    open.set();
    done.wait().await;
    Ok(())
}

pub async fn ten_thousand_children_end_before_their_parent<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let alive = Census::default();
    let (below, inner) = (alive.clone(), rt.clone());
    let parent = AsyncTask::to::<Vec<Task<(), R>>>().on(&rt).spawn(move || async move {
        let child = |_| {
            let resident = below.enter();
            AsyncTask::to::<()>().on(&inner).spawn(move || async move {
                let _resident = resident;
                yield_now().await;
            })
        };
        (0..10_000).map(child).collect::<Vec<_>>()
    });
    let children = parent.await?;
    ensure!((alive.ever(), alive.alive()) == (10_000, 0));
    for child in children {
        child.await?;
    }
    Ok(())
}

pub async fn ten_thousand_children_have_ended_when_their_parent_is_killed<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let (alive, ready) = (Census::default(), Latch::new());
    let (below, go, inner) = (alive.clone(), ready.clone(), rt.clone());
    let parent = AsyncTask::to::<()>().on(&rt).spawn(move || async move {
        let child = |_| {
            let resident = below.enter();
            AsyncTask::to::<()>().on(&inner).spawn(move || async move {
                let _resident = resident;
                pending::<()>().await
            })
        };
        let _children: Vec<_> = (0..10_000).map(child).collect();
        go.set();
        pending::<()>().await
    });
    ready.wait().await;
    ensure!(parent.cancel(CancelLevel::Kill).await.was_cancelled());
    ensure!((alive.ever(), alive.alive()) == (10_000, 0));
    Ok(())
}

pub async fn blocking_work_of_a_cancelled_task_is_waited_for<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (started, open, dropped) = (Latch::new(), Latch::new(), Latch::new());
    let (start, opened, guard, inner) = (started.clone(), open.clone(), dropped.on_drop(), rt.clone());
    let task = AsyncTask::to::<()>().on(&rt).spawn(move || async move {
        let work = move || {
            let _guard = guard;
            start.set();
            opened.wait_blocking();
        };
        AsyncTask::to::<()>().on(&inner).run_blocking(work).await
    });
    started.wait().await;
    let mut end = task.cancel(CancelLevel::Kill);
    for _ in 0..50 {
        ensure!(poll_once(&mut end).await.is_none(), "the work still runs");
        AsyncTask::to::<()>().on(&rt).spawn(|| async {}).await?;
    }
    open.set();
    ensure!(end.await.was_cancelled());
    ensure!(dropped.is_set());
    ensure!(failed(task.await)?.is_cancelled());
    Ok(())
}

pub async fn a_destructor_that_spawns_during_a_cancel_is_no_deadlock<R: Runtime>(rt: R, _: Facts) -> Outcome {
    struct Spawns<R: Runtime>(R, Arc<async_channel::Sender<()>>);
    impl<R: Runtime> Drop for Spawns<R> {
        fn drop(&mut self) {
            let sender = self.1.clone();
            AsyncTask::to::<()>()
                .on(&self.0)
                .spawn(|| async move {
                    let _ = sender.try_send(());
                })
                .detach();
        }
    }
    let (sender, reported) = async_channel::bounded(1);
    let (started, inner) = (Latch::new(), rt.clone());
    let start = started.clone();
    let task = AsyncTask::to::<()>().on(&rt).spawn(move || async move {
        let _spawns = Spawns(inner, Arc::new(sender));
        start.set();
        pending::<()>().await
    });
    started.wait().await;
    ensure!(task.cancel(CancelLevel::Kill).await.was_cancelled());
    reported.recv().await?;
    Ok(())
}

pub async fn a_harder_kill_spares_tasks_detached_by_a_destructor<R: Runtime>(rt: R, _: Facts) -> Outcome {
    /// Spawns a child when it is dropped. Between the spawn and the detach, the cancellation of its task is
    /// raised.
    struct Spawns<R: Runtime>(R, Canceller, Option<async_channel::Sender<()>>);
    impl<R: Runtime> Drop for Spawns<R> {
        fn drop(&mut self) {
            let sender = self.2.take();
            let child = AsyncTask::to::<()>().on(&self.0).try_spawn(|| async move {
                yield_now().await;
                sender.context("taken")?.send(()).await?;
                Ok(())
            });
            drop(self.1.cancel(CancelLevel::KillHard));
            child.detach();
        }
    }
    let (sender, reported) = async_channel::bounded(1);
    let (started, inner) = (Latch::new(), rt.clone());
    let start = started.clone();
    let task = AsyncTask::to::<()>().on(&rt).spawn_with(move |cx| async move {
        let _spawns = Spawns(inner, cx.canceller(), Some(sender));
        start.set();
        pending::<()>().await
    });
    started.wait().await;
    ensure!(task.cancel(CancelLevel::Kill).await.level() == Some(CancelLevel::KillHard));
    reported.recv().await.context("it was killed")
}
