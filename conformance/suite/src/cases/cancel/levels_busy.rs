//! Promise 6, levels: a poll in progress and started blocking work are waited for, except by `KillHard`.

use std::thread;

use crate::library::{CancelOutcome, CancellableTask as _, CancellationResult, TaskContext};
use futures_lite::future::block_on;

use super::levels::{LEVELS, VALUE, agree, ends_when_cancelled, expected_end};
use crate::kit::prelude::*;
use crate::kit::waits_for_blocking;

/// Checks an immediate answer about work that cannot be interrupted: the work has not ended, and is named.
fn is_abandoned<R: Runtime>(answer: &CancellationResult, task: &Task<u32, R>) -> Outcome {
    ensure!(answer.outcome() == CancelOutcome::Abandoned && !answer.has_ended(), "{answer:?}");
    ensure!(!answer.was_cancelled() && answer.status() == TaskStatus::PendingCancellation, "{answer:?}");
    ensure!(answer.level() == Some(CancelLevel::KillHard), "{answer:?}");
    ensure!(answer.stuck().iter().any(|info| info.id == task.id()), "{answer:?}");
    Ok(())
}

pub async fn a_poll_in_progress_is_waited_for_unless_it_is_a_hard_kill<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    for level in LEVELS {
        let (inside, open, dropped) = (Latch::new(), Latch::new(), Latch::new());
        let (enter, opened, guard) = (inside.clone(), open.clone(), dropped.on_drop());
        let mut task = AsyncTask::to::<u32>().on(&rt).grace(1.hours()).spawn_with(move |cx| async move {
            let _guard = guard;
            enter.set();
            opened.wait_blocking();
            // The end of the poll: a value that came with it would win.
            yield_now().await;
            ends_when_cancelled(cx).await
        });
        // From a thread of its own, since the poll may block this one. The poll goes on only after the
        // request.
        let (canceller, (answer, answers)) = (task.canceller(), async_channel::bounded(1));
        let asking = thread::spawn(move || {
            inside.wait_blocking();
            let mut end = canceller.cancel(level);
            let early = block_on(poll_once(&mut end));
            let _ = answer.try_send((early, dropped.is_set(), end));
            open.set();
        });
        let (early, was_dropped, end) = answers.recv().await?;
        ensure!(!was_dropped, "the work was dropped while it was polled");
        let end = match early {
            Some(answer) => {
                ensure!(level == CancelLevel::KillHard, "{level}: {answer:?}");
                is_abandoned(&answer, &task)?;
                ensure!(failed((&mut task).await)?.is_cancelled());
                let end = task.cancel(level).await;
                ensure!((end.level(), end.was_cancelled()) == (Some(level), true), "{end:?}");
                end
            }
            None => {
                ensure!(level != CancelLevel::KillHard, "a hard kill waits for a poll in progress");
                let end = end.await;
                agree(task, end.clone(), expected_end(level), Some(level)).await?;
                end
            }
        };
        ensure!(end.status() == expected_end(level).1);
        ensure!(asking.join().is_ok());
    }
    Ok(())
}

pub async fn a_kill_that_an_in_place_task_sees_first_cancels_the_whole_task<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let (inside, open, inner) = (Latch::new(), Latch::new(), rt.clone());
    let (enter, opened) = (inside.clone(), open.clone());
    let mut task = AsyncTask::to::<u32>().on(&rt).try_spawn(|| async move {
        let part = AsyncTask::to::<u32>().on(&inner).run_with(|_| async move {
            enter.set();
            opened.wait_blocking();
            pending::<u32>().await
        });
        // The part may be stopped within this poll, which then ends with the part's error.
        Ok(part.await?)
    });
    let canceller = task.canceller();
    let asking = thread::spawn(move || {
        inside.wait_blocking();
        drop(canceller.cancel(CancelLevel::Kill));
        open.set();
    });
    let error = failed((&mut task).await)?;
    let AsyncTaskError::Cancelled { cause, .. } = error else { bail!("not cancelled: {error:?}") };
    ensure!((task.status(), cause) == (TaskStatus::Cancelled, CancelCause::Requested), "{cause}, {task:?}");
    ensure!(asking.join().is_ok());
    Ok(())
}

pub async fn blocking_work_in_the_queue_never_runs_once_killed<R: Runtime>(rt: R, at: Facts) -> Outcome {
    for level in [CancelLevel::Kill, CancelLevel::KillHard] {
        let (begun, dropped) = (Latch::new(), Latch::new());
        let (begin, guard, inner) = (begun.clone(), dropped.on_drop(), rt.clone());
        let task = AsyncTask::to::<u32>().on(&rt).spawn_with(move |cx| async move {
            let mut job = AsyncTask::to::<u32>().on(&inner).run_blocking(move || {
                let _guard = guard;
                begin.set();
                VALUE
            });
            // The job is in the queue now; in the simulation it stays there for as long as this poll lasts.
            let ended = poll_once(&mut job).await;
            drop(cx.canceller().cancel(level));
            match ended {
                Some(value) => value,
                None => job.await,
            }
        });
        let canceller = task.canceller();
        // With threads it may have begun, and even ended, before it was killed.
        let result = task.await;
        ensure!(dropped.is_set(), "the closure is still there");
        ensure!(!at.virtual_time || !begun.is_set(), "it was killed in the queue, and ran");
        let end = canceller.cancel(CancelLevel::Kill).await;
        match result {
            Ok(value) => ensure!(begun.is_set() && value == VALUE && end.status() == TaskStatus::Completed),
            Err(error) => ensure!(error.is_cancelled() && end.was_cancelled(), "{error:?}, {end:?}"),
        }
        ensure!(end.level() == Some(level), "{end:?}");
    }
    Ok(())
}

pub async fn queued_blocking_work_runs_and_sees_a_graceful_request<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let held = hold_workers(&rt, at).await?;
    let task =
        AsyncTask::to::<u32>().on(&rt).grace(1.hours()).spawn_blocking(|| match TaskContext::current() {
            Some(cx) if cx.is_cancelled() && cx.level() == Some(CancelLevel::Graceful) => VALUE,
            _ => 0,
        });
    let end = task.cancel_gracefully();
    held.release().await?;
    agree(task, end.await, expected_end(CancelLevel::Graceful), Some(CancelLevel::Graceful)).await
}

pub async fn started_blocking_work_is_waited_for_unless_it_is_a_hard_kill<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    for level in LEVELS {
        let (started, open, ended) = (Latch::new(), Latch::new(), Latch::new());
        let (start, opened, guard) = (started.clone(), open.clone(), ended.on_drop());
        let (mut task, waits) = waits_for_blocking(&rt, move || {
            let _guard = guard;
            start.set();
            opened.wait_blocking();
            match TaskContext::current() {
                Some(cx) if cx.level() == Some(level) => Ok(VALUE),
                _ => Err("the level of the request is not seen"),
            }
        });
        started.wait().await;
        waits.wait().await;
        let mut end = task.cancel(level);
        let early = poll_once(&mut end).await;
        if level == CancelLevel::KillHard {
            is_abandoned(&early.context("a hard kill waits for blocking work")?, &task)?;
            ensure!(end.await.outcome() == CancelOutcome::Abandoned, "an answer stays what it is");
            end = task.cancel_forcefully();
        } else {
            ensure!(early.is_none(), "{early:?}, and the work runs");
        }
        for _ in 0..20 {
            ensure!(poll_once(&mut task).await.is_none() && !ended.is_set(), "the latch is not set yet");
            ensure!(task.status() == TaskStatus::PendingCancellation);
            AsyncTask::to::<()>().on(&rt).spawn(|| async {}).await?;
        }
        open.set();
        let end = end.await;
        ensure!(ended.is_set());
        agree(task, end, expected_end(level), Some(level)).await?;
    }
    Ok(())
}
