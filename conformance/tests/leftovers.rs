//! Threads and descriptors of runtimes that have ended: none are left. In a file of its own, with one test,
//! since it counts what belongs to the whole process.
#![cfg(all(target_os = "linux", any(feature = "tokio", feature = "smol")))]

#[path = "flavours/owned.rs"]
mod flavour;

use std::fs::{read_dir, read_to_string};
use std::future::pending;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use conformance::{Failure, Outcome, run};
use flavour::Of;
use sweet_async::RuntimeExt as _;
use sweet_async::{AsyncTask, DurationExt as _, OwnedRuntime};

const CYCLES: usize = 200;

/// The paths and names of the process's threads, as the kernel lists them.
fn threads() -> Result<Vec<(PathBuf, String)>, Failure> {
    // The kernel cuts its list short if a thread ends during the reading: two equal lists are taken as right.
    let mut last = listed()?;
    loop {
        let next = listed()?;
        if next == last {
            return Ok(next);
        }
        last = next;
    }
}

fn listed() -> Result<Vec<(PathBuf, String)>, Failure> {
    let mut threads = Vec::new();
    for task in read_dir("/proc/self/task")? {
        let thread = task?.path();
        // A thread that ends meanwhile is not counted.
        if let Ok(name) = read_to_string(thread.join("comm")) {
            threads.push((thread, name.trim_end().to_owned()));
        }
    }
    Ok(threads)
}

/// The threads that belong to runtimes of this library.
fn of_runtimes() -> Result<usize, Failure> {
    let is_one = |name: &str| name.starts_with("tokio-") || name.starts_with("sweet-smol-");
    Ok(threads()?.iter().filter(|(_, name)| is_one(name)).count())
}

fn descriptors() -> Result<usize, Failure> {
    Ok(read_dir("/proc/self/fd")?.count())
}

/// Waits until `count` has come down to `most`. It polls, since there is no notification: a thread leaves the
/// kernel's list a moment after it was joined, and the threads of a runtime that was dropped are not joined
/// at all.
fn comes_down_to(most: usize, count: fn() -> Result<usize, Failure>) -> Outcome {
    let begun = Instant::now();
    while count()? > most {
        ensure!(
            begun.elapsed() < Duration::from_secs(30),
            "{} in place of {most}: {:?}",
            count()?,
            threads()
        );
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// A runtime that has worked: a task, a timer and a wake between two threads.
fn worked<O: OwnedRuntime>() -> Result<O, Failure> {
    let owned = O::builder().worker_threads(2).build()?;
    let rt = owned.runtime().clone();
    let inner = rt.clone();
    let task = AsyncTask::to::<u32>().on(&rt).try_spawn(move || async move {
        inner.sleep(1.micros()).await?;
        Ok(AsyncTask::to::<u32>().on(&inner).spawn(|| async { 1 }).await? + 1)
    });
    ensure!(owned.block_on(task)?? == 2);
    Ok(owned)
}

fn leaves_nothing<O: OwnedRuntime>(first: O) -> Outcome {
    first.shutdown(60.seconds())?;
    comes_down_to(0, of_runtimes).context("threads after a shutdown")?;
    // The first runtime has started the threads that a process has once, such as that of smol's timers.
    let second = worked::<O>()?;
    // The worker that ran the task has its name; others may not have set theirs yet.
    ensure!(of_runtimes()? >= 1, "the threads that are looked for have other names: {:?}", threads()?);
    second.shutdown(60.seconds())?;
    comes_down_to(0, of_runtimes).context("threads after a shutdown")?;
    // On a thread that has used no runtime yet, so that its thread-locals are covered too.
    let cycles = thread::spawn(cycles::<O>).join();
    cycles.map_err(|_| Failure::msg("the thread panicked"))?
}

fn cycles<O: OwnedRuntime>() -> Outcome {
    let (before, open) = (threads()?.len(), descriptors()?);
    for cycle in 0..CYCLES {
        let owned = worked::<O>()?;
        match cycle % 3 {
            0 => owned.shutdown(60.seconds())?,
            1 => drop(owned),
            _ => {
                AsyncTask::to::<()>().on(owned.runtime()).spawn(pending::<()>).detach();
                drop(owned);
            }
        }
    }
    comes_down_to(0, of_runtimes).context("threads of runtimes that have ended")?;
    comes_down_to(before, || Ok(threads()?.len())).context("threads")?;
    comes_down_to(open, descriptors).context("descriptors")?;
    let refused = O::builder().worker_threads(3).thread_stack_size(usize::MAX / 2).build();
    ensure!(refused.is_err());
    comes_down_to(0, of_runtimes).context("threads of one that could not be built")?;
    comes_down_to(open, descriptors).context("descriptors of one that could not be built")
}

#[test]
fn nothing_is_left_of_runtimes_that_have_ended() -> Outcome {
    #[cfg(feature = "tokio")]
    run::with_harness::<Of<sweet_async::tokio::OwnedTokio>>("leftovers", |Of(first)| leaves_nothing(first))?;
    #[cfg(feature = "smol")]
    run::with_harness::<Of<sweet_async::smol::SmolPool>>("leftovers", |Of(first)| leaves_nothing(first))?;
    Ok(())
}
