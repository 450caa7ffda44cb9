//! The end of a simulation: its tasks are dropped, and what is left of it says so.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::ensure;
use futures_lite::future::{block_on, poll_once, yield_now};
use sweet_async_core::RuntimeExt as _;
use sweet_async_core::runtime::OwnedRuntime;
use sweet_async_core::{
    AsyncTaskError, BlockOn as _, CancelCause, CancelLevel, DurationExt as _, Join as _, Runtime as _,
    RuntimeError, SpawnError, TaskBuilder, TaskStatus,
};
use sweet_async_sim::{SimHandle, SimRuntime};

fn task<T>(rt: &SimHandle) -> TaskBuilder<T, SimHandle> {
    TaskBuilder::new(rt.clone())
}

/// Counts those of its kind that are alive.
struct Alive(Arc<AtomicUsize>);

impl Alive {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count.clone())
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[test]
fn tasks_of_every_kind_are_dropped_with_it() -> anyhow::Result<()> {
    let sim = SimRuntime::new(0);
    let (rt, count) = (sim.runtime().clone(), Arc::new(AtomicUsize::new(0)));
    let alive = || Alive::new(&count);
    // One that waits, one that sleeps, one that can run, foreign ones without a waker, and work not begun.
    let (one, two, three, four, five, six) = (alive(), alive(), alive(), alive(), alive(), alive());
    let timer = rt.clone();
    let mut waits = task::<()>(&rt).spawn(move || async move {
        let _alive = one;
        pending::<()>().await
    });
    let sleeps = task::<()>(&rt).spawn(move || async move {
        let _alive = two;
        timer.sleep(1.hours()).await
    });
    rt.spawn(async move {
        let _alive = three;
        pending::<()>().await
    })?
    .detach();
    let foreign = rt.spawn(async move {
        let _alive = four;
        pending::<()>().await
    })?;
    sim.block_on(async {
        while sleeps.status() == TaskStatus::Pending || waits.status() == TaskStatus::Pending {
            yield_now().await;
        }
    })?;
    let new = task::<()>(&rt).spawn(move || async move { drop(five) });
    let blocking = rt.spawn_blocking(move || drop(six))?;
    ensure!(count.load(Ordering::SeqCst) == 6);
    drop(sim);
    ensure!(count.load(Ordering::SeqCst) == 0, "{} are left", count.load(Ordering::SeqCst));
    ensure!(
        (waits.status(), sleeps.status(), new.status())
            == (TaskStatus::Cancelled, TaskStatus::Cancelled, TaskStatus::Cancelled)
    );
    ensure!(block_on(&mut waits).is_err_and(|error| matches!(
        error,
        AsyncTaskError::Cancelled { cause: CancelCause::Shutdown, .. } | AsyncTaskError::Shutdown
    )));
    ensure!(block_on(foreign).is_none() && block_on(blocking).is_none());
    Ok(())
}

#[test]
fn handles_that_survive_say_that_it_has_ended() -> anyhow::Result<()> {
    let sim = SimRuntime::new(0);
    let rt = sim.runtime().clone();
    let mut timer = Box::pin(rt.sleep(1.hours()));
    ensure!(sim.block_on(poll_once(&mut timer))?.is_none());
    drop(sim);
    ensure!(!rt.is_running());
    ensure!(matches!(rt.spawn(async {}), Err(SpawnError::Shutdown)));
    ensure!(matches!(rt.spawn_blocking(|| {}), Err(SpawnError::Shutdown)));
    ensure!(block_on(task::<()>(&rt).spawn(|| async {})).is_err_and(|error| error.is_shutdown()));
    ensure!(block_on(timer).is_err_and(|error| error.is_shutdown()), "a timer is ready before its time");
    ensure!(block_on(rt.sleep(1.hours())).is_err_and(|error| error.is_shutdown()));
    ensure!(rt.block_on(async {}).is_err_and(|error| error.is_shutdown()));
    Ok(())
}

#[test]
fn it_may_end_inside_its_own_block_on() -> anyhow::Result<()> {
    for in_task in [false, true] {
        let sim = SimRuntime::new(0);
        let (rt, count) = (sim.runtime().clone(), Arc::new(AtomicUsize::new(0)));
        let alive = Alive::new(&count);
        task::<()>(&rt)
            .spawn(move || async move {
                let _alive = alive;
                pending::<()>().await
            })
            .detach();
        let ended = rt.block_on(async {
            if in_task {
                let (own, inner) = (Alive::new(&count), rt.clone());
                let ends = task::<()>(&rt).spawn(move || async move {
                    let _own = own;
                    drop(sim);
                    yield_now().await;
                    // Not reached: the task has been dropped with its simulation.
                    pending::<()>().await;
                    drop(inner);
                });
                ends.await.err()
            } else {
                drop(sim);
                pending().await
            }
        });
        match ended {
            Ok(error) => ensure!(in_task && error.is_some()),
            Err(error) => ensure!(!in_task && error.is_shutdown(), "{error:?}"),
        }
        ensure!(count.load(Ordering::SeqCst) == 0, "{} are left", count.load(Ordering::SeqCst));
    }
    Ok(())
}

#[test]
fn a_long_chain_of_tasks_that_wait_for_each_other_is_dropped() -> anyhow::Result<()> {
    let sim = SimRuntime::new(0);
    let (rt, count) = (sim.runtime().clone(), Arc::new(AtomicUsize::new(0)));
    let mut last = rt.spawn(pending::<()>())?;
    for _ in 0..100_000 {
        let (alive, before) = (Alive::new(&count), last);
        last = rt.spawn(async move {
            let _alive = alive;
            before.await;
        })?;
    }
    last.detach();
    ensure!(sim.block_on(pending::<()>()).is_err());
    ensure!(count.load(Ordering::SeqCst) == 100_000);
    drop(sim);
    ensure!(count.load(Ordering::SeqCst) == 0);
    Ok(())
}

#[test]
fn a_destructor_that_spawns_at_the_end_is_refused() -> anyhow::Result<()> {
    struct Spawns(SimHandle, async_channel::Sender<bool>);
    impl Drop for Spawns {
        fn drop(&mut self) {
            let _ = self.1.try_send(self.0.spawn(async {}).is_err());
        }
    }
    let sim = SimRuntime::new(0);
    let (sender, refused) = async_channel::unbounded();
    let spawns = Spawns(sim.runtime().clone(), sender);
    sim.runtime()
        .spawn(async move {
            let _spawns = spawns;
            pending::<()>().await
        })?
        .detach();
    drop(sim);
    ensure!(refused.try_recv()?);
    Ok(())
}

#[test]
fn shutdown_takes_virtual_time() -> anyhow::Result<()> {
    let sim = SimRuntime::new(0);
    let rt = sim.runtime().clone();
    let (before, timer) = (rt.now(), rt.clone());
    task::<()>(&rt).spawn(move || async move { timer.sleep(1.days()).await }).detach();
    sim.shutdown(7.days())?;
    ensure!(rt.now() - before == 1.days());

    let sim = SimRuntime::new(0);
    let stuck = task::<()>(sim.runtime()).spawn(pending::<()>);
    let left = sim.shutdown(7.days());
    ensure!(matches!(left, Err(RuntimeError::TasksLeft { tasks: 1, blocking: 0, .. })), "{left:?}");
    ensure!(block_on(stuck.cancel(CancelLevel::Kill)).cause() == Some(CancelCause::Shutdown));

    let sim = SimRuntime::new(0);
    task::<()>(sim.runtime()).spawn(pending::<()>).detach();
    let left = sim.shutdown(std::time::Duration::MAX);
    ensure!(matches!(left, Err(RuntimeError::TasksLeft { tasks: 1, .. })), "{left:?}");
    Ok(())
}

#[test]
fn it_is_built_like_any_owned_runtime() -> anyhow::Result<()> {
    fn double<O: OwnedRuntime>(owned: &O) -> anyhow::Result<u32> {
        Ok(owned.block_on(TaskBuilder::new(owned.runtime().clone()).spawn(|| async { 21 * 2 }))??)
    }
    let sim = SimRuntime::builder().worker_threads(5).build()?;
    ensure!(double(&sim)? == 42 && sim.runtime().worker_count() == 5 && sim.seed() == 0);
    ensure!(
        SimRuntime::builder().build()?.runtime().worker_count()
            == SimRuntime::new(1).runtime().worker_count()
    );
    Ok(())
}
