//! Local tasks and the runtime that they belong to.

use std::rc::Rc;

use anyhow::{bail, ensure};
use async_channel::{Sender, bounded};
use conformance::{Facts, Outcome};
use futures_lite::future::{poll_once, yield_now};
use sweet_async::{
    AsyncTask, AsyncTaskError, CurrentRuntime, DurationExt as _, DynRuntime, Runtime as _, RuntimeError, Task,
};

use super::{Local, begun, held, is_dropped};
use sweet_async::RuntimeExt as _;

pub(super) fn tasks_on_the_runtime_are_spawned_from_local_ones<H: Local>(harness: &H) -> Outcome {
    let at = Facts::of::<H>();
    harness.scope(async {
        let task = AsyncTask::to::<[bool; 4]>().spawn_local(move || async move {
            let own = Rc::new(true);
            let spawned = AsyncTask::to::<bool>().spawn(move || async move {
                yield_now().await;
                at.is_inside()
            });
            let blocking = AsyncTask::to::<bool>().spawn_blocking(|| true);
            let found = CurrentRuntime::of_task().and_then(|current| current.downcast::<H::Runtime>());
            Ok::<_, AsyncTaskError>([*own, spawned.await?, blocking.await?, found.is_some()])
        });
        ensure!(task.await? == [true; 4]);
        Ok(())
    })
}

pub(super) fn a_local_parent_does_not_end_before_its_children(harness: &impl Local) -> Outcome {
    let rt = harness.runtime();
    harness.scope(async {
        let ((local, local_dropped), (other, other_dropped)) = (held(), held());
        let (opening, opened) = bounded::<()>(1);
        let inner = DynRuntime::new(&rt);
        // The handles of the children escape, and the work itself has ended.
        let mut parent = AsyncTask::to::<[Task<(), DynRuntime>; 2]>().spawn_local(move || async move {
            let work = |guard: Sender<()>| {
                let opened = opened.clone();
                move || async move {
                    let _guard = guard;
                    let _ = opened.recv().await;
                }
            };
            let builder = AsyncTask::to::<()>();
            [builder.clone().spawn_local(work(local)), builder.on(&inner).spawn(work(other))]
        });
        for _ in 0..20 {
            ensure!(poll_once(&mut parent).await.is_none(), "the parent ended before its children");
            AsyncTask::to::<()>().on(&rt).spawn(yield_now).await?;
        }
        ensure!(!is_dropped(&local_dropped) && !is_dropped(&other_dropped));
        drop(opening);
        let children = parent.await?;
        ensure!(is_dropped(&local_dropped) && is_dropped(&other_dropped));
        for child in children {
            child.await?;
        }
        Ok(())
    })
}

pub(super) fn local_tasks_are_counted_by_their_runtime<H: Local>(harness: &H) -> Outcome {
    if H::NEVER_ENDS {
        // The executor is shared, so its number of tasks cannot be known.
        return Ok(());
    }
    let rt = harness.runtime();
    harness.scope(async {
        let (guard, _dropped) = held();
        let task = begun(guard).await?;
        ensure!(rt.active_task_count() == 1);
        ensure!(AsyncTask::to::<u32>().spawn_local(|| async { 1 }).await? == 1);
        ensure!(rt.active_task_count() == 1);
        task.detach();
        ensure!(rt.active_task_count() == 1);
        Ok(())
    })?;
    ensure!(rt.active_task_count() == 0, "{} left after the scope", rt.active_task_count());
    Ok(())
}

pub(super) fn a_shutdown_of_the_runtime_ends_local_tasks<H: Local>(harness: &H) -> Outcome {
    if H::NEVER_ENDS {
        return Ok(());
    }
    let rt = harness.runtime();
    harness.scope(async {
        let (guard, dropped) = held();
        let stubborn = begun(guard).await?;
        let watching = rt.clone();
        let willing = AsyncTask::to::<u32>().spawn_local(move || async move {
            let own = Rc::new(1);
            watching.root().closing().await;
            yield_now().await;
            *own
        });
        // Begun and dropped, the shutdown has been announced.
        ensure!(poll_once(rt.shutdown(1.hours())).await.is_none());
        ensure!(willing.await? == 1);
        let refused = rt.shutdown(5.millis()).await;
        let Err(RuntimeError::TasksLeft { tasks: 1, blocking: 0, .. }) = refused else {
            bail!("{refused:?}")
        };
        ensure!(stubborn.await.is_err_and(|error| error.is_shutdown()));
        ensure!(is_dropped(&dropped));
        let late = AsyncTask::to::<()>().spawn_local(|| async {}).await;
        ensure!(late.is_err_and(|error| error.is_shutdown()), "it takes local work after its shutdown");
        Ok(())
    })
}
