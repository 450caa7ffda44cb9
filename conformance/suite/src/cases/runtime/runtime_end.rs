//! Runtimes, end: unfinished tasks give typed errors, their destructors run, and nothing panics or hangs.

use std::future::IntoFuture as _;

use futures_lite::future::block_on;

use crate::kit::prelude::*;

#[allow(clippy::async_yields_async, reason = "the handle outlives the runtime")]
pub fn unfinished_work_is_dropped(harness: Started) -> Outcome {
    let (started, dropped) = (Latch::new(), Latch::new());
    let (start, guard, rt) = (started.clone(), dropped.on_drop(), harness.runtime());
    let task = harness.block_on(async {
        let task = AsyncTask::to::<u32>().on(&rt).spawn(|| async move {
            let _guard = guard;
            start.set();
            pending::<u32>().await
        });
        started.wait().await;
        task
    })?;
    let canceller = task.canceller();
    if harness.flavour().never_ends {
        return Ok(());
    }
    drop(harness);
    dropped.wait_blocking();
    ensure!(failed(block_on(task))?.is_shutdown());
    ensure!(canceller.status() == TaskStatus::Cancelled);
    ensure!(block_on(canceller.cancel(CancelLevel::Kill)).cause() == Some(CancelCause::Shutdown));
    Ok(())
}

pub fn a_finished_task_keeps_its_value(harness: Started) -> Outcome {
    let rt = harness.runtime();
    let task = harness.block_on(async {
        let task = AsyncTask::to::<u32>().on(&rt).spawn(|| async { 1 });
        while !task.status().is_terminal() {
            yield_now().await;
        }
        // The executor has finished with the task once a later one has run.
        AsyncTask::to::<()>().on(&rt).spawn(|| async {}).await.map(|()| task)
    })??;
    let canceller = task.canceller();
    drop(harness);
    ensure!(canceller.status() == TaskStatus::Completed);
    ensure!(block_on(canceller.cancel(CancelLevel::Kill)).status() == TaskStatus::Completed);
    Ok(())
}

pub fn a_spawn_after_the_end_is_an_error(harness: Started) -> Outcome {
    let rt = harness.runtime();
    if harness.flavour().never_ends {
        return Ok(());
    }
    drop(harness);
    let called = Latch::new();
    let call = called.clone();
    let task = AsyncTask::to::<u32>().on(&rt).spawn(|| async move {
        call.set();
        1
    });
    let canceller = task.canceller();
    ensure!(failed(block_on(task))?.is_shutdown());
    ensure!(!called.is_set());
    ensure!(canceller.status().is_terminal(), "{:?}", canceller.status());
    ensure!(block_on(canceller.cancel(CancelLevel::Kill)).cause() == Some(CancelCause::Shutdown));
    Ok(())
}

pub fn blocking_work_and_timers_after_the_end_neither_panic_nor_hang(harness: Started) -> Outcome {
    let rt = harness.runtime();
    drop(harness);
    let run = block_on(AsyncTask::to::<u32>().on(&rt).run_blocking(|| 1));
    match run {
        Ok(value) => ensure!(value == 1),
        Err(error) => ensure!(error.is_shutdown(), "{error:?}"),
    }
    block_on(rt.sleep_until(rt.now()));
    let limited = block_on(AsyncTask::to::<u32>().on(&rt).timeout(1.hours()).run(|| async { 2 }));
    ensure!(limited? == 2);
    Ok(())
}

pub fn a_pipeline_whose_runtime_ends_is_an_error(harness: Started) -> Outcome {
    let (rt, alive) = (harness.runtime(), Census::default());
    let residents = alive.clone();
    let mut run = AsyncTask::emits::<u64>()
        .on(&rt)
        .workers(2)
        .on_progress(|_| {})
        .sender(|sources| sources.of(0..1_000u64).into_chunks(1.items()))
        .for_each(move |_: Event<u64>| {
            let resident = residents.enter();
            async move {
                let _resident = resident;
                pending::<()>().await
            }
        })
        .into_future();
    let begun = harness.block_on(async {
        let pending = poll_once(&mut run).await.is_none();
        while alive.alive() < 2 {
            yield_now().await;
        }
        pending
    })?;
    ensure!(begun);
    if harness.flavour().never_ends {
        return Ok(());
    }
    drop(harness);
    ensure!(failed(block_on(run))?.is_shutdown());
    ensure!(alive.alive() == 0);
    Ok(())
}

pub fn a_runtime_may_be_dropped_inside_async_code(harness: Started) -> Outcome {
    let outcome = harness.block_on(async {
        let other = harness.flavour().start()?;
        let task = AsyncTask::to::<()>().on(&other.runtime()).spawn(pending::<()>);
        drop(other);
        drop(task);
        AsyncTask::to::<u32>().on(&harness.runtime()).spawn(|| async { 1 }).await.map_err(Failure::from)
    })?;
    ensure!(outcome? == 1);
    Ok(())
}

pub fn a_runtime_is_used_again_and_again(harness: Started) -> Outcome {
    let rt = harness.runtime();
    for round in 0..10u32 {
        let value = harness
            .block_on(async { AsyncTask::to::<u32>().on(&rt).spawn(move || async move { round }).await })?;
        ensure!(value? == round);
    }
    Ok(())
}

pub fn many_runtimes_start_and_end(harness: Started) -> Outcome {
    let flavour = harness.flavour();
    drop(harness);
    for round in 0..50u32 {
        let one = flavour.start()?;
        let rt = one.runtime();
        let value =
            one.block_on(async { AsyncTask::to::<u32>().on(&rt).spawn(move || async move { round }).await })?;
        ensure!(value? == round);
    }
    Ok(())
}

/// The future is not a task of core's, which is cancelled before the executor drops it. Its handle is the
/// backend's own, since that of an erased runtime cannot answer before the future is dropped.
pub fn a_join_handle_answers_after_the_future_is_dropped(harness: Started) -> Outcome {
    let (alive, dropped) = std::sync::mpsc::channel::<()>();
    let (started, is_started) = async_channel::bounded::<()>(1);
    // A handle does not keep the runtime alive.
    let _rt = harness.runtime();
    let handle = harness.block_on(async {
        let handle = harness.spawn_native(Box::pin(async move {
            let _alive = alive;
            let _ = started.try_send(());
            pending::<()>().await;
        }))?;
        is_started.recv().await?;
        Ok::<_, Failure>(handle)
    })??;
    if harness.flavour().never_ends {
        return Ok(());
    }
    drop(harness);
    ensure!(block_on(handle).is_none());
    ensure!(
        dropped.try_recv() == Err(std::sync::mpsc::TryRecvError::Disconnected),
        "the future is still there"
    );
    Ok(())
}
