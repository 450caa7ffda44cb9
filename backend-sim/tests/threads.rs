//! Other threads: none is needed, a wake of theirs is taken, and two may not drive at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::ensure;
use futures_lite::future::{block_on, yield_now};
use sweet_async_core::RuntimeExt as _;
use sweet_async_core::{AsyncTaskError, BlockOn as _, DurationExt as _, TaskBuilder};
use sweet_async_sim::{SimHandle, SimRuntime};

fn task<T>(rt: &SimHandle) -> TaskBuilder<T, SimHandle> {
    TaskBuilder::new(rt.clone())
}

#[test]
fn a_wake_from_another_thread_is_not_lost() -> anyhow::Result<()> {
    let sim = SimRuntime::new(0);
    let rt = sim.runtime();
    for round in 0..200u32 {
        let (sender, receiver) = async_channel::bounded(1);
        let waits = task::<u32>(rt).try_spawn(|| async move { Ok(receiver.recv().await?) });
        let other = thread::spawn(move || sender.send_blocking(round));
        let value = sim.block_on(async {
            // The simulation has something to do until the task is done, and so is not stuck meanwhile.
            while !waits.status().is_terminal() {
                yield_now().await;
            }
            waits.await
        })?;
        ensure!(value? == round);
        ensure!(other.join().is_ok_and(|sent| sent.is_ok()));
    }
    Ok(())
}

#[test]
fn tasks_and_timers_may_come_from_other_threads() -> anyhow::Result<()> {
    let sim = SimRuntime::new(0);
    let rt = sim.runtime();
    let done = Arc::new(AtomicBool::new(false));
    let (inner, finish) = (rt.clone(), done.clone());
    let other = thread::spawn(move || {
        let spawned = block_on(task::<u32>(&inner).spawn(|| async { 4 }));
        finish.store(true, Ordering::SeqCst);
        spawned
    });
    sim.block_on(async {
        while !done.load(Ordering::SeqCst) {
            yield_now().await;
        }
    })?;
    ensure!(other.join().map_err(|_| anyhow::anyhow!("it panicked"))?? == 4);
    // A timer that is waited for elsewhere rings there.
    let inner = rt.clone();
    let (polled, is_polled) = async_channel::bounded(1);
    let other = thread::spawn(move || {
        let mut timer = Box::pin(inner.sleep(1.hours()));
        let first = block_on(futures_lite::future::poll_once(&mut timer));
        let _ = polled.try_send(first.is_none());
        block_on(timer)
    });
    ensure!(is_polled.recv_blocking()?);
    let inner = rt.clone();
    sim.block_on(async move { inner.sleep(2.hours()).await })??;
    ensure!(other.join().is_ok_and(|slept| slept.is_ok()));
    Ok(())
}

#[test]
fn one_thread_drives_at_a_time() -> anyhow::Result<()> {
    let sim = SimRuntime::new(0);
    let inner = sim.runtime().clone();
    let (refused, answer) = async_channel::bounded(1);
    let other = sim.block_on(async {
        let other = thread::spawn(move || {
            let second = inner.block_on(async {});
            let _ = refused.try_send(matches!(second, Err(AsyncTaskError::InvalidState(_))));
            inner
        });
        while answer.is_empty() {
            yield_now().await;
        }
        other
    })?;
    ensure!(answer.try_recv()?);
    let inner = other.join().map_err(|_| anyhow::anyhow!("it panicked"))?;
    // One after the other they may.
    let later = thread::spawn(move || inner.block_on(async { 6 })).join();
    ensure!(later.map_err(|_| anyhow::anyhow!("it panicked"))?? == 6);
    Ok(())
}

#[test]
fn the_end_may_come_from_another_thread() -> anyhow::Result<()> {
    for round in 0..200u64 {
        let sim = SimRuntime::new(round);
        let rt = sim.runtime().clone();
        let count = Arc::new(());
        for n in 0..10 {
            let held = count.clone();
            task::<()>(&rt)
                .spawn(move || async move {
                    let _held = held;
                    for _ in 0..u64::MAX {
                        yield_now().await;
                        if n % 2 == 0 {
                            std::future::pending::<()>().await;
                        }
                    }
                })
                .detach();
        }
        let other = thread::spawn(move || drop(sim));
        let ended = rt.block_on(std::future::pending::<()>());
        ensure!(ended.is_err_and(|error| error.is_shutdown()));
        ensure!(other.join().is_ok());
        ensure!(Arc::strong_count(&count) == 1, "{} tasks are left", Arc::strong_count(&count) - 1);
    }
    Ok(())
}
