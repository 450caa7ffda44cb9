//! Promise 8, scopes: a dropped scope, set or context kills its tasks, and the task around it waits for them.

use std::pin::pin;

use crate::library::{BoxError, ScopedTask, TaskContext, TaskSet};
use futures_lite::future::or;

use super::scopes::{scope_on, stays_pending, stubborn};
use crate::kit::cause_of;
use crate::kit::prelude::*;

/// Drives `future` until `then` is set, and drops it; a future given by reference is only left.
pub(super) async fn dropped_at<F: Future>(then: &Latch, future: F) {
    or(async { drop(future.await) }, then.wait()).await;
}

/// Work that has started once `started` is set, and ends after a kill only when `latch` is set.
pub(crate) async fn held(started: Latch, latch: Latch, alive: Census) -> Result<(), BoxError> {
    let _resident = alive.enter();
    stubborn(async move {
        started.set();
        latch.wait().await;
    })
    .await
}

/// Checks that `task`, which drops something with a held child, waits for that child.
async fn waits_for_the_held<R: Runtime>(
    rt: &R,
    mut task: Task<u32, R>,
    dropped: &Latch,
    latch: &Latch,
    alive: &Census,
) -> Outcome {
    dropped.wait().await;
    stays_pending(rt, &mut task).await?;
    ensure!(alive.alive() > 0 && task.status() == TaskStatus::Running);
    latch.set();
    ensure!(task.await? == 5);
    ensure!(alive.alive() == 0, "{} are left", alive.alive());
    Ok(())
}

pub async fn the_task_around_a_dropped_scope_waits_for_its_members<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (latch, dropped, alive) = (Latch::new(), Latch::new(), Census::default());
    let (open, all_dropped, below, inner) = (latch.clone(), dropped.clone(), alive.clone(), rt.clone());
    let (handles, escaped) = async_channel::bounded(1);
    let task = AsyncTask::to::<u32>().on(&rt).spawn(move || async move {
        let start = Latch::new();
        let begin = start.clone();
        let scope = scope_on(&inner, |s| async move {
            let member = s.spawn(|| held(begin, open, below));
            let _ = handles.try_send(member);
            pending::<Result<(), BoxError>>().await
        });
        dropped_at(&start, scope).await;
        all_dropped.set();
        5
    });
    waits_for_the_held(&rt, task, &dropped, &latch, &alive).await?;
    // A kill came before its work was done; a value of the poll in which the work ends wins.
    let member: ScopedTask<(), R> = escaped.recv().await?;
    let end = member.canceller().cancel(CancelLevel::Kill).await;
    ensure!(end.cause() == Some(CancelCause::ScopeDropped), "{end:?}");
    Ok(())
}

pub async fn the_task_around_dropped_work_with_a_context_waits_for_its_children<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let (latch, dropped, alive) = (Latch::new(), Latch::new(), Census::default());
    let (open, all_dropped, below, inner) = (latch.clone(), dropped.clone(), alive.clone(), rt.clone());
    let (handles, escaped) = async_channel::bounded(1);
    let task = AsyncTask::to::<u32>().on(&rt).spawn(move || async move {
        let (start, here) = (Latch::new(), inner.clone());
        let begin = start.clone();
        let work = AsyncTask::to::<()>().on(&inner).run_with(|_| async move {
            let child = AsyncTask::to::<()>().on(&here).spawn(|| held(begin, open, below));
            let _ = handles.try_send(child);
            pending::<()>().await
        });
        dropped_at(&start, work).await;
        all_dropped.set();
        5
    });
    let child: Task<(), R> = escaped.recv().await?;
    waits_for_the_held(&rt, task, &dropped, &latch, &alive).await?;
    let end = child.cancel(CancelLevel::Kill).await;
    ensure!(end.cause() == Some(CancelCause::ScopeDropped), "{end:?}");
    Ok(())
}

pub async fn the_task_around_a_dropped_set_waits_for_its_tasks<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (latch, dropped, alive) = (Latch::new(), Latch::new(), Census::default());
    let (open, all_dropped, below, inner) = (latch.clone(), dropped.clone(), alive.clone(), rt.clone());
    let task = AsyncTask::to::<u32>().on(&rt).spawn(move || async move {
        let start = Latch::new();
        let begin = start.clone();
        let mut set = TaskSet::new();
        for _ in 0..3 {
            let (begin, open, below) = (begin.clone(), open.clone(), below.clone());
            set.push(AsyncTask::to::<()>().on(&inner).spawn(|| held(begin, open, below)));
        }
        dropped_at(&start, async move { set.all().await }).await;
        all_dropped.set();
        5
    });
    waits_for_the_held(&rt, task, &dropped, &latch, &alive).await
}

pub async fn several_levels_dropped_at_once_are_all_waited_for<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (latch, dropped, alive) = (Latch::new(), Latch::new(), Census::default());
    let (open, all_dropped, below, inner) = (latch.clone(), dropped.clone(), alive.clone(), rt.clone());
    let task = AsyncTask::to::<u32>().on(&rt).spawn(move || async move {
        let start = Latch::new();
        let begin = start.clone();
        let (deeper, opened, beneath) = (inner.clone(), open.clone(), below.clone());
        // A member at each level; the innermost is the last to start.
        let levels = scope_on(&inner, |outer| async move {
            let (first, here) = (Latch::new(), deeper.clone());
            let starts = first.clone();
            drop(outer.spawn(|| held(starts, open, below)));
            first.wait().await;
            let work = AsyncTask::to::<()>().on(&deeper).run_with(|_| async move {
                let innermost = scope_on(&here, |s| async move {
                    drop(s.spawn(|| held(begin, opened, beneath)));
                    pending::<Result<(), BoxError>>().await
                });
                innermost.await
            });
            Ok(work.await?)
        });
        dropped_at(&start, levels).await;
        all_dropped.set();
        5
    });
    waits_for_the_held(&rt, task, &dropped, &latch, &alive).await?;
    ensure!(alive.ever() == 2);
    Ok(())
}

pub async fn a_scope_waits_for_a_scope_dropped_in_its_body<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (latch, alive, started) = (Latch::new(), Census::default(), Latch::new());
    let (open, below, inner, start) = (latch.clone(), alive.clone(), rt.clone(), started.clone());
    let mut outer = pin!(scope_on(&rt, |s| async move {
        let begin = start.clone();
        let scope = scope_on(&inner, |t| async move {
            drop(t.spawn(|| held(begin, open, below)));
            pending::<Result<(), BoxError>>().await
        });
        dropped_at(&start, scope).await;
        drop(s);
        Ok(5)
    }));
    dropped_at(&started, &mut outer).await;
    stays_pending(&rt, &mut outer).await?;
    ensure!(alive.alive() == 1);
    latch.set();
    ensure!(outer.await? == 5);
    ensure!(alive.alive() == 0);
    Ok(())
}

pub async fn a_kill_waits_for_the_members_of_a_dropped_scope<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (latch, started, alive) = (Latch::new(), Latch::new(), Census::default());
    let (open, begin, below, inner) = (latch.clone(), started.clone(), alive.clone(), rt.clone());
    let task = AsyncTask::to::<()>().on(&rt).spawn(move || async move {
        let scope = scope_on(&inner, |s| async move {
            drop(s.spawn(|| held(begin, open, below)));
            pending::<Result<(), BoxError>>().await
        });
        scope.await
    });
    started.wait().await;
    let mut end = task.cancel(CancelLevel::Kill);
    stays_pending(&rt, &mut end).await?;
    ensure!(alive.alive() == 1);
    latch.set();
    ensure!(end.await.was_cancelled());
    ensure!(alive.alive() == 0);
    Ok(())
}

pub async fn a_failure_in_a_dropped_scope_harms_no_other_task<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (inner, alive) = (rt.clone(), Census::default());
    let below = alive.clone();
    let task = AsyncTask::to::<u32>().on(&rt).spawn(move || async move {
        let start = Latch::new();
        let begin = start.clone();
        let scope = scope_on(&inner, |s| async move {
            let resident = below.enter();
            drop(s.spawn(|| async move {
                let _resident = resident;
                let cx = TaskContext::current().ok_or("no context")?;
                begin.set();
                stubborn(cx.cancelled()).await?;
                Err::<(), BoxError>("unseen".into())
            }));
            pending::<Result<(), BoxError>>().await
        });
        dropped_at(&start, scope).await;
        5
    });
    ensure!(task.await? == 5);
    ensure!((alive.alive(), alive.ever()) == (0, 1));
    Ok(())
}

pub async fn work_spawned_by_a_member_of_a_dropped_scope_is_never_called<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let (inner, called) = (rt.clone(), Latch::new());
    let (call, (results, result)) = (called.clone(), async_channel::bounded(1));
    let task = AsyncTask::to::<u32>().on(&rt).spawn(move || async move {
        let start = Latch::new();
        let begin = start.clone();
        let scope = scope_on(&inner, |s| async move {
            let late = s.clone();
            drop(s.spawn(|| async move {
                let cx = TaskContext::current().ok_or("no context")?;
                begin.set();
                let outlived = async {
                    cx.cancelled().await;
                    let _ = results.try_send(late.spawn(|| async move {
                        call.set();
                        Ok(())
                    }));
                };
                stubborn(outlived).await
            }));
            pending::<Result<(), BoxError>>().await
        });
        dropped_at(&start, scope).await;
        5
    });
    ensure!(task.await? == 5);
    let late: ScopedTask<(), R> = result.recv().await?;
    ensure!(cause_of(&failed(late.await)?) == Some(CancelCause::ScopeDropped));
    ensure!(!called.is_set());
    Ok(())
}

pub async fn blocking_work_of_a_dropped_scope_is_waited_for<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (latch, dropped, alive) = (Latch::new(), Latch::new(), Census::default());
    let (open, all_dropped, below, inner) = (latch.clone(), dropped.clone(), alive.clone(), rt.clone());
    let task = AsyncTask::to::<u32>().on(&rt).spawn(move || async move {
        let start = Latch::new();
        let (begin, here) = (start.clone(), inner.clone());
        let scope = scope_on(&inner, |s| async move {
            let resident = below.enter();
            drop(s.spawn_as(AsyncTask::to::<()>().on(&here), move || {
                let _resident = resident;
                begin.set();
                open.wait_blocking();
            }));
            pending::<Result<(), BoxError>>().await
        });
        dropped_at(&start, scope).await;
        all_dropped.set();
        5
    });
    waits_for_the_held(&rt, task, &dropped, &latch, &alive).await
}
