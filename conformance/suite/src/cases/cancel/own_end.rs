//! Promise 6, levels: work that cancels its own task is answered, and never waits for itself forever.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::library::{CancelOutcome, CancellationResult, TaskContext};
use futures_lite::future::block_on;

use crate::kit::cause_of;
use crate::kit::prelude::*;

pub async fn work_that_cancels_itself_gracefully_may_go_on<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let mut task = AsyncTask::to::<u32>().on(&rt).grace(1.hours()).try_spawn(|| async {
        let cx = TaskContext::current().context("a task has a context")?;
        ensure_that(!cx.is_cancelled() && cx.status() == TaskStatus::Running)?;
        drop(cx.canceller().cancel(CancelLevel::Graceful));
        ensure_that(cx.is_cancelled() && cx.status() == TaskStatus::PendingCancellation)?;
        ensure_that(cx.level() == Some(CancelLevel::Graceful))?;
        ensure_that(cx.cause() == Some(CancelCause::Requested))?;
        ensure_that(poll_once(cx.cancelled()).await.is_some())?;
        yield_now().await;
        Ok(3)
    });
    ensure!((&mut task).await? == 3);
    let end = task.cancel(CancelLevel::Kill).await;
    ensure!((end.outcome(), end.level()) == (CancelOutcome::Success, Some(CancelLevel::Graceful)));
    Ok(())
}

/// A failed check inside work, as its error.
fn ensure_that(holds: bool) -> Outcome {
    ensure!(holds, "a check inside the work failed");
    Ok(())
}

pub async fn work_that_awaits_its_own_end_ends_with_its_grace_period<R: Runtime>(
    rt: R,
    at: Facts,
) -> Outcome {
    let (beyond, begun) = (Latch::new(), rt.now());
    let passed = beyond.clone();
    let mut task = AsyncTask::to::<()>().on(&rt).grace(20.millis()).spawn_with(|cx| async move {
        cx.canceller().cancel(CancelLevel::Graceful).await;
        passed.set();
    });
    let error = failed((&mut task).await)?;
    let took = rt.now().saturating_duration_since(begun);
    ensure!(cause_of(&error) == Some(CancelCause::Requested), "{error:?}");
    ensure!(task.cancel(CancelLevel::Graceful).await.level() == Some(CancelLevel::Kill));
    ensure!(!beyond.is_set() && took >= 20.millis() && (!at.virtual_time || took == 20.millis()), "{took:?}");
    Ok(())
}

pub async fn work_that_kills_itself_hard_gets_an_outcome_and_stops_at_next_await<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let (answer, answers) = async_channel::bounded::<CancellationResult>(1);
    let steps = Arc::new(AtomicUsize::new(0));
    let counted = steps.clone();
    let task = AsyncTask::to::<()>().on(&rt).name("own").spawn_with(|cx| async move {
        // Its poll is in progress, so that this is ready, and is no await to stop at.
        let answered = cx.canceller().cancel(CancelLevel::KillHard).await;
        let _ = answer.try_send(answered);
        counted.fetch_add(1, Ordering::SeqCst);
        yield_now().await;
        counted.fetch_add(1, Ordering::SeqCst);
    });
    let id = task.id();
    let error = failed(task.await)?;
    let AsyncTaskError::Cancelled { level, cause, .. } = error else {
        bail!("not a cancellation: {error:?}")
    };
    ensure!((level, cause) == (CancelLevel::KillHard, CancelCause::Requested));
    let answered = answers.recv().await?;
    ensure!(answered.outcome() == CancelOutcome::Abandoned && !answered.has_ended(), "{answered:?}");
    ensure!(matches!(answered.stuck(), [own] if own.id == id && own.name.as_deref() == Some("own")));
    ensure!(steps.load(Ordering::SeqCst) == 1);
    Ok(())
}

pub async fn blocking_work_that_kills_its_task_hard_gets_an_outcome_and_goes_on<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let (answer, answers) = async_channel::bounded::<Option<CancellationResult>>(1);
    let (beyond, passed) = (Latch::new(), Latch::new());
    let (done, guard) = (beyond.clone(), passed.on_drop());
    let task = AsyncTask::to::<()>().on(&rt).spawn_blocking(move || {
        let _guard = guard;
        let answered = TaskContext::current()
            .and_then(|cx| block_on(poll_once(cx.canceller().cancel(CancelLevel::KillHard))));
        let _ = answer.try_send(answered);
        done.set();
    });
    let canceller = task.canceller();
    let result = task.await;
    let answered = answers.recv().await?.context("it is made to wait for itself")?;
    ensure!(answered.outcome() == CancelOutcome::Abandoned, "{answered:?}");
    ensure!(beyond.is_set() && passed.is_set(), "blocking work cannot be stopped");
    // Its value may have come within a poll that was in progress.
    if let Err(error) = result {
        ensure!(error.is_cancelled() && canceller.status() == TaskStatus::Cancelled, "{error:?}");
    }
    Ok(())
}

pub async fn a_child_may_cancel_its_parent<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for level in [CancelLevel::Graceful, CancelLevel::Kill] {
        let (inner, (handles, escaped)) = (rt.clone(), async_channel::bounded(1));
        let mut parent = AsyncTask::to::<()>().on(&rt).grace(1.hours()).spawn_with(move |cx| async move {
            let above = cx.canceller();
            let child = AsyncTask::to::<()>().on(&inner).spawn_with(move |own| async move {
                drop(above.cancel(level));
                own.cancelled().await;
                yield_now().await;
            });
            let _ = handles.try_send(child);
            cx.cancelled().await;
            // A value of the poll in which it is killed would win.
            yield_now().await;
        });
        let result = (&mut parent).await;
        let child = escaped.recv().await?.await;
        ensure!(result.is_ok() == (level == CancelLevel::Graceful), "{level}: {result:?}");
        ensure!(child.is_ok() == (level == CancelLevel::Graceful), "{level}: {child:?}");
        ensure!(parent.cancel(level).await.level() == Some(level));
    }
    Ok(())
}
