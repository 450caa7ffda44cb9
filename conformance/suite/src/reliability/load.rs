//! Many tasks at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crate::library::DynRuntime;

use super::Scale;
use super::system::{mebibytes, resident};
use crate::Flavour;
use crate::kit::prelude::*;

/// Row 1: all tasks join.
pub(super) fn many_tasks(flavour: &Flavour, scale: Scale) -> Result<String, Failure> {
    let harness = flavour.start()?;
    harness.block_on(harness.spawn_and_join(scale.of(1_000_000)))?
}

/// Spawns `count` tasks and joins them. The figures are the rate, the time against the bare executor's, and
/// the bytes of each task. They are taken on the backend's own type: a [`DynRuntime`] boxes each future and
/// joins it by a channel, which would be measured too.
pub(crate) async fn spawn_and_join<R: Runtime>(rt: R, count: usize) -> Result<String, Failure> {
    let before = resident();
    let begun = Instant::now();
    let mut tasks = Vec::with_capacity(count);
    tasks.extend((0..count).map(|n| AsyncTask::to::<usize>().on(&rt).spawn(move || async move { n })));
    let held = resident();
    let mut sum = 0usize;
    for task in tasks {
        sum = sum.wrapping_add(task.await?);
    }
    let ours = begun.elapsed();
    ensure!(sum == count * (count - 1) / 2, "a task gave another's value, or none");

    let begun = Instant::now();
    let mut joins = Vec::with_capacity(count);
    for n in 0..count {
        joins.push(rt.spawn(async move { n })?);
    }
    for join in joins {
        join.await.context("the executor has ended")?;
    }
    let bare = begun.elapsed();
    let bytes = match (before, held) {
        (Some(before), Some(held)) => held.saturating_sub(before) / count as u64,
        _ => 0,
    };
    let rate = count as f64 / ours.as_secs_f64() / 1e6;
    let ratio = ours.as_secs_f64() / bare.as_secs_f64();
    Ok(format!("{rate:.2} M tasks/s, {ratio:.2} of the bare executor's time, {bytes} bytes each"))
}

/// Row 2: the memory is the same from round to round.
pub(super) fn many_sleepers(flavour: &Flavour, scale: Scale) -> Result<String, Failure> {
    let count = scale.of(100_000);
    let harness = flavour.start()?;
    let rt = harness.runtime();
    harness.block_on(async {
        let mut peaks = Vec::new();
        for _ in 0..4 {
            let asleep = Arc::new(AtomicUsize::new(0));
            let tasks: Vec<_> = (0..count)
                .map(|_| {
                    let (inner, asleep) = (rt.clone(), asleep.clone());
                    AsyncTask::to::<()>().on(&rt).spawn(move || async move {
                        let mut sleep = std::pin::pin!(inner.sleep(1.hours()));
                        ensure!(poll_once(&mut sleep).await.is_none(), "an hour is over at once");
                        asleep.fetch_add(1, Ordering::SeqCst);
                        sleep.await?;
                        Ok::<_, Failure>(())
                    })
                })
                .collect();
            while asleep.load(Ordering::SeqCst) < count {
                yield_now().await;
            }
            peaks.push(resident());
            let ends: Vec<_> = tasks.iter().map(|task| task.cancel(CancelLevel::Kill)).collect();
            for end in ends {
                ensure!(end.await.was_cancelled());
            }
        }
        // The first round fills the allocator. Memory beyond that, in the others, is a leak.
        let (first, last) = (peaks.get(1).copied().flatten(), peaks.last().copied().flatten());
        if let (Some(first), Some(last)) = (first, last) {
            ensure!(last <= first + first / 10 + (4 << 20), "memory grows: {first} bytes, then {last}");
        }
        Ok(format!("peak {}, the same after 4 rounds", mebibytes(last)))
    })?
}

/// Row 7: all tasks end. The figure is the 99th percentile of the time from the cancellation to a task's end.
pub(super) fn a_tree(flavour: &Flavour, scale: Scale) -> Result<String, Failure> {
    let depth = if scale == Scale::Full { 5 } else { 3 };
    let total = (0..=depth).map(|level| 10usize.pow(level)).sum::<usize>();
    let harness = flavour.start()?;
    let rt = harness.runtime();
    harness.block_on(async {
        let (grown, ends) = (Arc::new(AtomicUsize::new(0)), async_channel::unbounded());
        let root = grow(rt.clone(), depth, grown.clone(), ends.0);
        while grown.load(Ordering::SeqCst) < total {
            yield_now().await;
        }
        let begun = Instant::now();
        ensure!(root.cancel(CancelLevel::Kill).await.was_cancelled());
        let mut latencies = Vec::with_capacity(total);
        while let Ok(ended) = ends.1.try_recv() {
            latencies.push(Instant::saturating_duration_since(&ended, begun));
        }
        ensure!(latencies.len() == total, "{} of {total} have ended", latencies.len());
        latencies.sort_unstable();
        let worst = latencies.get(total * 99 / 100).copied().unwrap_or_default();
        Ok(format!("all {total} ended, p99 {worst:.1?} after the cancel"))
    })?
}

fn grow(
    rt: DynRuntime,
    depth: u32,
    grown: Arc<AtomicUsize>,
    ends: async_channel::Sender<Instant>,
) -> Task<(), DynRuntime> {
    struct End(async_channel::Sender<Instant>);
    impl Drop for End {
        fn drop(&mut self) {
            let _ = self.0.try_send(Instant::now());
        }
    }
    AsyncTask::to::<()>().on(&rt.clone()).spawn(move || async move {
        let _end = End(ends.clone());
        let below = if depth == 0 { 0 } else { 10 };
        let _children: Vec<_> =
            (0..below).map(|_| grow(rt.clone(), depth - 1, grown.clone(), ends.clone())).collect();
        grown.fetch_add(1, Ordering::SeqCst);
        pending::<()>().await
    })
}
