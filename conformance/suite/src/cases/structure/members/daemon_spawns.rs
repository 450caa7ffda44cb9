//! Promise 8, scopes: tasks that a daemon spawns, below itself or into its scope, end before it does; once it is
//! asked to stop, its scope takes no more.

use std::pin::pin;

use crate::library::{Limiter, TaskContext};

use super::daemons::until_asked;
use crate::cases::scopes::{scope_on, stays_pending};
use crate::kit::prelude::*;

pub async fn tasks_that_a_daemon_spawns_are_part_of_it<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (alive, (report, reported), inner) = (Census::default(), async_channel::bounded(1), rt.clone());
    let resident = alive.enter();
    AsyncTask::to()
        .on(&rt)
        .scope(|s| async move {
            let started = Latch::new();
            let start = started.clone();
            drop(s.spawn_daemon(|| async move {
                let child = AsyncTask::to::<Option<CancelCause>>().on(&inner).try_spawn(|| async move {
                    let _resident = resident;
                    start.set();
                    let cx = until_asked().await?;
                    yield_now().await;
                    Ok(cx.cause())
                });
                until_asked().await?;
                let _ = report.try_send(child.await?);
                Ok(())
            }));
            started.wait().await;
            Ok(())
        })
        .await?;
    ensure!(alive.alive() == 0, "the child is left");
    // It was not waited for before its parent was asked to stop.
    ensure!(reported.recv().await? == Some(CancelCause::ParentCancelled));
    Ok(())
}

pub async fn a_member_that_a_daemon_has_spawned_is_waited_for_first<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let ((see, seen), open) = (async_channel::bounded(1), Latch::new());
    let opened = open.clone();
    let mut scope = pin!(AsyncTask::to().on(&rt).scope(|s| async move {
        let (spawned, done, again) = (Latch::new(), Latch::new(), s.clone());
        let spawns = spawned.clone();
        drop(s.spawn_daemon(|| async move {
            let ends = done.clone();
            drop(again.spawn(|| async move {
                opened.wait().await;
                ends.set();
                Ok(())
            }));
            spawns.set();
            until_asked().await?;
            let _ = see.try_send(done.is_set());
            Ok(())
        }));
        spawned.wait().await;
        Ok(())
    }));
    stays_pending(&rt, &mut scope).await?;
    ensure!(seen.is_empty(), "it was asked to stop before a member");
    open.set();
    scope.await?;
    ensure!(seen.recv().await?, "the member had not ended");
    Ok(())
}

pub async fn a_scope_inside_a_daemon_ends_before_it<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let ((see, seen), inner) = (async_channel::unbounded(), rt.clone());
    AsyncTask::to()
        .on(&rt)
        .scope(|s| async move {
            let started = Latch::new();
            let start = started.clone();
            drop(s.spawn_daemon(|| async move {
                let (by_member, by_daemon) = (see.clone(), see.clone());
                let below = scope_on(&inner, |t| async move {
                    drop(t.spawn_daemon(|| async move {
                        let cx = until_asked().await?;
                        let _ = by_daemon.try_send(("inner daemon", cx.cause()));
                        Ok(())
                    }));
                    drop(t.spawn(|| async move {
                        start.set();
                        let cx = until_asked().await?;
                        yield_now().await;
                        let _ = by_member.try_send(("inner member", cx.cause()));
                        Ok(())
                    }));
                    Ok(())
                });
                below.await?;
                let cause = TaskContext::current().and_then(|cx| cx.cause());
                let _ = see.try_send(("daemon", cause));
                Ok(())
            }));
            started.wait().await;
            Ok(())
        })
        .await?;
    let order = [
        ("inner member", Some(CancelCause::ParentCancelled)),
        ("inner daemon", Some(CancelCause::ScopeEnded)),
        ("daemon", Some(CancelCause::ScopeEnded)),
    ];
    for due in order {
        let heard = seen.recv().await?;
        ensure!(heard == due, "{heard:?} in place of {due:?}");
    }
    Ok(())
}

pub async fn a_scope_whose_daemons_are_cancelled_takes_no_more<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let ((see, seen), called) = (async_channel::bounded(1), Census::default());
    let limiter = Limiter::builder().max_concurrent(1).build()?;
    let (calls, line) = (called.clone(), limiter.clone());
    AsyncTask::to()
        .on(&rt)
        .scope(|s| async move {
            let again = s.clone();
            drop(s.spawn_daemon(|| async move {
                until_asked().await?;
                let work = || {
                    let calls = calls.clone();
                    || async move {
                        drop(calls.enter());
                        Ok(())
                    }
                };
                let errors = [
                    failed(again.spawn(work()).await)?,
                    failed(again.spawn_daemon(work()).await)?,
                    failed(again.spawn_in(&line, work()).await)?,
                ];
                let _ = see.try_send(errors);
                Ok(())
            }));
            Ok(())
        })
        .await?;
    for error in seen.recv().await? {
        ensure!(matches!(error, AsyncTaskError::InvalidState(_)), "{error:?}");
    }
    ensure!(called.ever() == 0, "refused work was called");
    ensure!((limiter.under_way(), limiter.waiting()) == (0, 0), "{limiter:?}");
    Ok(())
}
