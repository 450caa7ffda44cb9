//! Runtimes that are started and stopped many times.

use std::time::{Duration, Instant};

use super::Scale;
use super::system::{descriptors, mebibytes, resident, threads};
use crate::Flavour;
use crate::kit::prelude::*;

/// A wait that is longer than any pool keeps an idle thread.
const PATIENCE: Duration = Duration::from_secs(30);

/// The time without a change after which the threads that were to stop have stopped.
const STILL: Duration = Duration::from_millis(300);

/// Row 20: threads, descriptors and memory are the same as after the first cycles. It needs a process of its
/// own.
pub(super) fn start_and_stop(flavour: &Flavour, scale: Scale) -> Result<String, Failure> {
    // The first cycles make what the process keeps: reactors, pools, the allocator's arenas.
    for _ in 0..scale.of(2_000) {
        cycle(flavour)?;
    }
    let before = (settled(usize::MAX)?, descriptors(), resident());
    for _ in 0..scale.of(100_000) / 100 {
        cycle(flavour)?;
    }
    let after = (settled(before.0)?, descriptors(), resident());
    ensure!(after.1 <= before.1, "descriptors: {:?}, then {:?}", before.1, after.1);
    if let (Some(before), Some(after)) = (before.2, after.2) {
        ensure!(after <= before + before / 10 + (4 << 20), "memory: {before} bytes, then {after}");
    }
    let (threads, descriptors) = (after.0, after.1.unwrap_or(0));
    let memory = format!("{} before, {} after", mebibytes(before.2), mebibytes(after.2));
    Ok(format!("{threads} threads and {descriptors} descriptors before and after, {memory}"))
}

fn cycle(flavour: &Flavour) -> Outcome {
    let harness = flavour.start()?;
    let rt = harness.runtime();
    harness.block_on(async {
        let builder = AsyncTask::to::<u32>().on(&rt);
        ensure!(builder.clone().spawn(|| async { 1 }).await? == 1);
        ensure!(builder.clone().spawn_blocking(|| 2).await? == 2);
        ensure!(builder.clone().timeout(1.hours()).spawn(|| async { 3 }).await? == 3);
        if !flavour.never_ends {
            builder.spawn(pending::<u32>).detach();
        }
        Ok(())
    })?
}

/// Returns the number of threads, once it is at most `most` and has not changed for a moment. Threads take a
/// moment to stop after they were notified.
fn settled(most: usize) -> Result<usize, Failure> {
    let (begun, mut last, mut since) = (Instant::now(), usize::MAX, Instant::now());
    loop {
        let now = threads().unwrap_or(0);
        if now != last {
            (last, since) = (now, Instant::now());
        }
        if now <= most && since.elapsed() > STILL {
            return Ok(now);
        }
        ensure!(begun.elapsed() < PATIENCE, "{now} threads, and {most} at first");
        std::thread::sleep(Duration::from_millis(10));
    }
}
