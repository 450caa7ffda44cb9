//! Deadlocks: a program that can go no further gets an error that names its waiting tasks.

use std::future::pending;

use anyhow::{Context as _, ensure};
use sweet_async_core::RuntimeExt as _;
use sweet_async_core::{AsyncTaskError, CancelLevel, DurationExt as _, TaskBuilder, TaskStatus};
use sweet_async_sim::{Deadlock, SimHandle, SimRuntime};

fn task<T>(rt: &SimHandle) -> TaskBuilder<T, SimHandle> {
    TaskBuilder::new(rt.clone())
}

#[test]
fn it_names_seed_time_and_tasks() -> anyhow::Result<()> {
    let sim = SimRuntime::new(77);
    let rt = sim.runtime();
    let (to_left, at_left) = async_channel::bounded::<()>(1);
    let (to_right, at_right) = async_channel::bounded::<()>(1);
    // Each waits for the other to speak first.
    let left = task::<()>(rt).name("left").try_spawn(|| async move {
        at_left.recv().await?;
        Ok(to_right.send(()).await?)
    });
    let right = task::<()>(rt).name("right").try_spawn(|| async move {
        at_right.recv().await?;
        Ok(to_left.send(()).await?)
    });
    let done = task::<()>(rt).name("done").spawn(|| async {});
    let error = sim.block_on(async {
        done.await?;
        rt.sleep(1_500.millis()).await?;
        left.await?;
        right.await
    });
    let error = error.err().context("a deadlock was due")?;
    ensure!(error.is_failure());
    let text = std::error::Error::source(&error).context("what has failed")?.to_string();
    let mut lines = text.lines();
    let due = "deadlock in the simulation with seed 77 after 1.5s: nothing can run, no timer is set, and 2 task(s) wait";
    ensure!(lines.next() == Some(due), "{text}");
    for name in ["task 1 \"left\" (Running at ", "task 2 \"right\" (Running at "] {
        let line = lines.next().context("a line for each task")?.trim_start();
        ensure!(line.starts_with(name) && line.contains("deadlock.rs:"), "{text}");
    }
    let deadlock = error.downcast_ref::<Deadlock>().context("it can be had back")?;
    ensure!((deadlock.seed(), deadlock.elapsed()) == (77, 1_500.millis()));
    let names: Vec<_> = deadlock.tasks().iter().filter_map(|task| task.name.as_deref()).collect();
    ensure!(names == ["left", "right"]);
    Ok(())
}

#[test]
fn tasks_of_every_depth_are_named() -> anyhow::Result<()> {
    let sim = SimRuntime::new(0);
    let rt = sim.runtime();
    let (parent_rt, child_rt) = (rt.clone(), rt.clone());
    let parent = task::<()>(rt).name("parent").spawn(move || async move {
        let child = task::<()>(&parent_rt).name("child").spawn(move || async move {
            task::<()>(&child_rt).name("grandchild").spawn(pending::<()>).await
        });
        child.await
    });
    let error = sim.block_on(parent).err().context("a deadlock was due")?;
    let error = format!("{error:#}");
    ensure!(["parent", "child", "grandchild"].iter().all(|name| error.contains(name)), "{error}");
    Ok(())
}

#[test]
fn without_tasks_it_is_the_future_itself_that_waits() -> anyhow::Result<()> {
    let sim = SimRuntime::new(0);
    let error = sim.block_on(pending::<()>()).err().context("a deadlock was due")?;
    ensure!(error.downcast_ref::<Deadlock>().is_some_and(|deadlock| deadlock.tasks().is_empty()));
    Ok(())
}

#[test]
fn a_timer_is_no_deadlock() -> anyhow::Result<()> {
    let sim = SimRuntime::new(0);
    let error = sim.block_on(task::<()>(sim.runtime()).timeout(365.days()).run(pending::<()>))?;
    ensure!(error.is_err_and(|error| error.is_timeout()) && sim.elapsed() == 365.days());
    Ok(())
}

#[test]
fn the_simulation_can_go_on_after_it() -> anyhow::Result<()> {
    let sim = SimRuntime::new(0);
    let (sender, receiver) = async_channel::bounded::<u32>(1);
    let mut waits = task::<u32>(sim.runtime()).try_spawn(|| async move { Ok(receiver.recv().await?) });
    ensure!(sim.block_on(&mut waits).is_err());
    ensure!(waits.status() == TaskStatus::Running);
    sender.try_send(3)?;
    ensure!(sim.block_on(&mut waits)?? == 3);
    Ok(())
}

#[test]
fn a_kill_ends_it() -> anyhow::Result<()> {
    let sim = SimRuntime::new(0);
    let waits = task::<()>(sim.runtime()).spawn(pending::<()>);
    ensure!(sim.block_on(async { waits.status() })? == TaskStatus::Pending);
    ensure!(sim.block_on(waits.cancel(CancelLevel::Kill))?.was_cancelled());
    ensure!(matches!(sim.block_on(waits)?, Err(AsyncTaskError::Cancelled { .. })));
    Ok(())
}
