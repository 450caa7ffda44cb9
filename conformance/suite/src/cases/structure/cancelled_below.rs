//! Promise 8, scopes: a cancellation request flows from a parent to its children, and never upwards.

use crate::library::TaskContext;

use crate::kit::prelude::*;

pub async fn a_cancelled_child_leaves_its_ancestors_alone<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (inner, open, looked) = (rt.clone(), Latch::new(), Latch::new());
    let (opened, has_looked, (give, given)) = (open.clone(), looked.clone(), async_channel::bounded(2));
    let parent = AsyncTask::to::<()>().on(&rt).spawn_with(|cx| async move {
        let builder = AsyncTask::to::<()>().on(&inner);
        let ends_when_cancelled = || builder.clone().spawn_with(|cx| async move { cx.cancelled().await });
        let mut first = ends_when_cancelled();
        drop(first.canceller().cancel(CancelLevel::Graceful));
        (&mut first).await?;
        // A child that is spawned later has no request.
        let second = builder.clone().spawn_with(|cx| async move {
            let _ = give.try_send(cx.clone());
            cx.cancelled().await;
        });
        ensure!(first.status() == TaskStatus::Completed);
        ensure!(!cx.is_cancelled() && poll_once(cx.cancelled()).await.is_none());
        has_looked.set();
        opened.wait().await;
        second.await?;
        Ok::<(), Failure>(())
    });
    let second = given.recv().await?;
    looked.wait().await;
    ensure!(!second.is_cancelled());
    open.set();
    drop(parent.cancel(CancelLevel::Graceful));
    parent.await?;
    ensure!(second.cause() == Some(CancelCause::ParentCancelled));
    Ok(())
}

pub async fn a_child_of_a_cancelled_task_is_spawned_cancelled<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (inner, seen) = (rt.clone(), async_channel::unbounded());
    let (report, reported) = seen;
    let task = AsyncTask::to::<()>().on(&rt).grace(1.hours()).try_spawn(|| async move {
        let cx = TaskContext::current().context("a task has a context")?;
        drop(cx.canceller().cancel(CancelLevel::Graceful));
        let watch = |deeper: Option<async_channel::Sender<_>>| {
            let (report, inner) = (report.clone(), inner.clone());
            move |cx: TaskContext| async move {
                let now = poll_once(cx.cancelled()).await.is_some();
                let _ = report.try_send((now, cx.level(), cx.cause()));
                let Some(report) = deeper else { return };
                let child = AsyncTask::to::<()>().on(&inner).spawn_with(|cx| async move {
                    let now = poll_once(cx.cancelled()).await.is_some();
                    let _ = report.try_send((now, cx.level(), cx.cause()));
                });
                let _ = child.await;
            }
        };
        let builder = AsyncTask::to::<()>().on(&inner);
        builder.clone().spawn_with(watch(Some(report.clone()))).await?;
        builder.clone().run_with(watch(None)).await?;
        let scope = builder.scope(|s| async move {
            let cx = s.context().clone();
            Ok(watch(None)(cx).await)
        });
        Ok(scope.await?)
    });
    task.await?;
    for _ in 0..4 {
        let seen = reported.recv().await?;
        let due = (true, Some(CancelLevel::Graceful), Some(CancelCause::ParentCancelled));
        ensure!(seen == due, "{seen:?}");
    }
    Ok(())
}

pub async fn children_that_end_in_any_order_leave_their_parent_as_it_was<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    for backwards in [false, true] {
        for killed in [false, true] {
            let inner = rt.clone();
            let task = AsyncTask::to::<bool>().on(&rt).spawn_with(move |cx| async move {
                let mut children: Vec<_> = (0..3)
                    .map(|_| {
                        let open = Latch::new();
                        let opened = open.clone();
                        let child =
                            AsyncTask::to::<()>().on(&inner).spawn(|| async move { opened.wait().await });
                        (open, child)
                    })
                    .collect();
                if backwards {
                    children.reverse();
                }
                for (open, child) in children {
                    if killed {
                        child.cancel(CancelLevel::Kill).await;
                    }
                    open.set();
                    let _ = child.await;
                    ensure!(!cx.is_cancelled() && cx.status() == TaskStatus::Running);
                }
                ensure!(cx.relationships().children().is_empty());
                let child =
                    AsyncTask::to::<bool>().on(&inner).spawn_with(|cx| async move { !cx.is_cancelled() });
                Ok::<bool, Failure>(child.await?)
            });
            ensure!(task.await?);
        }
    }
    Ok(())
}

pub async fn a_task_that_waits_only_for_children_passes_a_request_on<R: Runtime>(
    rt: R,
    facts: Facts,
) -> Outcome {
    for level in [CancelLevel::Graceful, CancelLevel::Kill] {
        let (inner, dropped) = (rt.clone(), Latch::new());
        let (leaving, (give, given)) = (dropped.on_drop(), async_channel::bounded(1));
        let top = AsyncTask::to::<()>().on(&rt).grace(1.hours()).spawn(|| async move {
            let below = inner.clone();
            let middle = AsyncTask::to::<()>().on(&inner).spawn(|| async move {
                let _leaving = leaving;
                let grandchild = AsyncTask::to::<()>().on(&below).spawn_with(|cx| async move {
                    cx.cancelled().await;
                    // A value of the poll in which it is killed would win.
                    yield_now().await;
                });
                let _ = give.try_send(grandchild);
            });
            let _ = middle.await;
        });
        dropped.wait().await;
        let grandchild = given.recv().await?;
        let end = top.cancel(level);
        match (level, grandchild.await) {
            (CancelLevel::Graceful, result) => result?,
            (_, result) => ensure!(failed(result)?.is_cancelled()),
        }
        // With other threads, the poll in which the top began to wait may still be in progress: its value
        // then wins.
        let may_win = level == CancelLevel::Graceful || !facts.virtual_time;
        let was_cancelled = end.await.was_cancelled();
        ensure!(if was_cancelled { level == CancelLevel::Kill } else { may_win });
    }
    Ok(())
}
