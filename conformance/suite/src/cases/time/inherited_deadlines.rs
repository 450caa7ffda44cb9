//! Promise 8, scopes: deadlines are inherited, and the earliest wins.
//! At a task's deadline everything below the task ends.

use std::time::Instant;

use crate::library::{Canceller, TaskContext, TimedTask as _, TimeoutKind};

use super::deadlines::{is_due, passed};
use crate::kit::cause_of;
use crate::kit::prelude::*;

/// Runs `body` in a task that has an hour.
async fn within_an_hour<R, F, O>(rt: &R, body: F) -> Outcome
where
    R: Runtime,
    F: FnOnce(R, TaskContext) -> O + Send + 'static,
    O: Future<Output = Outcome> + Send + 'static,
{
    let inner = rt.clone();
    let task = AsyncTask::to::<()>().on(rt).timeout(1.hours()).spawn_with(|cx| body(inner, cx));
    task.await.map_err(Failure::from)
}

pub async fn a_child_has_its_parents_deadline<R: Runtime>(rt: R, _: Facts) -> Outcome {
    within_an_hour(&rt, |rt, cx| async move {
        let own = cx.deadline().context("an hour")?;
        let child = AsyncTask::to::<bool>().on(&rt).spawn_with(move |cx| async move {
            let grandchild = AsyncTask::to::<bool>().on(&cx.runtime());
            let below = grandchild.run_with(move |cx| async move { cx.deadline() == Some(own) });
            cx.deadline() == Some(own) && cx.remaining() <= Some(1.hours()) && below.await.unwrap_or(false)
        });
        ensure!((child.deadline(), child.timeout()) == (Some(own), None), "it has no limit of its own");
        ensure!(!child.is_expired() && child.await?);
        let scope = AsyncTask::to().on(&rt).scope(|s| async move {
            let member = s.spawn(|| async { Ok(()) });
            let seen = (s.context().deadline(), member.deadline());
            member.await?;
            Ok(seen)
        });
        let seen: (Option<Instant>, Option<Instant>) = scope.await?;
        ensure!(seen == (Some(own), Some(own)));
        Ok(())
    })
    .await
}

pub async fn the_earliest_of_inherited_and_own_deadlines_is_reported<R: Runtime>(rt: R, _: Facts) -> Outcome {
    within_an_hour(&rt, |rt, cx| async move {
        let above = cx.deadline();
        let shorter = AsyncTask::to::<()>().on(&rt).timeout(10.minutes()).spawn(pending::<()>);
        let longer = AsyncTask::to::<()>().on(&rt).timeout(2.hours()).spawn(pending::<()>);
        ensure!(shorter.deadline() < above && shorter.deadline().is_some());
        ensure!(longer.deadline() == above && longer.timeout() == Some(2.hours()));
        ensure!(longer.remaining() <= Some(1.hours()));
        for task in [shorter, longer] {
            task.cancel(CancelLevel::Kill).await;
        }
        Ok(())
    })
    .await
}

pub async fn a_moved_deadline_is_inherited_by_children<R: Runtime>(rt: R, _: Facts) -> Outcome {
    within_an_hour(&rt, |rt, cx| async move {
        let base = rt.now();
        cx.set_deadline(base + 5.minutes())?;
        let child = AsyncTask::to::<()>().on(&rt).spawn(pending::<()>);
        for (own, expected) in [(10u64, 5u64), (3, 3), (10, 5)] {
            child.set_deadline(base + own.minutes())?;
            ensure!(child.deadline() == Some(base + expected.minutes()), "{own} minutes");
        }
        cx.set_deadline(base + 4.minutes())?;
        ensure!(child.deadline() == Some(base + 4.minutes()));
        cx.set_timeout(Duration::MAX)?;
        ensure!(child.deadline() == Some(base + 10.minutes()), "only its own is left");
        child.set_timeout(Duration::MAX)?;
        ensure!((child.deadline(), cx.deadline()) == (None, None));
        child.cancel(CancelLevel::Kill).await;
        Ok(())
    })
    .await
}

pub async fn a_detached_task_has_no_deadline_above_it<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (sender, contexts) = async_channel::bounded::<TaskContext>(1);
    let parent = AsyncTask::to::<()>().on(&rt).timeout(10.millis()).spawn_with(|cx| async move {
        let child = AsyncTask::to::<()>().on(&cx.runtime()).spawn_with(|cx| async move {
            let _ = sender.try_send(cx);
            pending::<()>().await
        });
        child.detach();
        pending::<()>().await
    });
    let begun = rt.now();
    let child = contexts.recv().await?;
    // The context may arrive before the parent has detached the child.
    while child.deadline().is_some() {
        futures_lite::future::yield_now().await;
    }
    passed(parent.await)?;
    rt.sleep(20.millis()).await?;
    ensure!(child.status() == TaskStatus::Running, "it ended with the one that had spawned it");
    child.set_timeout(10.millis())?;
    let end = child.canceller();
    while !end.status().is_terminal() {
        rt.sleep(1.millis()).await?;
    }
    ensure!(!at.virtual_time || rt.now() >= begun + 40.millis());
    ensure!(child.is_expired(), "it ended at the deadline of its own");
    Ok(())
}

pub async fn at_its_parents_deadline_a_child_is_killed_and_waited_for<R: Runtime>(
    rt: R,
    at: Facts,
) -> Outcome {
    let (alive, begun) = (Census::default(), rt.now());
    let (sender, cancellers) = async_channel::unbounded::<Canceller>();
    let (inner, resident) = (rt.clone(), alive.clone());
    let parent =
        AsyncTask::to::<()>().on(&rt).name("parent").timeout(20.millis()).spawn(move || async move {
            let builder = AsyncTask::to::<()>().on(&inner);
            let rest = [builder.clone().timeout(1.hours()), builder.timeout(Duration::MAX)].map(|builder| {
                let resident = resident.enter();
                let child = builder.spawn(|| async move {
                    let _resident = resident;
                    pending::<()>().await
                });
                let _ = sender.try_send(child.canceller());
                child
            });
            for child in rest {
                let _ = child.await;
            }
        });
    let error = passed(parent.await)?;
    is_due(&rt, at, begun, 20.millis())?;
    ensure!((error.kind(), error.limit()) == (TimeoutKind::Overall, 20.millis()));
    ensure!(alive.alive() == 0, "they are gone when the await returns");
    for _ in 0..2 {
        let end = cancellers.recv().await?.cancel(CancelLevel::Graceful).await;
        // Its handle was dropped with its parent's work, or its parent ended first: both causes come from the
        // parent.
        let causes = [Some(CancelCause::HandleDropped), Some(CancelCause::ParentEnded)];
        ensure!(end.was_cancelled() && causes.contains(&end.cause()), "{end:?}");
    }
    Ok(())
}

pub async fn an_inner_limit_ends_the_inner_work_alone<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let begun = rt.now();
    within_an_hour(&rt, move |rt, _| async move {
        let builder = AsyncTask::to::<()>().on(&rt).timeout(10.millis());
        passed(builder.clone().spawn(pending::<()>).await)?;
        passed(builder.clone().run(pending::<()>).await)?;
        passed(builder.clone().run_with(|_| pending::<()>()).await)?;
        passed(builder.scope(|_| async { Ok(pending::<()>().await) }).await)?;
        is_due(&rt, at, begun, 40.millis())
    })
    .await
}

pub async fn a_deadline_takes_work_in_place_with_it<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (begun, alive) = (rt.now(), Census::default());
    let (first, second, third) = (alive.enter(), alive.enter(), alive.enter());
    let inner = rt.clone();
    let outer = AsyncTask::to::<()>().on(&rt).timeout(10.millis()).run_with(|_| async move {
        let _first = first;
        let middle = AsyncTask::to::<()>().on(&inner).timeout(1.hours()).run_with(|cx| async move {
            let _second = second;
            let child = AsyncTask::to::<()>().on(&cx.runtime()).timeout(1.minutes()).spawn(|| async move {
                let _third = third;
                pending::<()>().await
            });
            child.await
        });
        middle.await
    });
    ensure!(passed(outer.await)?.limit() == 10.millis());
    is_due(&rt, at, begun, 10.millis())?;
    ensure!(alive.alive() == 0);
    Ok(())
}

pub async fn a_scopes_limit_ends_its_members<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (begun, alive) = (rt.now(), Census::default());
    let builder = AsyncTask::to::<()>().on(&rt).name("scope").timeout(20.millis());
    let census = alive.clone();
    let scope = builder.scope(|s| async move {
        for _ in 0..3 {
            let resident = census.enter();
            drop(s.spawn(|| async move {
                let _resident = resident;
                Ok(pending::<()>().await)
            }));
        }
        // The body has ended; the scope's limit applies to its members as well.
        Ok(())
    });
    let result = scope.await;
    is_due(&rt, at, begun, 20.millis())?;
    ensure!(alive.alive() == 0 && alive.ever() == 3);
    ensure!(passed(result)?.to_string() == "task `scope` timed out after 20ms");
    let census = alive.clone();
    let scope = AsyncTask::to::<()>().on(&rt).name("scope").timeout(20.millis()).scope(|s| async move {
        let resident = census.enter();
        let member = s.spawn(|| async move {
            let _resident = resident;
            Ok(pending::<()>().await)
        });
        Ok(member.await?)
    });
    let error = passed(scope.await)?;
    ensure!(error.to_string() == "task `scope` timed out after 20ms" && alive.alive() == 0, "{error}");
    is_due(&rt, at, begun, 40.millis())
}

pub async fn a_members_limit_is_its_scopes_failure<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (alive, inner) = (Census::default(), rt.clone());
    let resident = alive.enter();
    let scope = AsyncTask::to().on(&rt).scope(|s| async move {
        drop(s.spawn(|| async move {
            let _resident = resident;
            Ok(pending::<()>().await)
        }));
        let limited = AsyncTask::to::<()>().on(&inner).name("limited").timeout(5.millis());
        let result = s.spawn_as(limited, pending::<()>).await;
        ensure_siblings(result)?;
        Ok(())
    });
    let error = passed(scope.await)?;
    ensure!(error.to_string().contains("limited") && alive.alive() == 0, "{error}");
    Ok(())
}

/// Checks the error of a member's own handle after the member's failure.
fn ensure_siblings<T>(result: Result<T, AsyncTaskError>) -> Outcome {
    ensure!(cause_of(&failed(result)?) == Some(CancelCause::SiblingFailed));
    Ok(())
}

pub async fn a_limit_within_a_shielded_region_passes_at_its_own_time<R: Runtime>(
    rt: R,
    at: Facts,
) -> Outcome {
    let begun = rt.now();
    within_an_hour(&rt, move |rt, cx| async move {
        // The task's own deadline has passed, and it was killed. Both wait for the region, and neither
        // affects the inner limit.
        cx.set_timeout(Duration::ZERO)?;
        drop(cx.canceller().cancel(CancelLevel::Kill));
        let region = cx.shield(async {
            let builder = AsyncTask::to::<()>().on(&rt).timeout(10.millis());
            passed(builder.clone().run(pending::<()>).await)?;
            passed(builder.clone().run_with(|_| pending::<()>()).await)?;
            passed(AsyncTask::to::<()>().on(&rt).attempt_timeout(10.millis()).run(pending::<()>).await)?;
            // Created inside a task that was killed, and shielded together with it.
            is_due(&rt, at, begun, 30.millis())
        });
        region.await
    })
    .await
}

pub async fn a_limit_around_a_shielded_region_waits_for_its_end<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let begun = rt.now();
    within_an_hour(&rt, move |rt, cx| async move {
        let (beyond, inner) = (Latch::new(), rt.clone());
        let passed_by = beyond.clone();
        let run = AsyncTask::to::<()>().on(&rt).timeout(10.millis()).run(|| async move {
            let _ = cx.shield(inner.sleep(30.millis())).await;
            pending::<()>().await;
            passed_by.set();
        });
        passed(run.await)?;
        is_due(&rt, at, begun, 30.millis())?;
        ensure!(!beyond.is_set());
        Ok(())
    })
    .await
}
