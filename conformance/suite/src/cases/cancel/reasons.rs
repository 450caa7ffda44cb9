//! Cancellation, reasons: the text that a caller gives with a cancellation is found by the cancelled work and
//! by the caller; it is that of the request whose cause was recorded.

use std::borrow::Cow;
use std::sync::{Arc, Barrier};
use std::thread;

use crate::library::{CancelOutcome, CancellableTask, TaskContext};

use super::levels::LEVELS;
use crate::cases::backoff::waiting_with;
use crate::kit::cause_of;
use crate::kit::prelude::*;

pub(super) const REASON: &str = "tenant removed";

pub async fn a_reason_is_in_the_error_the_result_and_the_context<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for level in LEVELS {
        let (started, (report, reported)) = (Latch::new(), async_channel::bounded(1));
        let start = started.clone();
        let builder = AsyncTask::to::<()>().on(&rt).name("export").grace(1.hours());
        let task = builder.spawn_with(move |cx| async move {
            start.set();
            cx.cancelled().await;
            let _ = report.try_send((cx.cancel_reason(), cx.cause()));
            pending::<()>().await
        });
        started.wait().await;
        drop(task.cancel_because(level, REASON));
        if level == CancelLevel::Graceful {
            let (reason, cause) = reported.recv().await?;
            ensure!(reason.as_deref() == Some(REASON) && cause == Some(CancelCause::Requested));
        }
        // This waits for the end, which a hard kill may not.
        let end = task.cancel(CancelLevel::Kill).await;
        ensure!((end.reason(), end.cause()) == (Some(REASON), Some(CancelCause::Requested)), "{end:?}");
        let error = failed(task.await)?;
        ensure!(error.cancel_reason() == Some(REASON), "{error:?}");
        ensure!(cause_of(&error) == Some(CancelCause::Requested), "{error:?}");
        let level = end.level().context("it was cancelled")?;
        let text = format!("cancelled ({level}, requested): {REASON}");
        ensure!(error.to_string() == format!("task `export` was {text}"), "{error}");
        ensure!(error.reason() == text && format!("{error:#}") == error.to_string(), "{error:#}");
    }
    Ok(())
}

pub async fn an_empty_reason_is_none<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for given in [None, Some("")] {
        let task = AsyncTask::to::<()>().on(&rt).spawn(pending::<()>);
        let end = match given {
            Some(reason) => task.cancel_because(CancelLevel::Kill, reason),
            None => task.cancel(CancelLevel::Kill),
        };
        let end = end.await;
        ensure!(end.was_cancelled() && end.reason().is_none(), "{end:?}");
        let error = failed(task.await)?;
        ensure!(error.cancel_reason().is_none(), "{error:?}");
        ensure!(error.to_string() == "cancelled (kill, requested)", "{error}");
    }
    for other in [AsyncTaskError::Shutdown, AsyncTaskError::failure("no")] {
        ensure!(other.cancel_reason().is_none(), "{other:?}");
    }
    Ok(())
}

pub async fn every_kind_of_text_can_be_a_reason<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (shared, level): (Arc<str>, _) = (REASON.into(), CancelLevel::Kill);
    let [a, b, c, d, e, f] =
        std::array::from_fn(|_| AsyncTask::to::<()>().on(&rt).name("a").spawn(pending::<()>));
    let erased: &dyn CancellableTask = &e;
    let ends = [
        a.cancel_because(level, REASON),
        b.cancel_because(level, REASON.to_owned()),
        c.cancel_because(level, shared.clone()),
        d.cancel_because(level, Cow::Borrowed(REASON)),
        erased.request_cancel(level, Some(shared)),
    ];
    for end in ends {
        let end = end.await;
        ensure!(end.reason() == Some(REASON), "{end:?}");
    }
    let long = "a line of many\n".repeat(10_000);
    let end = f.canceller().cancel_because(level, long.clone()).await;
    ensure!(end.reason() == Some(&*long), "a long one is kept as it is");
    ensure!(failed(f.await)?.cancel_reason() == Some(&*long));
    Ok(())
}

pub async fn the_first_request_decides_on_the_reason<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let requests = [
        (Some("a"), Some("b"), Some("a")),
        (Some("a"), None, Some("a")),
        (None, Some("b"), None),
        (Some(""), Some("b"), None),
    ];
    for (first, second, due) in requests {
        // So that the task does not end between the two.
        let held = hold_workers(&rt, at).await?;
        let task = AsyncTask::to::<()>().on(&rt).grace(1.hours()).spawn(pending::<()>);
        for (level, reason) in [(CancelLevel::Graceful, first), (CancelLevel::Kill, second)] {
            drop(match reason {
                Some(reason) => task.cancel_because(level, reason),
                None => task.cancel(level),
            });
        }
        held.release().await?;
        let end = task.cancel(CancelLevel::Graceful).await;
        let level = Some(CancelLevel::Kill);
        ensure!((end.level(), end.reason()) == (level, due), "{first:?}, {second:?}: {end:?}");
        let error = failed(task.await)?;
        ensure!(error.cancel_reason() == due, "{first:?}, {second:?}: {error:?}");
    }
    // A cause of the library's own has none, and a request that comes later adds none.
    let held = hold_workers(&rt, at).await?;
    let task = AsyncTask::to::<()>().on(&rt).spawn(pending::<()>);
    let canceller = task.canceller();
    drop(task);
    let end = canceller.cancel_because(CancelLevel::KillHard, REASON);
    held.release().await?;
    let end = end.await;
    ensure!((end.cause(), end.reason()) == (Some(CancelCause::HandleDropped), None), "{end:?}");
    Ok(())
}

pub async fn a_request_after_the_end_records_no_reason<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let mut task = AsyncTask::to::<()>().on(&rt).spawn(|| async {});
    (&mut task).await?;
    let end = task.cancel_because(CancelLevel::Kill, REASON).await;
    ensure!((end.status(), end.cause(), end.reason()) == (TaskStatus::Completed, None, None), "{end:?}");
    Ok(())
}

pub async fn a_reason_given_before_the_first_poll_is_kept<R: Runtime>(rt: R, at: Facts) -> Outcome {
    for level in LEVELS {
        let (report, reported) = async_channel::bounded(1);
        let held = hold_workers(&rt, at).await?;
        let task = AsyncTask::to::<()>().on(&rt).grace(1.hours()).spawn_with(move |cx| async move {
            let _ = report.try_send(cx.cancel_reason());
        });
        ensure!(task.status() == TaskStatus::Pending);
        let end = task.cancel_because(level, REASON);
        held.release().await?;
        let end = end.await;
        ensure!(end.reason() == Some(REASON), "{end:?}");
        match (level, task.await) {
            (CancelLevel::Graceful, result) => {
                result?;
                ensure!(reported.recv().await?.as_deref() == Some(REASON), "its first poll does not find it");
            }
            (_, result) => {
                ensure!(failed(result)?.cancel_reason() == Some(REASON));
                ensure!(reported.recv().await.is_err(), "it was called");
            }
        }
    }
    Ok(())
}

pub async fn retried_work_finds_the_reason_in_a_wait_and_in_an_attempt<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    for level in LEVELS {
        let (task, calls) = waiting_with(AsyncTask::to().on(&rt).retry(5)).await;
        drop(task.cancel_because(level, REASON));
        let end = task.cancel(CancelLevel::Graceful).await;
        ensure!(end.was_cancelled() && end.reason() == Some(REASON), "{end:?}");
        ensure!(failed(task.await)?.cancel_reason() == Some(REASON) && calls.made() == 1);
    }
    let started = Latch::new();
    let start = started.clone();
    let builder = AsyncTask::to::<Option<Arc<str>>>().on(&rt).grace(1.hours()).retry(5);
    let task = builder.spawn_with(move |cx: TaskContext| {
        let start = start.clone();
        async move {
            start.set();
            cx.cancelled().await;
            Ok::<_, AsyncTaskError>(cx.cancel_reason())
        }
    });
    started.wait().await;
    drop(task.cancel_because(CancelLevel::Graceful, REASON));
    ensure!(task.await?.as_deref() == Some(REASON), "the attempt does not find it");
    Ok(())
}

pub async fn started_blocking_work_finds_the_reason<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for level in LEVELS {
        let (started, open, (report, reported)) = (Latch::new(), Latch::new(), async_channel::bounded(1));
        let (start, opened) = (started.clone(), open.clone());
        let task = AsyncTask::to::<()>().on(&rt).grace(1.hours()).spawn_blocking(move || {
            start.set();
            opened.wait_blocking();
            let _ = report.try_send(TaskContext::current().and_then(|cx| cx.cancel_reason()));
        });
        started.wait().await;
        drop(task.cancel_because(level, REASON));
        open.set();
        ensure!(reported.recv().await?.as_deref() == Some(REASON), "{level}");
        let end = task.cancel(CancelLevel::Graceful).await;
        ensure!(end.reason() == Some(REASON), "{end:?}");
    }
    Ok(())
}

pub async fn queued_blocking_work_finds_the_reason<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let held = hold_workers(&rt, at).await?;
    let builder = AsyncTask::to::<Option<Arc<str>>>().on(&rt).grace(1.hours());
    let task = builder.spawn_blocking(|| TaskContext::current().and_then(|cx| cx.cancel_reason()));
    drop(task.cancel_because(CancelLevel::Graceful, REASON));
    held.release().await?;
    ensure!(task.await?.as_deref() == Some(REASON));
    Ok(())
}

pub async fn work_in_place_can_be_cancelled_for_a_reason<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let part = AsyncTask::to::<()>().on(&rt).name("part").run_with(|cx| async move {
        drop(cx.canceller().cancel_because(CancelLevel::Kill, REASON));
        pending::<()>().await
    });
    let error = failed(part.await)?;
    ensure!(error.to_string() == "task `part` was cancelled (kill, requested): tenant removed", "{error}");
    Ok(())
}

pub async fn a_member_can_be_cancelled_for_a_reason_and_its_scope_goes_on<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let scope = AsyncTask::to::<AsyncTaskError>().on(&rt).scope(|s| async move {
        let member = s.spawn(|| async { Ok(pending::<()>().await) });
        drop(member.cancel_because(CancelLevel::Kill, REASON));
        Ok(failed(member.await)?)
    });
    let error = scope.await?;
    ensure!(error.cancel_reason() == Some(REASON), "{error:?}");
    ensure!(cause_of(&error) == Some(CancelCause::Requested), "{error:?}");
    Ok(())
}

pub async fn callbacks_find_the_reason<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (report, reported) = async_channel::bounded(1);
    let builder = AsyncTask::to::<()>().on(&rt).grace(1.hours());
    let task = builder.spawn_with(|cx| async move { cx.cancelled().await });
    task.on_cancel(move || {
        let _ = report.try_send(TaskContext::current().and_then(|cx| cx.cancel_reason()));
    })?;
    let end = task.cancel_because(CancelLevel::Graceful, REASON).await;
    ensure!((end.outcome(), end.reason()) == (CancelOutcome::Success, Some(REASON)), "{end:?}");
    ensure!(reported.recv().await?.as_deref() == Some(REASON));
    Ok(())
}

pub async fn two_requests_at_once_leave_the_same_reason_for_all<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for _ in 0..100 {
        let (give, given) = async_channel::bounded(1);
        let task = AsyncTask::to::<()>().on(&rt).grace(1.hours()).spawn_with(move |cx| async move {
            let _ = give.try_send(cx);
            pending::<()>().await
        });
        let (cx, barrier) = (given.recv().await?, Arc::new(Barrier::new(3)));
        let (seen, begin) = (cx.clone(), barrier.clone());
        let reader = thread::spawn(move || {
            begin.wait();
            while !seen.is_cancelled() {
                thread::yield_now();
            }
            seen.cancel_reason()
        });
        let requests = [(CancelLevel::Graceful, "one"), (CancelLevel::Kill, "the other")];
        let requests = requests.map(|(level, reason)| {
            let (cx, begin) = (cx.clone(), barrier.clone());
            thread::spawn(move || {
                begin.wait();
                drop(cx.canceller().cancel_because(level, reason));
                cx.cancel_reason()
            })
        });
        let mut found = Vec::new();
        for thread in requests.into_iter().chain([reader]) {
            found.push(thread.join().map_err(|_| Failure::msg("a thread has panicked"))?);
        }
        let end = task.cancel(CancelLevel::Kill).await;
        let error = failed(task.await)?;
        ensure!(end.reason().is_some() && error.cancel_reason() == end.reason(), "{end:?}, {error:?}");
        ensure!(found.iter().all(|found| found.as_deref() == end.reason()), "{found:?}, {end:?}");
    }
    Ok(())
}
