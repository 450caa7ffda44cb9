//! Capabilities, readiness: a waiter for `ready` is notified once the task is `started`, or of its end.

use crate::library::{BoxError, TaskContext};
use futures_lite::future::zip;

use crate::cases::scopes::{check, stays_pending};
use crate::kit::prelude::*;
use crate::kit::{cause_of, explode};

fn is_not_ready(result: Result<(), AsyncTaskError>) -> bool {
    matches!(result, Err(AsyncTaskError::InvalidState(_)))
}

pub async fn a_task_is_ready_once_it_calls_started_and_no_sooner<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (go, end) = (Latch::new(), Latch::new());
    let (going, ending) = (go.clone(), end.clone());
    let task = AsyncTask::to::<u32>().on(&rt).spawn_with(|cx| async move {
        going.wait().await;
        cx.started();
        ending.wait().await;
        3
    });
    let (mut by_task, mut by_canceller) = (task.ready(), task.canceller().ready());
    stays_pending(&rt, &mut by_task).await?;
    ensure!(poll_once(&mut by_canceller).await.is_none());
    go.set();
    let both = zip(by_task, by_canceller).await;
    ensure!(both.0.is_ok() && both.1.is_ok());
    ensure!(task.status() == TaskStatus::Running, "it goes on");
    end.set();
    ensure!(task.await? == 3);
    Ok(())
}

pub async fn a_ready_task_stays_ready_and_may_call_started_again<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let task = AsyncTask::to::<()>().on(&rt).spawn_with(|cx| async move {
        cx.started();
        cx.started();
        yield_now().await;
        cx.started();
    });
    let canceller = task.canceller();
    task.ready().await?;
    task.ready().await?;
    task.await?;
    // Also after the task's end.
    canceller.ready().await?;
    Ok(())
}

pub async fn many_may_wait_for_it<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let go = Latch::new();
    let going = go.clone();
    let task = AsyncTask::to::<()>().on(&rt).spawn_with(|cx| async move {
        going.wait().await;
        cx.started();
        pending::<()>().await
    });
    let waiters: Vec<_> = (0..10)
        .map(|_| {
            let canceller = task.canceller();
            AsyncTask::to::<()>().on(&rt).spawn(|| async move { canceller.ready().await })
        })
        .collect();
    // A waiter that gives up takes nothing from the others.
    drop(poll_once(task.ready()).await);
    go.set();
    for waiter in waiters {
        waiter.await?;
    }
    Ok(())
}

pub async fn a_task_that_ends_without_calling_started_is_never_ready<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let silent = AsyncTask::to::<u32>().on(&rt);
    let ends: [fn() -> Result<u32, &'static str>; 3] = [|| Ok(1), || Err("no"), || explode("boom")];
    for end in ends {
        let opened = Latch::new();
        let opens = opened.clone();
        let task = silent.clone().spawn(move || async move {
            opens.wait().await;
            end()
        });
        let mut waits = task.ready();
        ensure!(poll_once(&mut waits).await.is_none());
        opened.set();
        ensure!(is_not_ready(waits.await), "it is said to be ready");
        ensure!(task.status().is_terminal());
        ensure!(is_not_ready(task.ready().await) && is_not_ready(task.canceller().ready().await));
        // The handle gives the reason, unchanged.
        match task.await {
            Ok(value) => ensure!(value == 1),
            Err(error) => {
                ensure!(["no", "boom"].iter().any(|text| format!("{error:#}").contains(text)), "{error}")
            }
        }
    }
    Ok(())
}

pub async fn a_task_stopped_before_started_is_never_ready<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let task = AsyncTask::to::<()>().on(&rt).spawn(pending::<()>);
    let mut waits = task.ready();
    ensure!(poll_once(&mut waits).await.is_none());
    drop(task.cancel(CancelLevel::Kill));
    ensure!(is_not_ready(waits.await));
    ensure!(cause_of(&failed(task.await)?) == Some(CancelCause::Requested));
    // Killed before its first poll.
    let held = hold_workers(&rt, at).await?;
    let unpolled = AsyncTask::to::<()>().on(&rt).spawn_with(|cx| async move { cx.started() });
    let waits = unpolled.ready();
    drop(unpolled);
    held.release().await?;
    ensure!(is_not_ready(waits.await));
    let late = AsyncTask::to::<()>().on(&rt).timeout(5.millis()).spawn(pending::<()>);
    ensure!(is_not_ready(late.ready().await));
    Ok(())
}

pub async fn a_failure_after_readiness_is_reported_by_the_handle<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let task = AsyncTask::to::<()>().on(&rt).spawn_with(|cx| async move {
        cx.started();
        Err::<(), _>("afterwards")
    });
    task.ready().await?;
    ensure!(source_text(&failed(task.await)?) == "afterwards");
    Ok(())
}

pub async fn blocking_work_may_call_started<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let task = AsyncTask::to::<()>().on(&rt).spawn_blocking(|| {
        if let Some(cx) = TaskContext::current() {
            cx.started();
        }
    });
    let canceller = task.canceller();
    canceller.ready().await?;
    task.await?;
    Ok(())
}

pub async fn a_member_that_is_not_ready_keeps_its_scope_open<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (go, clock) = (Latch::new(), rt.clone());
    let (going, begun) = (go.clone(), rt.now());
    let mut scope = std::pin::pin!(AsyncTask::to().on(&rt).scope(|s| async move {
        let member = s.spawn(|| async move {
            going.wait().await;
            TaskContext::current().ok_or("no context")?.started();
            let _ = clock.sleep(5.millis()).await;
            Ok(())
        });
        Ok(member.ready())
    }));
    stays_pending(&rt, &mut scope).await?;
    go.set();
    scope.await?.await?;
    ensure!(rt.now() >= begun + 5.millis());
    Ok(())
}

pub async fn a_member_that_fails_before_fails_its_scope<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (report, reported) = async_channel::bounded(1);
    let result = AsyncTask::to().on(&rt).scope(|s| async move {
        let member = s.spawn(|| async {
            yield_now().await;
            Err::<(), BoxError>("not ready".into())
        });
        let ready = s.context().shield(member.ready()).await;
        let _ = report.try_send(is_not_ready(ready));
        pending::<Result<(), BoxError>>().await
    });
    ensure!(source_text(&failed(result.await)?) == "not ready");
    ensure!(reported.recv().await?);
    Ok(())
}

pub async fn a_waiter_may_be_cancelled_and_the_task_goes_on<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let value = AsyncTask::to().on(&rt).scope(|s| async move {
        let (go, started) = (Latch::new(), Latch::new());
        let (going, starts) = (go.clone(), started.clone());
        let service = s.spawn(|| async move {
            going.wait().await;
            TaskContext::current().ok_or("no context")?.started();
            Ok(4)
        });
        let ready = service.ready();
        let waiter = s.spawn(|| async move {
            starts.set();
            Ok(ready.await?)
        });
        started.wait().await;
        check(waiter.canceller().cancel(CancelLevel::Kill).await.was_cancelled(), "the waiter is stopped")?;
        go.set();
        service.ready().await?;
        Ok(service.await?)
    });
    ensure!(value.await? == 4);
    Ok(())
}

pub async fn started_may_be_called_around_a_cancellation<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for starts_first in [true, false] {
        let alive = Census::default();
        let below = alive.clone();
        let result = AsyncTask::to().on(&rt).scope(|s| async move {
            let scope = s.context().clone();
            let service = s.spawn(move || async move {
                let _resident = below.enter();
                let cx = TaskContext::current().ok_or("no context")?;
                if starts_first {
                    cx.started();
                }
                drop(scope.canceller().cancel(CancelLevel::Kill));
                cx.started();
                pending::<Result<(), BoxError>>().await
            });
            // The body is stopped here, or sees the member ready first: it does not hang.
            service.ready().await?;
            pending::<Result<(), BoxError>>().await
        });
        ensure!(cause_of(&failed(result.await)?) == Some(CancelCause::Requested));
        ensure!((alive.alive(), alive.ever()) == (0, 1));
    }
    Ok(())
}

pub async fn a_started_call_before_the_end_is_not_lost<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for round in 0..50 {
        let task = AsyncTask::to::<()>().on(&rt).spawn_with(move |cx| async move {
            for _ in 0..round % 3 {
                yield_now().await;
            }
            cx.started();
            for _ in 0..round % 2 {
                yield_now().await;
            }
        });
        // In whatever order the two are seen, a `started` before the end is not lost.
        let canceller = task.canceller();
        let (ready, end) = zip(canceller.ready(), task).await;
        ensure!(ready.is_ok() && end.is_ok());
        ensure!(matches!(poll_once(canceller.ready()).await, Some(Ok(()))));
    }
    Ok(())
}
