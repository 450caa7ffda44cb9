//! Shutdown: it cancels running tasks gracefully, with its own limit as their grace period.

use crate::library::{CancellableTask as _, RuntimeError, TaskContext};

use crate::kit::ending::{ended, killed_are_gone, left};
use crate::kit::prelude::*;

const NOTICE: (Option<CancelLevel>, Option<CancelCause>) =
    (Some(CancelLevel::Graceful), Some(CancelCause::Shutdown));

/// Work that waits for its cancellation, checks level and cause, and returns 1.
async fn checks_notice(cx: TaskContext) -> Result<u32, AsyncTaskError> {
    cx.cancelled().await;
    match (cx.level(), cx.cause()) {
        NOTICE => Ok(1),
        other => Err(AsyncTaskError::failure(format!("{other:?}"))),
    }
}

pub fn waiting_tasks_are_notified_and_may_end_by_themselves(harness: Started) -> Outcome {
    ended(&harness, |rt| async move {
        let ((report, reported), ready, inner) =
            (async_channel::unbounded(), async_channel::unbounded(), rt.clone());
        let (begin, begun) = ready;
        let task = AsyncTask::to::<u32>().on(&rt).try_spawn(|| async move {
            let cx = TaskContext::current().context("a task has a context")?;
            let builder = AsyncTask::to::<u32>().on(&inner);
            let (begin_too, report) = (begin.clone(), report);
            let child = builder.clone().spawn_with(|cx| async move {
                let _ = begin_too.try_send(());
                checks_notice(cx).await
            });
            let begin_too = begin.clone();
            let detached = builder.clone().spawn_with(|cx| async move {
                let _ = begin_too.try_send(());
                let reported = checks_notice(cx).await;
                let _ = report.try_send(reported.is_ok());
                reported
            });
            detached.detach();
            let part = builder.run_with(|cx| async move {
                let _ = begin.try_send(());
                checks_notice(cx).await
            });
            Ok(part.await? + child.await? + checks_notice(cx).await?)
        });
        for _ in 0..3 {
            begun.recv().await?;
        }
        rt.shutdown(1.hours()).await?;
        ensure!(task.await? == 3);
        ensure!(reported.recv().await?, "the detached one saw another cause");
        ensure!(rt.active_task_count() == 0);
        Ok(())
    })
}

pub fn the_grace_period_is_the_shutdowns_limit(harness: Started) -> Outcome {
    let at = harness.flavour().facts;
    ended(&harness, |rt| async move {
        let (reported, started, dropped) = (Latch::new(), Latch::new(), Latch::new());
        let (report, start, guard) = (reported.clone(), started.clone(), dropped.on_drop());
        let task = AsyncTask::to::<()>().on(&rt).spawn_with(|cx| async move {
            let _guard = guard;
            start.set();
            cx.cancelled().await;
            report.set();
            pending::<()>().await
        });
        started.wait().await;
        // Longer than the grace period of a request, where that costs no time.
        let limit = if at.virtual_time { 10.seconds() } else { 20.millis() };
        let begun = rt.now();
        let mut shutdown = std::pin::pin!(rt.shutdown(limit));
        ensure!(poll_once(&mut shutdown).await.is_none());
        reported.wait().await;
        ensure!(task.status() == TaskStatus::PendingCancellation && !dropped.is_set());
        ensure!(left(shutdown.await)? == (1, 0));
        let took = rt.now().saturating_duration_since(begun);
        ensure!(took >= limit && (!at.virtual_time || took == limit), "{took:?}");
        killed_are_gone(&rt, begun, limit).await?;
        ensure!(dropped.is_set() && failed(task.await)?.is_shutdown());
        Ok(())
    })
}

pub fn a_tasks_own_grace_period_holds_within_the_limit(harness: Started) -> Outcome {
    let at = harness.flavour().facts;
    ended(&harness, |rt| async move {
        let started = Latch::new();
        let start = started.clone();
        let mut task = AsyncTask::to::<()>().on(&rt).grace(10.millis()).spawn(|| async move {
            start.set();
            pending::<()>().await
        });
        started.wait().await;
        let begun = rt.now();
        rt.shutdown(1.hours()).await?;
        let took = rt.now().saturating_duration_since(begun);
        ensure!(took >= 10.millis() && (!at.virtual_time || took == 10.millis()), "{took:?}");
        ensure!(failed((&mut task).await)?.is_shutdown());
        let end = task.cancel_forcefully().await;
        ensure!((end.level(), end.cause()) == (Some(CancelLevel::Kill), Some(CancelCause::Shutdown)));
        ensure!(end.was_cancelled());
        Ok(())
    })
}

pub fn its_callbacks_run_before_a_task_ends(harness: Started) -> Outcome {
    ended(&harness, |rt| async move {
        let (given, ran) = (async_channel::bounded(1), (Latch::new(), Latch::new()));
        let (give, given) = given;
        let task = AsyncTask::to::<u32>().on(&rt).spawn_with(|cx| async move {
            let _ = give.try_send(cx.clone());
            checks_notice(cx).await
        });
        let cx = given.recv().await?;
        let (now, later) = ran.clone();
        task.on_cancel(move || now.set())?;
        cx.on_cancel(move || async move {
            yield_now().await;
            later.set();
        })?;
        rt.shutdown(1.hours()).await?;
        ensure!(task.await? == 1 && ran.0.is_set() && ran.1.is_set());
        Ok(())
    })
}

pub fn tasks_that_start_waiting_after_the_notice_are_notified_as_well(harness: Started) -> Outcome {
    ended(&harness, |rt| async move {
        let (inner, reported) = (rt.clone(), async_channel::unbounded());
        let (report, reported) = reported;
        let watching = rt.clone();
        let task = AsyncTask::to::<u32>().on(&rt).spawn_with(|cx| async move {
            watching.root().closing().await;
            // Running work may still spawn; a detached task has no parent that passes the request on.
            let late = AsyncTask::to::<u32>().on(&inner).spawn_with(|cx| async move {
                let result = checks_notice(cx).await;
                let _ = report.try_send(result.is_ok());
                result
            });
            late.detach();
            checks_notice(cx).await
        });
        while task.status() == TaskStatus::Pending {
            yield_now().await;
        }
        rt.shutdown(1.hours()).await?;
        ensure!(task.await? == 1 && reported.recv().await?);
        Ok(())
    })
}

pub fn an_earlier_request_keeps_its_cause(harness: Started) -> Outcome {
    ended(&harness, |rt| async move {
        let (started, reported) = (Latch::new(), Latch::new());
        let (start, report) = (started.clone(), reported.clone());
        let mut task = AsyncTask::to::<()>().on(&rt).grace(1.hours()).spawn_with(|cx| async move {
            start.set();
            cx.cancelled().await;
            report.set();
            pending::<()>().await
        });
        started.wait().await;
        drop(task.cancel_gracefully());
        reported.wait().await;
        ensure!(left(rt.shutdown(5.millis()).await)? == (1, 0));
        let error = failed((&mut task).await)?;
        ensure!(crate::kit::cause_of(&error) == Some(CancelCause::Requested), "{error:?}");
        let again: Result<(), RuntimeError> = rt.shutdown(5.millis()).await;
        Ok(again?)
    })
}
