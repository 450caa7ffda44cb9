//! Runtimes that a program owns: their settings and their end.
#![cfg(any(feature = "tokio", feature = "smol"))]

#[path = "flavours/owned.rs"]
mod flavour;

use std::collections::HashSet;
use std::future::pending;
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::thread::{self, ThreadId, available_parallelism};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use async_channel::bounded;
use conformance::Outcome;
use flavour::Of;
use futures_lite::future::{block_on, yield_now};
use sweet_async::{AsyncTask, DurationExt as _, OwnedRuntime, Runtime, RuntimeError};

/// A module of tests for each type of runtime; each gets one with two workers.
macro_rules! on {
    ($module:ident, $owned:ty) => {
        mod $module {
            on! { @each $owned:
                a_setting_of_zero_is_refused
                the_set_number_of_workers_polls_at_once
                the_default_is_one_worker_for_each_core
                stacks_have_the_requested_size
                an_impossible_stack_is_an_error
                it_may_be_dropped_inside_async_code
                it_may_be_dropped_inside_a_task_of_its_own
                a_shutdown_inside_async_code_is_refused_and_ends_it
                a_shutdown_inside_a_task_of_its_own_is_refused_and_ends_it
                a_shutdown_waits_for_detached_tasks_and_jobs
                a_shutdown_kills_remaining_tasks_at_its_limit
                a_handle_that_survives_sees_the_end
            }
        }
    };
    (@each $owned:ty: $($case:ident)+) => {$(
        #[test]
        fn $case() -> conformance::Outcome {
            let case = |super::Of(owned)| super::$case::<$owned>(owned);
            conformance::run::with_harness::<super::Of<$owned>>(stringify!($case), case)
        }
    )+};
}

#[cfg(feature = "smol")]
on!(smol, sweet_async::smol::SmolPool);
#[cfg(feature = "tokio")]
on!(tokio, sweet_async::tokio::OwnedTokio);

fn a_setting_of_zero_is_refused<O: OwnedRuntime>(_: O) -> Outcome {
    let settings = [
        ("worker_threads", O::builder().worker_threads(0)),
        ("thread_stack_size", O::builder().thread_stack_size(0)),
    ];
    for (setting, builder) in settings {
        match builder.build() {
            Err(RuntimeError::InvalidSetting { what, least: 1, .. }) => ensure!(what == setting),
            Err(other) => bail!("{setting}: {other}"),
            Ok(_) => bail!("{setting}: zero was taken"),
        }
    }
    Ok(())
}

fn the_set_number_of_workers_polls_at_once<O: OwnedRuntime>(_: O) -> Outcome {
    for workers in [1, 2, 5] {
        let owned = O::builder().worker_threads(workers).build()?;
        let rt = owned.runtime();
        ensure!(rt.worker_count() == workers);
        let mut threads: HashSet<ThreadId> = HashSet::new();
        for _ in 0..20 {
            // No task returns before all of them have started: with fewer workers than requested this would
            // hang. They are started one at a time: a worker that takes several from the common queue may
            // block in the first with the others in a queue of its own.
            let together = Arc::new(Barrier::new(workers));
            let (arrive, arrived) = async_channel::unbounded();
            let mut tasks = Vec::new();
            for _ in 0..workers {
                let (together, arrive) = (together.clone(), arrive.clone());
                tasks.push(AsyncTask::to::<ThreadId>().on(rt).spawn(|| async move {
                    let _ = arrive.try_send(());
                    together.wait();
                    thread::current().id()
                }));
                block_on(arrived.recv())?;
            }
            for task in tasks {
                threads.insert(block_on(task)?);
            }
        }
        ensure!(threads.len() == workers, "{} threads in place of {workers}", threads.len());
    }
    Ok(())
}

fn the_default_is_one_worker_for_each_core<O: OwnedRuntime>(_: O) -> Outcome {
    let cores = available_parallelism()?.get();
    ensure!(O::builder().build()?.runtime().worker_count() == cores);
    Ok(())
}

/// Calls itself until it is `bytes` below `top` on its stack.
fn descend(top: usize, bytes: usize) -> usize {
    let frame = black_box([0u8; 4096]);
    let here = frame.as_ptr().addr();
    let below = if top.abs_diff(here) < bytes { descend(top, bytes) } else { here };
    black_box(&frame);
    below
}

fn stacks_have_the_requested_size<O: OwnedRuntime>(_: O) -> Outcome {
    const ASKED: usize = 64 << 20;
    const USED: usize = 48 << 20;
    let owned = O::builder().worker_threads(1).thread_stack_size(ASKED).build()?;
    let task = AsyncTask::to::<usize>().on(owned.runtime()).spawn(|| async {
        let top = black_box(0u8);
        let top = (&raw const top).addr();
        top.abs_diff(descend(top, USED))
    });
    // The usual stack has 2 MiB, and would have overflowed.
    ensure!(block_on(task)? >= USED);
    Ok(())
}

fn an_impossible_stack_is_an_error<O: OwnedRuntime>(owned: O) -> Outcome {
    for bytes in [usize::MAX / 2, usize::MAX] {
        match O::builder().worker_threads(2).thread_stack_size(bytes).build() {
            Err(RuntimeError::Build { runtime, .. }) => ensure!(runtime == O::NAME),
            Err(other) => bail!("{bytes} bytes: {other}"),
            Ok(_) => bail!("{bytes} bytes were had"),
        }
    }
    // The runtime that exists is not affected.
    ensure!(block_on(AsyncTask::to::<u32>().on(owned.runtime()).spawn(|| async { 1 }))? == 1);
    Ok(())
}

/// Starts a runtime with a task on it, passes it to `end`, and checks that both have ended.
async fn start_and_end<O: OwnedRuntime>(end: impl FnOnce(O) -> Outcome) -> Outcome {
    let owned = O::builder().worker_threads(2).build()?;
    let rt = owned.runtime().clone();
    let (alive, dropped) = bounded::<()>(1);
    let task = AsyncTask::to::<()>().on(&rt).spawn(|| async move {
        let _alive = alive;
        pending::<()>().await
    });
    end(owned)?;
    ensure!(!rt.is_running());
    let ended = task.await.err().context("work that never ends has ended")?;
    ensure!(ended.is_shutdown(), "{ended:?}");
    ensure!(dropped.is_closed(), "the work outlives its handle");
    let late = AsyncTask::to::<()>().on(&rt).spawn(|| async {}).await;
    ensure!(late.is_err_and(|error| error.is_shutdown()), "a runtime that has ended takes work");
    Ok(())
}

/// [`start_and_end`] on every backend.
async fn start_and_end_each(end_kind: EndKind) -> Outcome {
    #[cfg(feature = "tokio")]
    start_and_end::<sweet_async::tokio::OwnedTokio>(|owned| end_kind.end(owned)).await.context("tokio")?;
    #[cfg(feature = "smol")]
    start_and_end::<sweet_async::smol::SmolPool>(|owned| end_kind.end(owned)).await.context("smol")?;
    Ok(())
}

#[derive(Clone, Copy)]
enum EndKind {
    Dropped,
    ShutDownInVain,
}

impl EndKind {
    fn end<O: OwnedRuntime>(self, owned: O) -> Outcome {
        match self {
            Self::Dropped => drop(owned),
            Self::ShutDownInVain => {
                let refused = owned.shutdown(1.hours());
                ensure!(matches!(refused, Err(RuntimeError::InsideTask)), "{refused:?}");
            }
        }
        Ok(())
    }
}

/// Runs `end_kind` in the future of `block_on`, and in a task.
fn inside_async_code<O: OwnedRuntime>(owned: &O, end_kind: EndKind) -> Outcome {
    owned.block_on(start_and_end_each(end_kind))?.context("in block_on")?;
    let task = AsyncTask::to::<()>().on(owned.runtime()).spawn(move || start_and_end_each(end_kind));
    owned.block_on(task)?.context("in a task")?;
    ensure!(owned.runtime().is_running(), "and not the one around them");
    Ok(())
}

fn it_may_be_dropped_inside_async_code<O: OwnedRuntime>(owned: O) -> Outcome {
    inside_async_code(&owned, EndKind::Dropped)
}

fn a_shutdown_inside_async_code_is_refused_and_ends_it<O: OwnedRuntime>(owned: O) -> Outcome {
    inside_async_code(&owned, EndKind::ShutDownInVain)
}

/// Moves a runtime into a task of its own, which ends the runtime and then gives a value.
fn ended_by_its_own_task<O: OwnedRuntime>(owned: O, end_kind: EndKind) -> Outcome {
    let rt = owned.runtime().clone();
    let task = AsyncTask::to::<u32>().on(&rt).try_spawn(move || async move {
        end_kind.end(owned)?;
        Ok(1)
    });
    // A value of the poll in progress wins over a kill.
    ensure!(block_on(task)? == 1);
    ensure!(!rt.is_running());
    Ok(())
}

fn it_may_be_dropped_inside_a_task_of_its_own<O: OwnedRuntime>(owned: O) -> Outcome {
    ended_by_its_own_task(owned, EndKind::Dropped)
}

fn a_shutdown_inside_a_task_of_its_own_is_refused_and_ends_it<O: OwnedRuntime>(owned: O) -> Outcome {
    ended_by_its_own_task(owned, EndKind::ShutDownInVain)
}

fn a_shutdown_waits_for_detached_tasks_and_jobs<O: OwnedRuntime>(owned: O) -> Outcome {
    let done = [(); 2].map(|()| Arc::new(AtomicBool::new(false)));
    let [task_done, job_done] = done.clone();
    let (rt, below) = (owned.runtime().clone(), owned.runtime().clone());
    let builder = AsyncTask::to::<()>().on(&rt);
    let task = builder.clone().spawn(|| async move {
        below.root().closing().await;
        for _ in 0..10 {
            yield_now().await;
        }
        task_done.store(true, Ordering::SeqCst);
    });
    let below = rt.clone();
    let (start, started) = bounded(1);
    let job = builder.spawn_blocking(move || {
        let _ = start.try_send(());
        block_on(below.root().closing());
        job_done.store(true, Ordering::SeqCst);
    });
    task.detach();
    job.detach();
    started.recv_blocking()?;
    owned.shutdown(60.seconds())?;
    ensure!(done.iter().all(|done| done.load(Ordering::SeqCst)), "{done:?}");
    ensure!(rt.active_task_count() == 0 && !rt.is_running());
    Ok(())
}

fn a_shutdown_kills_remaining_tasks_at_its_limit<O: OwnedRuntime>(owned: O) -> Outcome {
    let (alive, dropped) = bounded::<()>(1);
    let spawn = || AsyncTask::to::<()>().on(owned.runtime());
    spawn()
        .spawn(|| async move {
            let _alive = alive;
            pending::<()>().await
        })
        .detach();
    let limit = 5.millis();
    match owned.shutdown(limit) {
        Err(RuntimeError::TasksLeft { limit: reported, tasks: 1, blocking: 0, .. }) => {
            ensure!(reported == limit)
        }
        other => bail!("{other:?}"),
    }
    // A killed task stops at its next poll. The shutdown waits for that as long as the poll is due at once.
    ensure!(block_on(dropped.recv()).is_err());
    Ok(())
}

fn a_handle_that_survives_sees_the_end<O: OwnedRuntime>(owned: O) -> Outcome {
    let rt = owned.runtime().clone();
    ensure!(rt.is_running() && rt.clone().is_running());
    drop(owned);
    ensure!(!rt.is_running() && !rt.clone().is_running(), "after a drop");
    let owned = O::builder().worker_threads(1).build()?;
    let rt = owned.runtime().clone();
    ensure!(rt.is_running());
    owned.shutdown(Duration::MAX)?;
    ensure!(!rt.is_running(), "after a shutdown");
    Ok(())
}

#[cfg(feature = "tokio")]
#[test]
fn a_handle_to_a_foreign_tokio_runtime_sees_it_run_and_end() -> Outcome {
    use ::tokio::runtime::Builder;
    use sweet_async::tokio::TokioRuntime;

    for mut builder in [Builder::new_current_thread(), Builder::new_multi_thread()] {
        let foreign = builder.worker_threads(1).enable_time().build()?;
        let rt = TokioRuntime::from_handle(foreign.handle().clone())?;
        ensure!(rt.is_running());
        ensure!(foreign.block_on(AsyncTask::to::<u32>().on(&rt).spawn(|| async { 1 }))? == 1);
        let again = TokioRuntime::from_handle(foreign.handle().clone())?;
        ensure!(rt.is_running() && again.is_running(), "it was only looked at");
        let handle = foreign.handle().clone();
        drop(foreign);
        ensure!(!rt.is_running() && !again.is_running());
        ensure!(!TokioRuntime::from_handle(handle)?.is_running(), "seen for the first time after its end");
        let late = block_on(AsyncTask::to::<()>().on(&rt).spawn(|| async {}));
        ensure!(late.is_err_and(|error| error.is_shutdown()));
        let slept = block_on(sweet_async::RuntimeExt::sleep(&rt, 1.hours()));
        ensure!(slept.is_err_and(|error| error.is_shutdown()), "its timers are gone");
    }
    Ok(())
}
