//! Blocking work: on the one thread, at a moment that the seed decides, and free to block on the simulation.

use std::collections::BTreeSet;
use std::thread;

use anyhow::ensure;
use futures_lite::future::yield_now;
use sweet_async_core::RuntimeExt as _;
use sweet_async_core::{AsyncTaskError, BlockOn as _, DurationExt as _, Runtime as _, TaskBuilder};
use sweet_async_sim::{Deadlock, SimHandle, SimRuntime};

fn task<T>(rt: &SimHandle) -> TaskBuilder<T, SimHandle> {
    TaskBuilder::new(rt.clone())
}

#[test]
fn it_runs_on_the_same_thread() -> anyhow::Result<()> {
    let sim = SimRuntime::new(0);
    let there = sim.block_on(task(sim.runtime()).spawn_blocking(|| thread::current().id()))??;
    ensure!(there == thread::current().id());
    Ok(())
}

#[test]
fn the_seed_decides_when_it_runs() -> anyhow::Result<()> {
    let mut moments = BTreeSet::new();
    for seed in 0..200 {
        let sim = SimRuntime::new(seed);
        let rt = sim.runtime();
        let (say, said) = async_channel::unbounded();
        let tell = say.clone();
        sim.block_on(async {
            let yielding = task::<()>(rt).try_spawn(move || async move {
                for n in 0..3 {
                    say.try_send(n)?;
                    yield_now().await;
                }
                Ok(())
            });
            let blocking = task::<()>(rt).spawn_blocking(move || tell.try_send(9));
            yielding.await?;
            blocking.await
        })??;
        moments.insert(std::iter::from_fn(|| said.try_recv().ok()).position(|said| said == 9));
    }
    ensure!(moments == BTreeSet::from([Some(0), Some(1), Some(2), Some(3)]), "{moments:?}");
    Ok(())
}

#[test]
fn it_may_block_on_the_simulation() -> anyhow::Result<()> {
    for seed in 0..100 {
        let sim = SimRuntime::new(seed);
        let rt = sim.runtime();
        let beside = rt.clone();
        sim.block_on(async {
            // Goes on in the outer loop and in the inner ones.
            let other = task::<()>(rt).spawn(move || async move { beside.sleep(90.seconds()).await });
            let inner = rt.clone();
            let deep = task::<u32>(rt).spawn_blocking(move || {
                let again = inner.clone();
                let level = async move {
                    again.sleep(1.minutes()).await?;
                    let innermost = again.clone();
                    let work =
                        move || innermost.block_on(async { innermost.sleep(1.hours()).await.map(|()| 7) })?;
                    task::<u32>(&again).spawn_blocking(work).await
                };
                inner.block_on(level)?
            });
            ensure!(deep.await? == 7);
            other.await?;
            ensure!(sim.elapsed() == 1.hours() + 1.minutes(), "with seed {seed}: {:?}", sim.elapsed());
            Ok(())
        })??;
    }
    Ok(())
}

#[test]
fn it_may_spawn_a_child_and_block_on_it() -> anyhow::Result<()> {
    let sim = SimRuntime::new(4);
    let inner = sim.runtime().clone();
    let value = sim.block_on(task::<u32>(sim.runtime()).spawn_blocking(move || {
        let child = task::<u32>(&inner).spawn(|| async {
            yield_now().await;
            5
        });
        inner.block_on(child)?
    }))??;
    ensure!(value == 5 && sim.runtime().active_task_count() == 0);
    Ok(())
}

#[test]
fn blocking_on_the_progress_of_the_outer_future_is_a_deadlock() -> anyhow::Result<()> {
    let sim = SimRuntime::new(0);
    let inner = sim.runtime().clone();
    let (sender, receiver) = async_channel::bounded::<u32>(1);
    let error = sim.block_on(async {
        let waits = task::<u32>(sim.runtime()).name("waits").spawn_blocking(move || {
            inner.block_on(async { receiver.recv().await.map_err(AsyncTaskError::failure) })?
        });
        let error = waits.await.err();
        // Too late: the waiting job has already failed, since this was not reachable.
        let _ = sender.try_send(1);
        error
    })?;
    ensure!(error.is_some_and(|error| error.downcast_ref::<Deadlock>().is_some()));
    Ok(())
}

#[test]
fn asynchronous_code_may_not_block() -> anyhow::Result<()> {
    let sim = SimRuntime::new(0);
    let inner = sim.runtime().clone();
    let refused = |result: Result<(), AsyncTaskError>| matches!(result, Err(AsyncTaskError::InvalidState(_)));
    ensure!(sim.block_on(async { refused(sim.block_on(async {})) })?);
    let in_task = task::<bool>(sim.runtime()).spawn(move || async move { refused(inner.block_on(async {})) });
    ensure!(sim.block_on(in_task)??);
    Ok(())
}

#[test]
fn work_that_is_killed_before_its_moment_never_runs() -> anyhow::Result<()> {
    let mut kept = 0;
    for seed in 0..100 {
        let sim = SimRuntime::new(seed);
        let (say, said) = async_channel::unbounded();
        sim.block_on(async {
            let blocking = task::<()>(sim.runtime()).spawn_blocking(move || say.try_send(()));
            yield_now().await;
            yield_now().await;
            blocking.cancel(sweet_async_core::CancelLevel::Kill).await
        })?;
        kept += usize::from(said.try_recv().is_err());
    }
    ensure!((20..80).contains(&kept), "{kept} of 100 never ran: the seed should decide");
    Ok(())
}

#[test]
fn a_panic_of_foreign_work_is_its_own() -> anyhow::Result<()> {
    #[allow(clippy::panic, reason = "this is about panics")]
    fn explode() -> u32 {
        panic!("foreign")
    }
    let sim = SimRuntime::new(0);
    let rt = sim.runtime();
    let (blocking, polled) = (rt.spawn_blocking(explode)?, rt.spawn(async { explode() })?);
    ensure!(sim.block_on(async { (blocking.await, polled.await) })? == (None, None));
    ensure!(sim.block_on(task::<u32>(rt).spawn(|| async { 1 }))?? == 1);
    Ok(())
}
