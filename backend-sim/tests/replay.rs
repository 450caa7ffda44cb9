//! The same seed gives the same run, another seed another one.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::ensure;
use futures_lite::future::yield_now;
use sweet_async_core::RuntimeExt as _;
use sweet_async_core::{
    AsyncTaskError, Chaos, DurationExt as _, Jitter, Runtime as _, Schedule, TaskBuilder,
};
use sweet_async_pipeline::{ChunkSizeExt as _, PipelineBuilder};
use sweet_async_sim::{SimHandle, SimRuntime};

fn task<T>(rt: &SimHandle) -> TaskBuilder<T, SimHandle> {
    TaskBuilder::new(rt.clone())
}

/// The record of a run: its steps, its time, its notes, and its random numbers.
type Trail = (u64, Duration, Vec<u64>, u64);

/// Tasks, timers, blocking work, kills and a pipeline, each of which says when it was there.
fn program(seed: u64) -> anyhow::Result<Trail> {
    let sim = SimRuntime::new(seed);
    let rt = sim.runtime();
    let (say, said) = async_channel::unbounded::<u64>();
    sim.block_on(async {
        let mut tasks = Vec::new();
        for n in 0..20u64 {
            let (inner, say) = (rt.clone(), say.clone());
            tasks.push(task::<()>(rt).try_spawn(move || async move {
                inner.sleep(Duration::from_millis(n % 4)).await?;
                say.send(n).await?;
                let below = say.clone();
                task::<()>(&inner).spawn_blocking(move || below.try_send(100 + n)).await?;
                for _ in 0..inner.entropy() % 5 {
                    yield_now().await;
                }
                Ok(say.send(200 + n).await?)
            }));
        }
        let killed = tasks.split_off(15);
        rt.sleep(2.millis()).await?;
        drop(killed);
        let (sum, _) = PipelineBuilder::<u64, _>::new(rt.clone())
            .sender(|sources| sources.of_bytes("1\n2\n3\n4\n5\n").lines().into_chunks(1.lines()))
            .fold(|| 0, |sum: &mut u64, event| *sum += event.take_data(), |a, b| a + b)
            .await?;
        for task in tasks {
            task.await?;
        }
        say.send(1_000 + sum).await?;
        anyhow::Ok(())
    })??;
    let said = std::iter::from_fn(|| said.try_recv().ok()).collect();
    Ok((sim.fingerprint(), sim.elapsed(), said, rt.entropy()))
}

#[test]
fn a_seed_replays() -> anyhow::Result<()> {
    for seed in 0..50 {
        let (first, again) = (program(seed)?, program(seed)?);
        ensure!(first == again, "with seed {seed}: {first:?}, then {again:?}");
    }
    Ok(())
}

#[test]
fn a_seed_replays_on_another_thread() -> anyhow::Result<()> {
    let here = program(9)?;
    let there = std::thread::spawn(|| program(9)).join().map_err(|_| anyhow::anyhow!("it panicked"))??;
    ensure!(here == there);
    Ok(())
}

#[test]
fn seeds_differ() -> anyhow::Result<()> {
    let runs = (0..50).map(program).collect::<Result<Vec<_>, _>>()?;
    let different = |of: &dyn Fn(&Trail) -> Vec<u64>| runs.iter().map(of).collect::<BTreeSet<_>>().len();
    ensure!(different(&|run| vec![run.0]) == 50, "the steps");
    ensure!(different(&|run| run.2.clone()) == 50, "what is said");
    ensure!(different(&|run| vec![run.3]) == 50, "the random numbers");
    Ok(())
}

#[test]
fn every_order_of_four_tasks_is_found() -> anyhow::Result<()> {
    let mut orders = BTreeSet::new();
    for seed in 0..400 {
        let sim = SimRuntime::new(seed);
        let (say, said) = async_channel::unbounded();
        sim.block_on(async {
            let spawn = |n: u64| {
                let say = say.clone();
                task::<()>(sim.runtime()).try_spawn(move || async move { Ok(say.try_send(n)?) })
            };
            let tasks: Vec<_> = (0..4).map(spawn).collect();
            for task in tasks {
                task.await?;
            }
            Ok::<_, AsyncTaskError>(())
        })??;
        orders.insert(std::iter::from_fn(|| said.try_recv().ok()).collect::<Vec<_>>());
    }
    ensure!(orders.len() == 24, "{} of 24", orders.len());
    Ok(())
}

#[test]
fn entropy_replays_whatever_else_runs() -> anyhow::Result<()> {
    let draw = |seed, tasks: usize| {
        let sim = SimRuntime::new(seed);
        let first = sim.runtime().entropy();
        sim.block_on(async {
            for _ in 0..tasks {
                task::<()>(sim.runtime()).spawn(|| async {}).await?;
            }
            Ok::<_, AsyncTaskError>(())
        })??;
        anyhow::Ok([first, sim.runtime().entropy(), sim.runtime().entropy()])
    };
    ensure!(draw(1, 0)? == draw(1, 100)?, "the schedule has a stream of its own");
    let all: BTreeSet<u64> =
        (0..100).map(|seed| draw(seed, 0)).collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
    ensure!(all.len() == 300);
    Ok(())
}

#[test]
fn ids_count_from_one_in_each_simulation() -> anyhow::Result<()> {
    for seed in 0..3 {
        let sim = SimRuntime::new(seed);
        let spawn = || task::<()>(sim.runtime()).spawn(|| async {});
        let (first, second) = (spawn(), spawn());
        ensure!((first.id().as_u64(), second.id().as_u64()) == (Some(1), Some(2)));
    }
    Ok(())
}

#[test]
fn uuids_are_replayed() -> anyhow::Result<()> {
    let ids = |seed| {
        let sim = SimRuntime::new(seed);
        (0..20)
            .map(|_| task::<()>(sim.runtime()).uuid().spawn(|| async {}).id().to_string())
            .collect::<Vec<_>>()
    };
    for seed in 0..10 {
        ensure!(ids(seed) == ids(seed) && ids(seed) != ids(seed + 1));
    }
    Ok(())
}

#[test]
fn the_jitter_of_retries_is_replayed() -> anyhow::Result<()> {
    let wait = |seed, jitter| {
        let sim = SimRuntime::new(seed);
        let work = || async { Err::<(), _>("an attempt") };
        let failed = sim.block_on(task::<()>(sim.runtime()).retry(4).jitter(jitter).spawn(work))?;
        ensure!(failed.is_err());
        Ok(sim.elapsed())
    };
    for jitter in [Jitter::Full, Jitter::Equal] {
        let waits: BTreeSet<_> = (0..50).map(|seed| wait(seed, jitter)).collect::<Result<_, _>>()?;
        ensure!(waits.len() == 50, "each seed has waits of its own");
        for seed in 0..50 {
            ensure!(wait(seed, jitter)? == wait(seed, jitter)?, "seed {seed}");
        }
    }
    ensure!(wait(0, Jitter::None)? == wait(1, Jitter::None)?);
    Ok(())
}

#[test]
fn the_jitter_of_a_schedule_is_replayed() -> anyhow::Result<()> {
    let last = |seed| {
        let sim = SimRuntime::new(seed);
        let schedule = Schedule::every(1.seconds()).jitter(500.millis()).take(10);
        let report = sim.block_on(task::<()>(sim.runtime()).repeat(schedule).spawn(|| async {}))??;
        ensure!(report.runs == 10 && report.missed == 0);
        Ok(sim.elapsed())
    };
    let all: BTreeSet<_> = (0..50).map(last).collect::<Result<_, _>>()?;
    ensure!(all.len() == 50, "each seed has times of its own");
    ensure!(all.iter().all(|last| (9.seconds()..=9.5.seconds()).contains(last)), "{all:?}");
    for seed in 0..50 {
        ensure!(last(seed)? == last(seed)?, "seed {seed}");
    }
    Ok(())
}

#[test]
fn injected_faults_are_replayed() -> anyhow::Result<()> {
    // The end of each of a hundred attempts, and the time that it took until then.
    let run = |seed| {
        let sim = SimRuntime::new(seed);
        let chaos = Chaos::new().latency(0.5, 7.millis()).panic(0.1).failure(0.5);
        let builder = task::<()>(sim.runtime()).chaos(chaos);
        sim.block_on(async {
            let mut ends = Vec::new();
            for _ in 0..100 {
                let end = match builder.clone().spawn(|| async {}).await {
                    Ok(()) => "succeeded",
                    Err(error) if error.is_panic() => "panicked",
                    Err(_) => "failed",
                };
                ends.push((end, sim.elapsed()));
            }
            ends
        })
    };
    let mut different = BTreeSet::new();
    for seed in 0..50 {
        let ends = run(seed)?;
        ensure!(ends == run(seed)?, "seed {seed}");
        different.insert(ends);
    }
    ensure!(different.len() == 50, "each seed has faults of its own: {}", different.len());
    Ok(())
}
