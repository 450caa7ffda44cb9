//! Promise 8, scopes: however a scope with daemons ends, they end with it, and their failures are its own.

use crate::library::task::DEFAULT_GRACE;
use crate::library::{BoxError, CancellableTask as _, ScopedTask, TaskContext};

use super::daemons::{ask, serve, until_asked};
use crate::cases::adoption::{dropped_at, held};
use crate::cases::scopes::{check, scope_on, stays_pending, stubborn};
use crate::kit::prelude::*;
use crate::kit::{cause_of, explode};

const GRACE: Duration = Duration::from_millis(20);

/// Work that ends only when it is killed.
async fn forever(alive: Census) -> Result<(), BoxError> {
    let _resident = alive.enter();
    pending::<Result<(), BoxError>>().await
}

/// Checks that a daemon was asked to stop because the others had ended, and then killed.
async fn was_killed_after_the_others<R: Runtime>(daemon: ScopedTask<(), R>) -> Outcome {
    let error = failed(daemon.await)?;
    let AsyncTaskError::Cancelled { level, cause, .. } = error else { bail!("not cancelled: {error:?}") };
    ensure!((level, cause) == (CancelLevel::Kill, CancelCause::ScopeEnded), "{level}: {cause}");
    Ok(())
}

pub async fn a_daemon_that_fails_ends_its_scope<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for panics in [false, true] {
        let alive = Census::default();
        let below = alive.clone();
        let result = AsyncTask::to().on(&rt).scope(|s| async move {
            let _resident = below.enter();
            let (one, other) = (below.clone(), below.clone());
            drop(s.spawn(|| forever(one)));
            drop(s.spawn_daemon(|| forever(other)));
            drop(s.spawn_daemon(move || async move {
                yield_now().await;
                if panics { explode("boom") } else { Err::<(), BoxError>("boom".into()) }
            }));
            pending::<Result<(), BoxError>>().await
        });
        let error = failed(result.await)?;
        ensure!((error.is_panic(), error.is_failure()) == (panics, !panics), "{error:?}");
        ensure!(format!("{error:#}").contains("boom"), "{error:#}");
        ensure!(alive.alive() == 0, "{} are left", alive.alive());
    }
    Ok(())
}

pub async fn a_daemon_that_fails_in_its_grace_period_fails_its_scope<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for panics in [false, true] {
        let (alive, (handles, escaped), inner) = (Census::default(), async_channel::bounded(1), rt.clone());
        let below = alive.clone();
        let result = AsyncTask::to::<u32>().on(&rt).scope(|s| async move {
            let builder = AsyncTask::to::<()>().on(&inner).grace(1.hours());
            let _ = handles.try_send(s.spawn_daemon_as(builder, || forever(below)));
            drop(s.spawn_daemon(move || async move {
                until_asked().await?;
                yield_now().await;
                if panics { explode("boom") } else { Err::<(), BoxError>("boom".into()) }
            }));
            Ok(1)
        });
        let error = failed(result.await)?;
        ensure!((error.is_panic(), error.is_failure()) == (panics, !panics), "{error:?}");
        ensure!(alive.alive() == 0, "the other one is left");
        // It was asked first, and then killed for the failure.
        let other: ScopedTask<(), R> = escaped.recv().await?;
        was_killed_after_the_others(other).await?;
    }
    Ok(())
}

pub async fn a_daemon_that_stays_is_killed_after_its_grace_period<R: Runtime>(rt: R, at: Facts) -> Outcome {
    for grace in [Some(GRACE), Some(Duration::ZERO), None] {
        // In real time the default period is too long for a case.
        if grace.is_none() && !at.virtual_time {
            continue;
        }
        let (alive, (handles, escaped), inner) = (Census::default(), async_channel::bounded(1), rt.clone());
        let (below, begun) = (alive.clone(), rt.now());
        let value = AsyncTask::to::<u32>().on(&rt).scope(|s| async move {
            let daemon = match grace {
                Some(grace) => {
                    let builder = AsyncTask::to::<()>().on(&inner).grace(grace);
                    s.spawn_daemon_as(builder, || forever(below))
                }
                None => s.spawn_daemon_as(AsyncTask::to::<()>().on(&inner), || forever(below)),
            };
            let _ = handles.try_send(daemon);
            Ok(5)
        });
        // The kill of a daemon is no failure.
        ensure!(value.await? == 5);
        let (took, due) = (rt.now().saturating_duration_since(begun), grace.unwrap_or(DEFAULT_GRACE));
        ensure!(took >= due && (!at.virtual_time || took == due), "{took:?} in place of {due:?}");
        ensure!(alive.alive() == 0);
        let daemon: ScopedTask<(), R> = escaped.recv().await?;
        was_killed_after_the_others(daemon).await?;
    }
    Ok(())
}

pub async fn a_daemon_that_is_killed_alone_is_no_failure<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let alive = Census::default();
    let below = alive.clone();
    let value = AsyncTask::to::<u32>().on(&rt).scope(|s| async move {
        let daemon = s.spawn_daemon(|| forever(below));
        check(daemon.canceller().cancel(CancelLevel::Kill).await.was_cancelled(), "it was killed")?;
        let member = s.spawn(|| async { Ok(3) });
        Ok(member.await?)
    });
    ensure!(value.await? == 3 && alive.alive() == 0);
    Ok(())
}

pub async fn a_daemon_of_a_killed_scope_is_killed_with_the_members<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (alive, (handles, escaped), inner) = (Census::default(), async_channel::bounded(1), rt.clone());
    let below = alive.clone();
    let result = AsyncTask::to().on(&rt).scope(|s| async move {
        let builder = AsyncTask::to::<()>().on(&inner).grace(1.hours());
        let (one, other, canceller) = (below.clone(), below.clone(), s.context().canceller());
        let _ = handles.try_send(s.spawn_daemon_as(builder, || forever(one)));
        drop(s.spawn(|| forever(other)));
        drop(s.spawn(|| async move {
            drop(canceller.cancel(CancelLevel::Kill));
            Ok(())
        }));
        pending::<Result<(), BoxError>>().await
    });
    let error = failed(result.await)?;
    ensure!(cause_of(&error) == Some(CancelCause::Requested), "{error:?}");
    ensure!(alive.alive() == 0);
    let daemon: ScopedTask<(), R> = escaped.recv().await?;
    ensure!(cause_of(&failed(daemon.await)?) == Some(CancelCause::ParentCancelled));
    Ok(())
}

pub async fn a_daemon_of_a_scope_killed_for_a_reason_has_it<R: Runtime>(rt: R, _: Facts) -> Outcome {
    const REASON: &str = "tenant removed";
    let ((handles, escaped), inner) = (async_channel::bounded(1), rt.clone());
    let result = AsyncTask::to().on(&rt).scope(|s| async move {
        let builder = AsyncTask::to::<()>().on(&inner).grace(1.hours());
        let _ = handles.try_send(s.spawn_daemon_as(builder, || forever(Census::default())));
        drop(s.context().canceller().cancel_because(CancelLevel::Kill, REASON));
        pending::<Result<(), BoxError>>().await
    });
    let error = failed(result.await)?;
    ensure!(error.cancel_reason() == Some(REASON), "{error:?}");
    let daemon: ScopedTask<(), R> = escaped.recv().await?;
    let error = failed(daemon.await)?;
    ensure!(cause_of(&error) == Some(CancelCause::ParentCancelled), "{error:?}");
    ensure!(error.cancel_reason() == Some(REASON), "{error:?}");
    Ok(())
}

pub async fn a_scope_cancelled_gracefully_stops_its_daemons_after_the_members<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let ((server, requests), (see, seen)) = (async_channel::unbounded(), async_channel::unbounded());
    let value = AsyncTask::to::<u32>().on(&rt).scope(|s| async move {
        drop(s.spawn_daemon(|| serve(requests)));
        let member = s.spawn(|| async move {
            until_asked().await?;
            for _ in 0..5 {
                yield_now().await;
            }
            // On its way out it needs the daemon once more.
            ask(server, 20).await
        });
        drop(s.context().cancel_gracefully());
        // Spawned after the request, it is not asked to stop with the others either.
        drop(s.spawn_daemon(|| async move {
            let _ = see.try_send(until_asked().await?.cause());
            Ok(())
        }));
        Ok(member.await?)
    });
    ensure!(value.await? == 40);
    ensure!(seen.recv().await? == Some(CancelCause::ScopeEnded));
    Ok(())
}

pub async fn a_failure_in_the_scope_kills_its_daemons<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for of_its_body in [false, true] {
        let (alive, (handles, escaped), inner) = (Census::default(), async_channel::bounded(1), rt.clone());
        let below = alive.clone();
        let result = AsyncTask::to().on(&rt).scope(|s| async move {
            let builder = AsyncTask::to::<()>().on(&inner).grace(1.hours());
            let _ = handles.try_send(s.spawn_daemon_as(builder, || forever(below)));
            yield_now().await;
            if of_its_body {
                return Err("the body".into());
            }
            drop(s.spawn(|| async { Err::<(), BoxError>("a member".into()) }));
            pending::<Result<(), BoxError>>().await
        });
        let (error, due) = (failed(result.await)?, if of_its_body { "the body" } else { "a member" });
        ensure!(source_text(&error) == due, "{error:#}");
        ensure!(alive.alive() == 0);
        let daemon: ScopedTask<(), R> = escaped.recv().await?;
        let cause = if of_its_body { CancelCause::ParentEnded } else { CancelCause::SiblingFailed };
        ensure!(cause_of(&failed(daemon.await)?) == Some(cause), "not {cause:?}");
    }
    Ok(())
}

pub async fn a_limit_on_the_scope_is_on_the_grace_period_of_its_daemons<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    for body_ends in [true, false] {
        let (alive, inner) = (Census::default(), rt.clone());
        let below = alive.clone();
        let result = AsyncTask::to::<u32>().on(&rt).timeout(5.millis()).scope(|s| async move {
            let builder = AsyncTask::to::<()>().on(&inner).grace(1.hours());
            drop(s.spawn_daemon_as(builder, || forever(below)));
            if body_ends { Ok(1) } else { pending().await }
        });
        let error = failed(result.await)?;
        ensure!(error.is_timeout(), "{error:?}");
        ensure!(alive.alive() == 0);
    }
    Ok(())
}

pub async fn a_dropped_scope_kills_its_daemons_and_the_task_around_waits<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    // Dropped with its body under way, with a member left, and while it stops its daemon.
    for stage in 0..3 {
        let (latch, dropped, alive) = (Latch::new(), Latch::new(), Census::default());
        let (open, all_dropped, below, inner) = (latch.clone(), dropped.clone(), alive.clone(), rt.clone());
        let mut task = AsyncTask::to::<u32>().on(&rt).spawn(move || async move {
            let start = Latch::new();
            let begin = start.clone();
            let scope = scope_on(&inner, |s| async move {
                drop(s.spawn_daemon(|| held(begin, open, below)));
                match stage {
                    0 => pending::<Result<(), BoxError>>().await?,
                    1 => drop(s.spawn(pending::<Result<(), BoxError>>)),
                    _ => {}
                }
                Ok(())
            });
            dropped_at(&start, scope).await;
            all_dropped.set();
            5
        });
        dropped.wait().await;
        stays_pending(&rt, &mut task).await?;
        ensure!(alive.alive() == 1 && task.status() == TaskStatus::Running, "at stage {stage}");
        latch.set();
        ensure!(task.await? == 5 && alive.alive() == 0, "at stage {stage}");
    }
    Ok(())
}

pub async fn a_recovery_begins_once_the_daemons_are_gone<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let alive = Census::default();
    let (below, seen) = (alive.clone(), alive.clone());
    let builder = AsyncTask::to::<usize>().on(&rt).recover_with(move |_| {
        let left = seen.alive();
        async move { left }
    });
    let left = builder.scope(|s| async move {
        let started = Latch::new();
        let start = started.clone();
        drop(s.spawn_daemon(|| async move {
            let _resident = below.enter();
            let cx = TaskContext::current().ok_or("no context")?;
            // Killed, it goes on for a while.
            stubborn(async move {
                start.set();
                cx.cancelled().await;
                for _ in 0..5 {
                    yield_now().await;
                }
            })
            .await
        }));
        started.wait().await;
        Err("the body".into())
    });
    let left = left.await?;
    ensure!(left == 0, "the recovery began with {left} of them alive");
    ensure!((alive.alive(), alive.ever()) == (0, 1));
    Ok(())
}

pub async fn a_scope_that_has_ended_takes_no_daemon<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let ended = AsyncTask::to().on(&rt).scope(|s| async move { Ok(s) }).await?;
    let called = Latch::new();
    let call = called.clone();
    let late = ended.spawn_daemon(|| async move {
        call.set();
        Ok(())
    });
    let error = failed(late.await)?;
    ensure!(matches!(error, AsyncTaskError::InvalidState(_)), "{error:?}");
    ensure!(!called.is_set(), "refused work was called");
    Ok(())
}
