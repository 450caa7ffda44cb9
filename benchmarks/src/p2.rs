//! P2: many tasks that are spawned and then joined: by the library, by the executor alone, and with the least
//! that supervision needs.

use std::any::Any;
use std::future::Future;
use std::hint::black_box;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use sweet_async::AsyncTask;

use crate::backend::Backend;
use crate::measure::{Row, check};
use crate::{Failure, Size};

/// A batch of tasks, which returns the sum of their results.
pub type Batch = Pin<Box<dyn Future<Output = Result<u64, Failure>> + Send>>;

/// A method of spawning a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpawnMethod {
    /// The executor's own spawn.
    Bare,
    /// The executor's own spawn, `catch_unwind`, and one `Arc` that task and handle share.
    Least,
    /// `spawn` on a named runtime.
    On,
    /// `spawn` on the ambient runtime.
    Ambient,
}

impl SpawnMethod {
    /// All methods.
    pub const ALL: [Self; 4] = [Self::Bare, Self::Least, Self::On, Self::Ambient];

    /// The name in the results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bare => "raw spawn",
            Self::Least => "raw spawn + Arc + catch_unwind",
            Self::On => "spawn .on(&runtime)",
            Self::Ambient => "spawn ambient",
        }
    }

    /// Returns a batch of `count` tasks that are spawned by this method and then joined.
    pub fn batch<B: Backend>(self, backend: &B, count: usize) -> Batch {
        let backend = backend.clone();
        match self {
            Self::Bare => Box::pin(bare(backend, count)),
            Self::Least => Box::pin(least(backend, count)),
            Self::On => Box::pin(on(backend, count)),
            Self::Ambient => Box::pin(ambient(count)),
        }
    }

    /// Runs `batch` inside a task of the kind that it spawns. The library's tasks are then children of that
    /// task.
    ///
    /// # Errors
    ///
    /// The error of the batch.
    pub fn inside<B, T>(
        self,
        backend: &B,
        batch: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) -> Result<T, Failure>
    where
        B: Backend,
        T: Send + 'static,
    {
        match self {
            Self::Bare | Self::Least => backend
                .block_on(async { backend.raw_spawn(batch).await })
                .and_then(|output| output.ok_or("the executor has ended")?),
            Self::On | Self::Ambient => {
                let task = AsyncTask::to::<T>().on(backend.runtime());
                Ok(backend.block_on(async { task.spawn(|| batch).await })??)
            }
        }
    }
}

async fn bare(backend: impl Backend, count: usize) -> Result<u64, Failure> {
    let mut tasks = Vec::with_capacity(count);
    tasks.extend((0..count as u64).map(|number| backend.raw_spawn(async move { black_box(number) })));
    let mut sum = 0;
    for task in tasks {
        sum += task.await.ok_or("the executor has ended")?;
    }
    Ok(sum)
}

async fn least(backend: impl Backend, count: usize) -> Result<u64, Failure> {
    let mut tasks = Vec::with_capacity(count);
    tasks.extend((0..count as u64).map(|number| {
        let status = Arc::new(AtomicU32::new(0));
        let inside = status.clone();
        let supervised = async move {
            let result = AssertUnwindSafe(async move { black_box(number) }).catch_unwind().await;
            inside.store(1, Ordering::Release);
            result
        };
        (backend.raw_spawn(supervised), status)
    }));
    let mut sum = 0;
    for (task, status) in tasks {
        let result: Result<u64, Box<dyn Any + Send>> = task.await.ok_or("the executor has ended")?;
        sum += result.map_err(|_| "a task has panicked")?;
        check(&status.load(Ordering::Acquire), &1)?;
    }
    Ok(sum)
}

async fn on(backend: impl Backend, count: usize) -> Result<u64, Failure> {
    let mut tasks = Vec::with_capacity(count);
    tasks.extend((0..count as u64).map(|number| {
        AsyncTask::to::<u64>().on(backend.runtime()).spawn(move || async move { black_box(number) })
    }));
    let mut sum = 0;
    for task in tasks {
        sum += task.await?;
    }
    Ok(sum)
}

async fn ambient(count: usize) -> Result<u64, Failure> {
    let mut tasks = Vec::with_capacity(count);
    tasks.extend(
        (0..count as u64)
            .map(|number| AsyncTask::to::<u64>().spawn(move || async move { black_box(number) })),
    );
    let mut sum = 0;
    for task in tasks {
        sum += task.await?;
    }
    Ok(sum)
}

/// Measures the row, once from `block_on` and once from inside a task.
///
/// # Errors
///
/// The error of a side.
pub fn measure<B: Backend>(backend: &B, size: &Size) -> Result<(), Failure> {
    for inside in [false, true] {
        measure_from(backend, size, inside)?;
    }
    Ok(())
}

fn measure_from<B: Backend>(backend: &B, size: &Size, inside: bool) -> Result<(), Failure> {
    let count = size.tasks;
    let origin = if inside { "inside a task" } else { "from block_on" };
    let mut row =
        Row::new(format!("P2 {}: {count} tasks spawned, then joined, {origin}", B::NAME), size.rounds);
    for method in SpawnMethod::ALL {
        row.side(method.name(), count as f64, move || {
            let batch = method.batch(backend, count);
            let timed = async move {
                let start = Instant::now();
                let sum = batch.await?;
                Ok::<(u64, Duration), Failure>((sum, start.elapsed()))
            };
            let (sum, took) =
                if inside { method.inside(backend, timed)? } else { backend.block_on(timed)?? };
            check(&sum, &(0..count as u64).sum())?;
            Ok(took)
        });
    }
    for ours in [SpawnMethod::On, SpawnMethod::Ambient] {
        row.ratio(ours.name(), SpawnMethod::Least.name(), Some(1.10)).ratio(
            ours.name(),
            SpawnMethod::Bare.name(),
            None,
        );
    }
    row.ratio(SpawnMethod::Least.name(), SpawnMethod::Bare.name(), None).measure()
}
