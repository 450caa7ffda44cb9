//! Panics, handles and destructors at the wrong moment.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Wake, Waker};

use crate::library::{CancellableTask as _, DynRuntime};
use futures_lite::future::block_on;

use super::Scale;
use crate::Flavour;
use crate::kit::explode;
use crate::kit::prelude::*;

struct Explodes;

impl Drop for Explodes {
    fn drop(&mut self) {
        explode::<()>("in a destructor");
    }
}

impl Wake for Explodes {
    fn wake(self: Arc<Self>) {
        // The value itself must not panic in its destructor as well.
        std::mem::forget(self);
        explode::<()>("in a waker");
    }
}

/// Row 8: only the task at fault fails, with its message, and every worker still works.
pub(super) fn panics(flavour: &Flavour, _: Scale) -> Result<String, Failure> {
    let harness = flavour.start()?;
    let rt = harness.runtime();
    harness.block_on(async {
        let bystander_open = Latch::new();
        let open = bystander_open.clone();
        let bystander = AsyncTask::to::<u32>().on(&rt).spawn(|| async move {
            open.wait().await;
            7
        });
        let builder = AsyncTask::to::<()>().on(&rt);
        message(builder.clone().spawn(|| async { explode::<()>("in work") }).await, "in work")?;
        message(builder.clone().spawn_blocking(|| explode::<()>("in a job")).await, "in a job")?;
        let pipeline = AsyncTask::emits::<u32>()
            .on(&rt)
            .sender(|sources| sources.of(0..3u32).into_chunks(1.items()))
            .for_each(|_| explode::<()>("in a receiver"));
        message(pipeline.await.map(drop), "in a receiver")?;
        let called = AsyncTask::emits::<u32>()
            .on(&rt)
            .on_progress(|_| explode("in a callback"))
            .sender(|sources| sources.of(0..3u32).into_chunks(1.items()))
            .for_each(|_| {});
        message(called.await.map(drop), "in a callback")?;

        let started = Latch::new();
        let start = started.clone();
        let killed = builder.clone().spawn(|| async move {
            let _explodes = Explodes;
            start.set();
            pending::<()>().await
        });
        started.wait().await;
        killed.cancel(CancelLevel::Kill).await;
        message(killed.await, "in a destructor")?;

        let cancelled = builder.clone().spawn(|| async { pending::<()>().await });
        cancelled.on_cancel(|| explode::<()>("in a cancellation callback"))?;
        cancelled.cancel_gracefully().grace(Duration::ZERO).await;
        message(cancelled.await, "in a cancellation callback")?;

        awaited_by_a_bad_waker(&rt).await?;

        // Every worker at the same time, and then the task that was there from the beginning.
        hold_workers(&rt, flavour.facts).await?.release().await?;
        bystander_open.set();
        ensure!(bystander.await? == 7);
        Ok("7 panics, 6 with a message, which is reported; no worker lost".into())
    })?
}

/// One waiter for a task's end has a waker that panics. Neither the task nor its other waiters are affected.
async fn awaited_by_a_bad_waker(rt: &DynRuntime) -> Outcome {
    let started = Latch::new();
    let start = started.clone();
    let task = AsyncTask::to::<()>().on(rt).spawn(|| async move {
        start.set();
        pending::<()>().await
    });
    started.wait().await;
    let canceller = task.canceller();
    let waker = Waker::from(Arc::new(Explodes));
    // Leaked, since dropping what holds this waker would panic too.
    let bad = Box::leak(Box::new(canceller.cancel(CancelLevel::Kill)));
    let polled = Pin::new(bad).poll(&mut TaskContext::from_waker(&waker));
    std::mem::forget(waker);
    if polled.is_pending() {
        ensure!(canceller.cancel(CancelLevel::Kill).await.was_cancelled());
    }
    ensure!(failed(task.await)?.is_cancelled());
    Ok(())
}

fn message(result: Result<(), AsyncTaskError>, text: &str) -> Outcome {
    let error = failed(result)?;
    ensure!(error.is_panic() && error.to_string().contains(text), "{error}, and not a panic {text}");
    Ok(())
}

/// Row 9: each handle has a typed end, and nothing of the work is left.
pub(super) fn orphans(flavour: &Flavour, _: Scale) -> Result<String, Failure> {
    let harness = flavour.start()?;
    let (rt, alive) = (harness.runtime(), Census::default());
    let spawn = |residents: Census| {
        AsyncTask::to::<()>().on(&rt).spawn(|| async move {
            let _resident = residents.enter();
            pending::<()>().await
        })
    };
    let outstanding = harness.block_on(async {
        let dropped = spawn(alive.clone());
        let canceller = dropped.canceller();
        while alive.alive() < 1 {
            yield_now().await;
        }
        drop(dropped);
        // A second request does not change the first, and its await waits for the end.
        let end = canceller.cancel(CancelLevel::Kill).await;
        ensure!(end.cause() == Some(CancelCause::HandleDropped), "{:?}", end.cause());
        ensure!(alive.alive() == 0);
        let tasks: Vec<_> = (0..100).map(|_| spawn(alive.clone())).collect();
        while alive.alive() < 100 {
            yield_now().await;
        }
        Ok::<_, Failure>(tasks)
    })??;
    if flavour.never_ends {
        return Ok("the dropped handle's task has ended; this executor never does".into());
    }
    drop(harness);
    for task in outstanding {
        ensure!(failed(block_on(task))?.is_shutdown());
    }
    ensure!(alive.alive() == 0);
    let late = catch_unwind(AssertUnwindSafe(|| block_on(spawn(alive.clone()))));
    let late = late.map_err(|_| Failure::msg("a spawn after the end panics"))?;
    ensure!(failed(late)?.is_shutdown());
    Ok("102 handles, each with its typed end; nothing left".into())
}

/// Row 10: each destructor wakes the next task and spawns one more, while the runtime ends.
pub(super) fn destructors(flavour: &Flavour, scale: Scale) -> Result<String, Failure> {
    struct Troubles {
        rt: DynRuntime,
        next: Latch,
    }
    impl Drop for Troubles {
        fn drop(&mut self) {
            self.next.set();
            AsyncTask::to::<()>().on(&self.rt).spawn(pending::<()>).detach();
        }
    }
    let count = scale.of(100_000) / 100;
    let harness = flavour.start()?;
    let (rt, alive) = (harness.runtime(), Census::default());
    let bells: Vec<_> = (0..=count).map(|_| Latch::new()).collect();
    let pairs = bells.iter().zip(bells.iter().skip(1));
    let tasks = harness.block_on(async {
        let mut tasks = Vec::new();
        for (latch, next) in pairs {
            let troubles = Troubles { rt: rt.clone(), next: next.clone() };
            let (latch, residents) = (latch.clone(), alive.clone());
            tasks.push(AsyncTask::to::<()>().on(&rt).spawn(|| async move {
                let _resident = residents.enter();
                let _troubles = troubles;
                latch.wait().await;
                pending::<()>().await
            }));
        }
        while alive.alive() < count {
            yield_now().await;
        }
        tasks
    })?;
    let begun = std::time::Instant::now();
    if flavour.never_ends {
        let ends: Vec<_> = tasks.iter().map(|task| task.cancel(CancelLevel::Kill)).collect();
        for end in ends {
            ensure!(block_on(end).was_cancelled());
        }
        ensure!(alive.alive() == 0);
        return Ok(format!("{count} killed at once in {:.1?}; this executor never ends", begun.elapsed()));
    }
    drop(harness);
    for task in tasks {
        ensure!(failed(block_on(task))?.is_shutdown());
    }
    ensure!(alive.alive() == 0);
    Ok(format!("{count} gone in {:.1?}, no deadlock", begun.elapsed()))
}
