//! Metrics of a task against figures of the process, which runs nothing else: they agree with the processor
//! time that `/usr/bin/time` prints, with `/proc/self/io`, and with the allocator's own statistics.
//!
//! One test: another beside it would be in the process's figures.

#![cfg(all(target_os = "linux", any(feature = "tokio", feature = "smol")))]

use std::alloc::System;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use sweet_async::metrics::{Allocations, TaskMetrics, count_allocations, metered};
use sweet_async::{AsyncTask, BoxError, DurationExt as _, MetricsEnabledTask as _, OwnedRuntime, Runtime};

#[global_allocator]
static COUNTING: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Figures of the process.
#[derive(Clone, Copy, Debug)]
struct Process {
    user: Duration,
    system: Duration,
    read: (u64, u64),
    written: (u64, u64),
    memory: Allocations,
}

/// The counts of the allocator: those of the process, and so of a thread while no other allocates.
fn allocations() -> Allocations {
    let all = COUNTING.stats();
    Allocations {
        allocated: all.bytes_allocated as u64,
        freed: all.bytes_deallocated as u64,
        count: Some(all.allocations as u64),
    }
}

impl Process {
    fn now() -> Result<Self, BoxError> {
        let usage = getrusage(UsageWho::RUSAGE_SELF)?;
        let text = fs::read_to_string("/proc/self/io")?;
        let figure = |name: &str| -> Result<u64, BoxError> {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            Ok(line.ok_or("a figure is missing")?.parse()?)
        };
        let micros = |micros: i64| Duration::from_micros(u64::try_from(micros).unwrap_or(0));
        Ok(Self {
            user: micros(usage.user_time().num_microseconds()),
            system: micros(usage.system_time().num_microseconds()),
            read: (figure("rchar")?, figure("syscr")?),
            written: (figure("wchar")?, figure("syscw")?),
            memory: allocations(),
        })
    }
}

fn compute(milliseconds: u64) {
    let begun = std::time::Instant::now();
    while begun.elapsed() < Duration::from_millis(milliseconds) {
        let numbers: Vec<u64> = (0..10_000).collect();
        std::hint::black_box(numbers.iter().sum::<u64>());
    }
}

fn write_and_read(path: &Path) -> io::Result<()> {
    let mut space = vec![7; 32 << 10];
    let mut file = metered(File::create(path)?);
    for _ in 0..256 {
        file.write_all(&space)?;
    }
    let mut file = metered(File::open(path)?);
    while file.read(&mut space)? > 0 {}
    Ok(())
}

/// The work of a task that computes, writes and reads, in its polls, in blocking work and in children, all on
/// one thread at a time.
async fn work<R: Runtime>(rt: R, path: PathBuf) -> Result<(), BoxError> {
    compute(100);
    let child = AsyncTask::to::<()>().on(&rt).metrics(true).spawn(|| async {
        for _ in 0..20 {
            compute(5);
            sweet_async::yield_now().await;
        }
    });
    child.await?;
    AsyncTask::to::<()>().on(&rt).run(|| compute(100)).await?;
    let io = AsyncTask::to::<()>().on(&rt).metrics(true).spawn(move || write_and_read(&path));
    Ok(io.await?)
}

/// The work of a task that allocates, in its polls and in those of children. No blocking work: during the
/// handover two threads are at work, and the allocator of this test counts for all threads together.
async fn allocate<R: Runtime>(rt: R) -> Result<(), BoxError> {
    compute(50);
    for _ in 0..10 {
        let child = AsyncTask::to::<()>().on(&rt).metrics(true).spawn(|| async {
            for _ in 0..10 {
                compute(1);
                sweet_async::yield_now().await;
            }
        });
        child.await?;
    }
    Ok(())
}

/// The metrics of a task, and the figures of the process from its spawn to its end.
async fn measured<R: Runtime, F>(
    rt: R,
    work: impl FnOnce(R) -> F + Send + 'static,
) -> Result<(TaskMetrics, Process, Process), BoxError>
where
    F: Future<Output = Result<(), BoxError>> + Send + 'static,
{
    // Once before: threads and buffers that are created once belong to no task.
    AsyncTask::to::<()>().on(&rt).run(|| compute(1)).await?;
    let (before, inner) = (Process::now()?, rt.clone());
    let mut task = AsyncTask::to::<()>().on(&rt).metrics(true).try_spawn(move || work(inner));
    (&mut task).await?;
    let after = Process::now()?;
    let mut metrics = TaskMetrics::default();
    (metrics.cpu, metrics.memory, metrics.io) = (task.cpu_usage(), task.memory_usage(), task.io_usage());
    Ok((metrics, before, after))
}

/// Checks processor time, input and output.
fn agree_on_time((metrics, before, after): (TaskMetrics, Process, Process)) -> Result<(), BoxError> {
    let says = format!("{metrics:?}; {before:?}; {after:?}");
    // Processor time: the executor, and the reading of these figures, used the rest of the process's time. At
    // most a tenth and 20 ms; and the process's own figures are sampled, to a tick of 10 ms at most.
    let cpu = metrics.cpu.ok_or("no processor time")?;
    let process = (after.user + after.system) - (before.user + before.system);
    let (slack, tick) = (process / 10 + 20.millis(), 10.millis());
    assert!(cpu.total() <= process + tick && cpu.total() + slack >= process, "{process:?}: {says}");
    // The parts, by the same samples.
    let (user, system) = (after.user - before.user, after.system - before.system);
    assert!(cpu.user <= user + slack && cpu.user + slack >= user, "{user:?}: {says}");
    assert!(cpu.system <= system + slack && cpu.system + slack >= system, "{system:?}: {says}");
    // Bytes, and the calls that moved them: the rest is from waking the executor (a few bytes each), and from
    // reading these figures.
    let io = metrics.io.ok_or("no input and output")?;
    for (mine, now, then) in [(io.read, after.read, before.read), (io.written, after.written, before.written)]
    {
        let (bytes, calls) = (now.0 - then.0, now.1 - then.1);
        assert!(mine.bytes <= bytes && mine.bytes + (16 << 10) >= bytes, "{bytes} bytes: {says}");
        assert!(mine.operations <= calls && mine.operations + 200 >= calls, "{calls} calls: {says}");
    }
    Ok(())
}

/// Checks memory. The executor, and the reading of these figures, allocate the rest.
fn agree_on_memory((metrics, before, after): (TaskMetrics, Process, Process)) -> Result<(), BoxError> {
    let says = format!("{metrics:?}; {before:?}; {after:?}");
    let memory = metrics.memory.ok_or("no memory")?;
    let (now, then) = (after.memory, before.memory);
    let count = now.count.zip(then.count).map(|(now, then)| now - then);
    let (count, counted) = count.zip(memory.allocations).ok_or("allocations are counted")?;
    for (mine, all, little) in [
        (memory.allocated, now.allocated - then.allocated, 64 << 10),
        (memory.freed, now.freed - then.freed, 64 << 10),
        (counted, count, 500),
    ] {
        assert!(mine.abs_diff(all) <= little, "{mine} of {all}: {says}");
    }
    Ok(())
}

fn on<O: OwnedRuntime>(folder: &Path) -> Result<(), BoxError> {
    let owned = O::builder().worker_threads(1).build()?;
    let rt = owned.runtime().clone();
    let path = folder.join(O::NAME);
    agree_on_time(owned.block_on(measured(rt.clone(), |rt| work(rt, path)))??)?;
    agree_on_memory(owned.block_on(measured(rt, allocate))??)
}

#[test]
fn the_figures_of_a_task_agree_with_those_of_the_process() -> Result<(), BoxError> {
    count_allocations(|| Some(allocations()))?;
    let folder = tempfile::tempdir()?;
    #[cfg(feature = "tokio")]
    on::<sweet_async::tokio::OwnedTokio>(folder.path())?;
    #[cfg(feature = "smol")]
    on::<sweet_async::smol::SmolPool>(folder.path())?;
    Ok(())
}
