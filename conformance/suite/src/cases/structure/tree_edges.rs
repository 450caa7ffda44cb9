//! Promise 8, scopes: a cancellation spares detached tasks, and gives each child its cause and grace period.

use crate::library::{CancelOutcome, CancellableTask as _, TimedTask as _};
use futures_lite::future::block_on;

use crate::kit::prelude::*;
use crate::kit::{cause_of, explode};

pub async fn a_request_reaches_no_detached_task_and_none_below_it<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for level in [CancelLevel::Graceful, CancelLevel::Kill, CancelLevel::KillHard] {
        let (inner, open, (give, given)) = (rt.clone(), Latch::new(), async_channel::unbounded());
        let (opened, let_go) = (open.clone(), Latch::new());
        let released = let_go.clone();
        let parent = AsyncTask::to::<()>().on(&rt).grace(1.hours()).spawn_with(|cx| async move {
            let deeper = inner.clone();
            let detached = AsyncTask::to::<()>().on(&inner).spawn_with(|cx| async move {
                let (opened, give_too) = (opened.clone(), give.clone());
                let _ = give.try_send(cx);
                let child = AsyncTask::to::<()>().on(&deeper).spawn_with(|cx| async move {
                    let _ = give_too.try_send(cx);
                    opened.wait().await;
                });
                let _ = child.await;
            });
            detached.detach();
            released.set();
            cx.cancelled().await;
            // A value in the poll in which it is killed would win.
            yield_now().await;
        });
        let (detached, child) = (given.recv().await?, given.recv().await?);
        let_go.wait().await;
        drop(parent.cancel(level));
        ensure!(parent.await.is_ok() == (level == CancelLevel::Graceful));
        for _ in 0..20 {
            AsyncTask::to::<()>().on(&rt).spawn(|| async {}).await?;
        }
        ensure!(!detached.is_cancelled() && !child.is_cancelled(), "{level} has reached them");
        ensure!([detached.status(), child.status()] == [TaskStatus::Running; 2]);
        open.set();
        let end = detached.canceller().cancel(CancelLevel::Graceful).await;
        ensure!(end.outcome() == CancelOutcome::Success, "{end:?}");
    }
    Ok(())
}

/// Spawns a task when it is dropped: detached, or with a handle that is kept elsewhere.
struct Spawns<R: Runtime> {
    rt: R,
    kept: Option<async_channel::Sender<Task<(), R>>>,
    open: Latch,
    done: Latch,
}

impl<R: Runtime> Drop for Spawns<R> {
    fn drop(&mut self) {
        let (opened, done) = (self.open.clone(), self.done.clone());
        let task = AsyncTask::to::<()>().on(&self.rt).spawn(|| async move {
            opened.wait().await;
            done.set();
        });
        match &self.kept {
            Some(kept) => drop(kept.try_send(task)),
            None => task.detach(),
        }
    }
}

pub async fn a_task_spawned_by_a_destructor_in_a_kill_lives_only_detached<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    for detached in [true, false] {
        let (open, done, started) = (Latch::new(), Latch::new(), Latch::new());
        let (keep, kept) = async_channel::bounded(1);
        let kept_by = (!detached).then_some(keep);
        let spawns = Spawns { rt: rt.clone(), kept: kept_by, open: open.clone(), done: done.clone() };
        let start = started.clone();
        let task = AsyncTask::to::<()>().on(&rt).spawn(|| async move {
            let _spawns = spawns;
            start.set();
            pending::<()>().await
        });
        started.wait().await;
        // If the child were waited for, this would not return: the latch opens after it.
        ensure!(task.cancel_forcefully().await.was_cancelled());
        open.set();
        if detached {
            done.wait().await;
        } else {
            let cause = cause_of(&failed(kept.recv().await?.await)?);
            ensure!(cause == Some(CancelCause::ParentCancelled) && !done.is_set(), "{cause:?}");
        }
    }
    Ok(())
}

pub async fn the_cause_of_a_child_reflects_the_end_of_its_parent<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let endings = ["fails", "panics", "is late", "is killed", "is dropped", "is asked, and fails"];
    for ending in endings {
        let (inner, (keep, kept)) = (rt.clone(), async_channel::unbounded());
        let ready = Latch::new();
        let (begun, has_begun) = (ready.clone(), ready.clone());
        let parent = AsyncTask::to::<()>().on(&rt).grace(1.hours()).spawn_with(move |cx| async move {
            let (deeper, keep_too) = (inner.clone(), keep.clone());
            let child = AsyncTask::to::<()>().on(&inner).spawn(|| async move {
                // The handles are kept elsewhere: a dropped handle would be the cause.
                let _ = keep_too.try_send(AsyncTask::to::<()>().on(&deeper).spawn(pending::<()>));
                begun.set();
                pending::<()>().await
            });
            let _ = keep.try_send(child);
            has_begun.wait().await;
            match ending {
                "fails" => Err(AsyncTaskError::failure("no")),
                "panics" => explode("no"),
                "is asked, and fails" => {
                    cx.cancelled().await;
                    Err(AsyncTaskError::failure("no"))
                }
                _ => pending().await,
            }
        });
        ready.wait().await;
        let (first, second) = (kept.recv().await?, kept.recv().await?);
        let end = match ending {
            "is killed" => Some(parent.cancel_forcefully()),
            "is asked, and fails" => Some(parent.cancel_gracefully()),
            _ => None,
        };
        if ending == "is late" {
            parent.set_timeout(1.millis())?;
        }
        if ending == "is dropped" {
            drop(parent);
        } else {
            ensure!(parent.await.is_err(), "{ending}");
        }
        drop(end);
        let mut causes = Vec::new();
        for child in [first, second] {
            causes.extend(cause_of(&failed(child.await)?));
        }
        // The two handles are in no order here, so the case does not say which is the parent's own child.
        let own = match ending {
            "fails" | "panics" | "is late" => CancelCause::ParentEnded,
            _ => CancelCause::ParentCancelled,
        };
        ensure!(causes.len() == 2 && causes.contains(&own), "{ending}: {causes:?}");
        ensure!(
            causes.contains(&CancelCause::ParentCancelled),
            "{ending}: its grandchild's parent was cancelled"
        );
    }
    Ok(())
}

pub async fn children_of_running_blocking_work_are_cancelled_while_it_runs<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    for level in [CancelLevel::Graceful, CancelLevel::Kill, CancelLevel::KillHard] {
        let (inner, started, released) = (rt.clone(), Latch::new(), Latch::new());
        let (start, leave, outlive) = (started.clone(), released.on_drop(), released.clone());
        let task = AsyncTask::to::<bool>().on(&rt).grace(1.hours()).spawn_blocking(move || {
            let child = AsyncTask::to::<()>().on(&inner).spawn_with(|cx| async move {
                let _leave = leave;
                start.set();
                cx.cancelled().await;
                // A value in the poll in which it is killed would win.
                yield_now().await;
            });
            // The work goes on, and the child ends all the same: nothing else sets this latch.
            outlive.wait_blocking();
            block_on(child).is_ok()
        });
        started.wait().await;
        drop(task.cancel(level));
        released.wait().await;
        match task.await {
            // Also after a kill that came in the task's first poll: a value that is ready in that poll wins.
            Ok(by_itself) => ensure!((level == CancelLevel::Graceful) == by_itself, "{level}: {by_itself}"),
            Err(error) => {
                ensure!(level != CancelLevel::Graceful && error.is_cancelled(), "{level}: {error:?}")
            }
        }
    }
    Ok(())
}

pub async fn children_share_the_grace_period_of_the_cancelled_task<R: Runtime>(rt: R, at: Facts) -> Outcome {
    const GRACE: Duration = Duration::from_millis(30);
    let (inner, (keep, kept)) = (rt.clone(), async_channel::unbounded());
    let (start, started) = async_channel::unbounded();
    let parent = AsyncTask::to::<()>().on(&rt).grace(GRACE).spawn(|| async move {
        for own in [None, Some(10.millis()), Some(1.hours())] {
            let builder = AsyncTask::to::<()>().on(&inner);
            let (now, start) = (inner.clone(), start.clone());
            let work = || async move {
                let _ = start.try_send(());
                pending::<()>().await
            };
            let child = match own {
                Some(grace) => builder.grace(grace).spawn(work),
                None => builder.spawn(work),
            };
            let _ = keep.try_send((own, child, now));
        }
        pending::<()>().await
    });
    for _ in 0..3 {
        started.recv().await?;
    }
    let begun = rt.now();
    drop(parent.cancel_gracefully());
    let mut waits = Vec::new();
    // Some may have started before their handles were sent.
    for _ in 0..3 {
        let (own, child, now) = kept.recv().await?;
        waits.push(AsyncTask::to::<()>().on(&rt).try_spawn(move || async move {
            let error = failed(child.await)?;
            let took = now.now().saturating_duration_since(begun);
            let due = own.unwrap_or(GRACE).min(GRACE);
            let cause = cause_of(&error);
            let holds = took >= due && (!at.virtual_time || took == due);
            if !holds || cause != Some(CancelCause::ParentCancelled) {
                return Err(format!("{own:?}: {took:?} in place of {due:?}, {cause:?}").into());
            }
            Ok(())
        }));
    }
    ensure!(parent.await.is_err());
    for wait in waits {
        wait.await?;
    }
    Ok(())
}

pub async fn a_hard_kill_reports_busy_tasks_far_below<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (inner, entered, open) = (rt.clone(), Latch::new(), Latch::new());
    let (enter, opened) = (entered.clone(), open.clone());
    let top = AsyncTask::to::<()>().on(&rt).name("top").spawn(|| async move {
        let deeper = inner.clone();
        let middle = AsyncTask::to::<()>().on(&inner).name("middle").spawn(|| async move {
            let leaf = AsyncTask::to::<()>().on(&deeper).name("leaf").spawn_with(|cx| async move {
                let region = async {
                    enter.set();
                    opened.wait().await;
                };
                cx.shield(region).await;
            });
            let _ = leaf.await;
        });
        let _ = middle.await;
        // A value in the poll in which it is killed would win.
        pending::<()>().await
    });
    entered.wait().await;
    let answer = poll_once(top.cancel_immediately()).await.context("it waits")?;
    ensure!(answer.outcome() == CancelOutcome::Abandoned, "{answer:?}");
    let named: Vec<_> = answer.stuck().iter().filter_map(|info| info.name.as_deref()).collect();
    ensure!(named == ["top", "middle", "leaf"], "{named:?}");
    open.set();
    ensure!(failed(top.await)?.is_cancelled(), "the handle resolves at the true end");
    Ok(())
}
