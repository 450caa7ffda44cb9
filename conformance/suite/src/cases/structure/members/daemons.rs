//! Promise 8, scopes: daemons serve the other members, and are stopped once those have ended.

use std::pin::pin;

use crate::library::{BoxError, NamedTask as _, RetryStrategy, ScopedTask, TaskContext};
use async_channel::{Receiver, Sender};
use futures_lite::future::or;

use crate::cases::scopes::{check, stays_pending};
use crate::kit::prelude::*;

/// A number to be doubled, and the way of the answer.
pub(super) type Request = (u32, Sender<u32>);

/// Waits until the task that this is part of is asked to stop.
pub(super) async fn until_asked() -> Result<TaskContext, BoxError> {
    let cx = TaskContext::current().ok_or("no context")?;
    cx.cancelled().await;
    Ok(cx)
}

/// Doubles numbers until it is asked to stop. Returns how many these were.
pub(super) async fn serve(requests: Receiver<Request>) -> Result<u32, BoxError> {
    let cx = TaskContext::current().ok_or("no context")?;
    let mut served = 0;
    loop {
        let asked_to_stop = async {
            cx.cancelled().await;
            None
        };
        let next = or(async { requests.recv().await.ok() }, asked_to_stop).await;
        let Some((number, answer)) = next else { return Ok(served) };
        let _ = answer.try_send(number * 2);
        served += 1;
    }
}

/// Has a number doubled.
pub(super) async fn ask(server: Sender<Request>, number: u32) -> Result<u32, BoxError> {
    let (answer, answered) = async_channel::bounded(1);
    server.send((number, answer)).await?;
    Ok(answered.recv().await?)
}

pub async fn a_daemon_serves_members_until_they_have_ended<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let ((server, requests), (keep, kept)) = (async_channel::unbounded(), async_channel::bounded(1));
    let sum = AsyncTask::to::<u32>().on(&rt).scope(|s| async move {
        let _ = keep.try_send(s.spawn_daemon(|| serve(requests)));
        let mut members = Vec::new();
        for number in 0..10 {
            let server = server.clone();
            members.push(s.spawn(move || ask(server, number)));
        }
        let mut sum = 0;
        for member in members {
            sum += member.await?;
        }
        // One whose handle is dropped, after the body.
        drop(s.spawn(|| async move {
            yield_now().await;
            ask(server, 1).await
        }));
        Ok(sum)
    });
    ensure!(sum.await? == 90);
    let daemon: ScopedTask<u32, R> = kept.recv().await?;
    let served = daemon.await?;
    ensure!(served == 11, "{served} of 11 requests");
    Ok(())
}

/// Work that ends when it is released.
async fn released(alive: Census, open: Latch) -> Result<(), BoxError> {
    let _resident = alive.enter();
    open.wait().await;
    Ok(())
}

pub async fn a_daemon_is_cancelled_once_only_daemons_are_left<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (alive, open, inner) = (Census::default(), Latch::new(), rt.clone());
    let ((see, seen), (handles, escaped)) = (async_channel::bounded(1), async_channel::unbounded());
    let (below, opened) = (alive.clone(), open.clone());
    let mut scope = pin!(AsyncTask::to().on(&rt).scope(|s| async move {
        let others = below.clone();
        drop(s.spawn_daemon(|| async move {
            let cx = until_asked().await?;
            let _ = see.try_send(((others.alive(), others.ever()), cx.level(), cx.cause()));
            Ok(())
        }));
        // A member, one that it spawns, a task below it, and a task of the body that is no member.
        let work = || released(below.clone(), opened.clone());
        let (first, second, third, fourth) = (work(), work(), work(), work());
        let (again, on, escape) = (s.clone(), inner.clone(), handles.clone());
        drop(s.spawn(|| async move {
            drop(again.spawn(|| second));
            let _ = escape.try_send(AsyncTask::to::<()>().on(&on).spawn(|| third));
            first.await
        }));
        let _ = handles.try_send(AsyncTask::to::<()>().on(&inner).spawn(|| fourth));
        Ok(7)
    }));
    stays_pending(&rt, &mut scope).await?;
    ensure!(seen.is_empty(), "it was asked to stop before its time");
    open.set();
    ensure!(scope.await? == 7);
    let heard = seen.recv().await?;
    ensure!(heard == ((0, 4), Some(CancelLevel::Graceful), Some(CancelCause::ScopeEnded)), "{heard:?}");
    while let Ok(task) = escaped.try_recv() {
        let task: Task<(), R> = task;
        task.await?;
    }
    Ok(())
}

pub async fn a_daemon_that_ends_early_leaves_the_members_alone<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let sum = AsyncTask::to::<u32>().on(&rt).scope(|s| async move {
        let early = s.spawn_daemon(|| async { Ok(1) }).await?;
        let member = s.spawn(|| async {
            yield_now().await;
            Ok(2)
        });
        Ok(early + member.await?)
    });
    ensure!(sum.await? == 3);
    Ok(())
}

pub async fn a_scope_of_daemons_alone_ends_with_its_body<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for body_waits in [false, true] {
        let asked = Census::default();
        let heard = asked.clone();
        let value = AsyncTask::to().on(&rt).scope(|s| async move {
            for _ in 0..3 {
                let heard = heard.clone();
                drop(s.spawn_daemon(|| async move {
                    until_asked().await?;
                    drop(heard.enter());
                    Ok(())
                }));
            }
            if body_waits {
                yield_now().await;
            }
            Ok(4)
        });
        ensure!(value.await? == 4);
        ensure!(asked.ever() == 3, "{} of 3 were asked to stop", asked.ever());
    }
    Ok(())
}

pub async fn all_daemons_are_stopped_at_the_same_time<R: Runtime>(rt: R, _: Facts) -> Outcome {
    const MANY: usize = 20;
    let (handles, escaped) = async_channel::unbounded();
    AsyncTask::to()
        .on(&rt)
        .scope(|s| async move {
            let (asked, all) = (Census::default(), Latch::new());
            for _ in 0..MANY {
                let (asked, all) = (asked.clone(), all.clone());
                let _ = handles.try_send(s.spawn_daemon(|| async move {
                    until_asked().await?;
                    // Each waits for all others to be asked, too.
                    drop(asked.enter());
                    if asked.ever() == MANY {
                        all.set();
                    }
                    all.wait().await;
                    Ok(())
                }));
            }
            Ok(())
        })
        .await?;
    for _ in 0..MANY {
        let daemon: ScopedTask<(), R> = escaped.recv().await?;
        daemon.await.context("it was stopped after another one, and killed")?;
    }
    Ok(())
}

pub async fn spawn_daemon_as_takes_policies_and_all_kinds_of_work<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let inner = rt.clone();
    let daemons = AsyncTask::to().on(&rt).scope(|s| async move {
        let builder = || AsyncTask::to::<u32>().on(&inner);
        let named = s.spawn_daemon_as(builder().name("heartbeat").grace(1.hours()), || async {
            until_asked().await.map(|_| 1)
        });
        check(named.name().as_deref() == Some("heartbeat"), "its name")?;
        let children = s.context().relationships().children();
        let is_child = children.iter().any(|child| child.name.as_deref() == Some("heartbeat"));
        check(is_child, "it is a child of its scope")?;
        let (calls, second) = (Census::default(), Latch::new());
        let begun = second.clone();
        let policies = builder().retry(1).backoff(RetryStrategy::Immediate);
        let retried = s.spawn_daemon_as(policies, move || {
            let (is_first, begin) = (calls.ever() == 0, second.clone());
            drop(calls.enter());
            async move {
                if is_first {
                    return Err::<u32, BoxError>("the first attempt".into());
                }
                begin.set();
                until_asked().await.map(|_| 2)
            }
        });
        let blocking = s.spawn_daemon_as(builder(), || 3);
        // A request between two attempts would end the work with the error of the first.
        begun.wait().await;
        Ok((named, retried, blocking))
    });
    let (named, retried, blocking) = daemons.await?;
    ensure!(named.await? == 1 && retried.await? == 2 && blocking.await? == 3);
    Ok(())
}
