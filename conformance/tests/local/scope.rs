//! The scope of local tasks: its thread, its end, and other scopes beside it.

use std::future::pending;
use std::thread;

use anyhow::{Context as _, ensure};
use async_channel::bounded;
use conformance::{Failure, Outcome};
use futures_lite::future::{block_on, poll_once, yield_now, zip};
use sweet_async::{
    AsyncTask, AsyncTaskError, CancelCause, CancelLevel, DurationExt as _, LocalRuntime as _, TaskStatus,
};

use super::{Local, begun, held, is_dropped};
use sweet_async::RuntimeExt as _;

pub(super) fn tasks_left_at_the_end_of_a_scope_are_dropped(harness: &impl Local) -> Outcome {
    let (guard, dropped) = held();
    let (escape, escaped) = bounded(2);
    harness.scope(async {
        let task = begun(guard).await?;
        let never_polled = AsyncTask::to::<()>().spawn_local(pending::<()>);
        ensure!(escape.try_send(task).is_ok() && escape.try_send(never_polled).is_ok());
        ensure!(!is_dropped(&dropped));
        Ok(())
    })?;
    ensure!(is_dropped(&dropped), "a local task outlives its scope");
    for _ in 0..2 {
        let mut task = escaped.try_recv()?;
        ensure!(task.status() == TaskStatus::Cancelled);
        let error = block_on(&mut task).err().context("a value")?;
        ensure!(error.is_shutdown(), "{error:?}");
        let end = block_on(task.cancel(CancelLevel::Kill));
        ensure!(end.cause() == Some(CancelCause::Shutdown));
    }
    Ok(())
}

pub(super) fn a_scope_that_is_dropped_midway_drops_its_tasks(harness: &impl Local) -> Outcome {
    let rt = harness.runtime();
    let (guard, dropped) = held();
    let (main, main_dropped) = held();
    let (escape, escaped) = bounded(1);
    harness.block_on(async {
        let mut scope = Box::pin(rt.run_local(async {
            let _main = main;
            ensure!(escape.try_send(begun(guard).await?).is_ok());
            pending::<Outcome>().await
        }));
        while escaped.is_empty() {
            ensure!(poll_once(&mut scope).await.is_none(), "it has ended");
            yield_now().await;
        }
        ensure!(!is_dropped(&dropped) && !is_dropped(&main_dropped));
        drop(scope);
        ensure!(is_dropped(&dropped) && is_dropped(&main_dropped));
        let error = escaped.recv().await?.await.err().context("a value")?;
        ensure!(error.is_shutdown(), "{error:?}");
        // A scope that was never polled has done nothing.
        drop(rt.run_local(pending::<()>()));
        Ok(())
    })?
}

pub(super) fn a_local_task_stays_on_the_thread_of_its_scope(harness: &impl Local) -> Outcome {
    let rt = harness.runtime();
    harness.scope(async {
        let here = thread::current().id();
        let task = AsyncTask::to::<bool>().spawn_local(move || async move {
            for _ in 0..20 {
                // Woken by the runtime's threads, and by its timers.
                AsyncTask::to::<()>().on(&rt).spawn(yield_now).await?;
                rt.sleep(1.micros()).await?;
                if thread::current().id() != here {
                    return Ok::<_, AsyncTaskError>(false);
                }
            }
            Ok(true)
        });
        ensure!(task.await?);
        Ok(())
    })
}

pub(super) fn scopes_side_by_side_do_not_mix(harness: &impl Local) -> Outcome {
    let rt = harness.runtime();
    let ((left, left_dropped), (right, right_dropped)) = (held(), held());
    let (begin, both_begun) = bounded::<()>(1);
    let (left_ended, right_goes_on) = bounded::<()>(1);
    harness.block_on(async {
        let first = async {
            let scope = rt.run_local(async {
                let _task = begun(left).await?;
                Ok(both_begun.recv().await?)
            });
            let ended = scope.await;
            ensure!(is_dropped(&left_dropped), "the scope has ended, and its task has not");
            drop(left_ended);
            ended
        };
        let second = rt.run_local(async {
            let task = begun(right).await?;
            begin.send(()).await?;
            let _ = right_goes_on.recv().await;
            ensure!(!is_dropped(&right_dropped), "it went with the other scope");
            ensure!(AsyncTask::to::<u32>().spawn_local(|| async { 1 }).await? == 1);
            ensure!(task.cancel(CancelLevel::Kill).await.was_cancelled() && is_dropped(&right_dropped));
            Ok(())
        });
        let (first, second) = zip(first, second).await;
        first.and(second)
    })?
}

pub(super) fn a_scope_inside_a_scope_ends_by_itself(harness: &impl Local) -> Outcome {
    let rt = harness.runtime();
    harness.scope(async {
        let (outer, outer_dropped) = held();
        let outer_task = begun(outer).await?;
        let again = rt.clone();
        let nested = AsyncTask::to::<bool>().spawn_local(move || async move {
            let (inner, inner_dropped) = held();
            let escaped = again.run_local(async { begun(inner).await }).await?;
            let has_ended =
                is_dropped(&inner_dropped) && escaped.await.is_err_and(|error| error.is_shutdown());
            // After it, the enclosing scope is the current one again.
            Ok::<_, Failure>(has_ended && AsyncTask::to::<u32>().spawn_local(|| async { 1 }).await? == 1)
        });
        ensure!(nested.await?);
        ensure!(outer_task.status() == TaskStatus::Running && !is_dropped(&outer_dropped));
        Ok(())
    })
}
