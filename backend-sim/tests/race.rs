//! Races: the seeds reach every end of a race, which threads meet only now and then.

use std::collections::BTreeSet;

use anyhow::{bail, ensure};
use futures_lite::future::yield_now;
use sweet_async_core::RuntimeExt as _;
use sweet_async_core::{AsyncTaskError, CancelLevel, DurationExt as _, TaskBuilder, TaskStatus};
use sweet_async_sim::{SimHandle, SimRuntime};

fn task<T>(rt: &SimHandle) -> TaskBuilder<T, SimHandle> {
    TaskBuilder::new(rt.clone())
}

#[test]
fn a_kill_racing_a_value_leaves_one_end() -> anyhow::Result<()> {
    let mut ends = BTreeSet::new();
    for seed in 0..500 {
        let sim = SimRuntime::new(seed);
        let rt = sim.runtime();
        sim.block_on(async {
            let mut work = task::<()>(rt).spawn(|| async {
                yield_now().await;
                yield_now().await;
            });
            let canceller = work.canceller();
            let killer = task::<()>(rt).spawn(move || async move {
                yield_now().await;
                drop(canceller.cancel(CancelLevel::Kill));
            });
            let status = match (&mut work).await {
                Ok(()) => TaskStatus::Completed,
                Err(AsyncTaskError::Cancelled { .. }) => TaskStatus::Cancelled,
                Err(other) => bail!("neither completed nor cancelled: {other:?}"),
            };
            killer.await?;
            let end = work.cancel(CancelLevel::Kill).await.status();
            ensure!((work.status(), end) == (status, status), "with seed {seed}");
            ends.insert(u8::from(status));
            Ok(())
        })??;
    }
    ensure!(ends.len() == 2, "both ends are found");
    Ok(())
}

#[test]
fn a_value_at_the_very_moment_of_a_limit_wins_or_comes_too_late() -> anyhow::Result<()> {
    let mut in_time = BTreeSet::new();
    for seed in 0..200 {
        let sim = SimRuntime::new(seed);
        let rt = sim.runtime();
        let (sender, value) = async_channel::bounded(1);
        let inner = rt.clone();
        let limited =
            task::<u32>(rt).timeout(1.seconds()).try_spawn(move || async move { Ok(value.recv().await?) });
        let gives = task::<bool>(rt).try_spawn(move || async move {
            inner.sleep(1.seconds()).await?;
            Ok(sender.send(7).await.is_ok())
        });
        let (result, sent) = sim.block_on(async { (limited.await, gives.await) })?;
        ensure!(sim.elapsed() == 1.seconds());
        in_time.insert(result.is_ok());
        match result {
            Ok(value) => ensure!(value == 7 && sent?),
            Err(error) => ensure!(error.is_timeout(), "with seed {seed}: {error:?}"),
        }
    }
    ensure!(in_time.len() == 2, "both are found");
    Ok(())
}

#[test]
fn a_lost_update_is_found_and_replays() -> anyhow::Result<()> {
    // Two tasks that read, let others run, and write: a bug of the kind that hides from tests.
    let count = |seed| {
        let sim = SimRuntime::new(seed);
        let rt = sim.runtime();
        let counter = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
        let add = || {
            let counter = counter.clone();
            task::<()>(rt).spawn(move || async move {
                let seen = counter.load(std::sync::atomic::Ordering::SeqCst);
                yield_now().await;
                counter.store(seen + 1, std::sync::atomic::Ordering::SeqCst);
            })
        };
        let (left, right) = (add(), add());
        sim.block_on(async {
            left.await?;
            right.await
        })??;
        anyhow::Ok(counter.load(std::sync::atomic::Ordering::SeqCst))
    };
    let counts = (0..100).map(count).collect::<Result<Vec<_>, _>>()?;
    ensure!(
        counts.contains(&1) && counts.contains(&2),
        "the update is lost with some seeds, and not with others"
    );
    for (seed, first) in (0..).zip(counts) {
        ensure!(count(seed)? == first, "seed {seed} gives the same again");
    }
    Ok(())
}
