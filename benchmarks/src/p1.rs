//! P1: one task after the other, from start to result, in place against a spawn and a join.

use std::future::Future;
use std::hint::black_box;
use std::time::{Duration, Instant};

use sweet_async::AsyncTask;

use crate::backend::Backend;
use crate::measure::{Row, check};
use crate::{Failure, Size};

/// Awaits the future itself: the lower bound.
///
/// # Errors
///
/// None.
pub async fn inline(count: usize) -> Result<u64, Failure> {
    let mut sum = 0;
    for number in 0..count as u64 {
        sum += async { black_box(number) }.await;
    }
    Ok(sum)
}

/// Runs each task with `run`, without a policy.
///
/// # Errors
///
/// The error of the task.
pub async fn run(count: usize) -> Result<u64, Failure> {
    let mut sum = 0;
    for number in 0..count as u64 {
        sum += AsyncTask::to::<u64>().run(|| async { black_box(number) }).await?;
    }
    Ok(sum)
}

/// Spawns each future with the executor's own spawn, and joins it.
///
/// # Errors
///
/// If the executor has ended.
pub async fn spawned(backend: impl Backend, count: usize) -> Result<u64, Failure> {
    let mut sum = 0;
    for number in 0..count as u64 {
        sum += backend.raw_spawn(async move { black_box(number) }).await.ok_or("the executor has ended")?;
    }
    Ok(sum)
}

/// Spawns each task with `spawn`, and joins it.
///
/// # Errors
///
/// The error of the task.
pub async fn ours_spawned(backend: impl Backend, count: usize) -> Result<u64, Failure> {
    let mut sum = 0;
    let task = AsyncTask::to::<u64>().on(backend.runtime());
    for number in 0..count as u64 {
        sum += task.clone().spawn(move || async move { black_box(number) }).await?;
    }
    Ok(sum)
}

/// Measures the row. Everything runs inside a task of the executor, where a spawn is cheapest: no thread has
/// to be woken for it.
///
/// # Errors
///
/// The error of a side.
pub fn measure<B: Backend>(backend: &B, size: &Size) -> Result<(), Failure> {
    let count = size.tasks;
    let inside = |work: std::pin::Pin<Box<dyn Future<Output = Result<u64, Failure>> + Send>>| {
        let timed = async move {
            let start = Instant::now();
            let sum = work.await?;
            Ok::<(u64, Duration), Failure>((sum, start.elapsed()))
        };
        let (sum, took) =
            backend.block_on(async { backend.raw_spawn(timed).await })?.ok_or("the executor has ended")??;
        check(&sum, &(0..count as u64).sum())?;
        Ok(took)
    };
    let operations = count as f64;
    Row::new(format!("P1 {}: one task at a time, {count} of them", B::NAME), size.rounds)
        .side("raw spawn + join", operations, || inside(Box::pin(spawned(backend.clone(), count))))
        .side("inline await", operations, || inside(Box::pin(inline(count))))
        .side("run", operations, || inside(Box::pin(run(count))))
        .side("spawn + join", operations, || inside(Box::pin(ours_spawned(backend.clone(), count))))
        .ratio("run", "raw spawn + join", Some(0.02))
        .ratio("inline await", "raw spawn + join", None)
        .ratio("spawn + join", "raw spawn + join", None)
        .measure()
}
