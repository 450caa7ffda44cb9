//! Memory of tasks under the allocator that the feature brings: no other setup is needed.

#![cfg(all(feature = "jemalloc", any(feature = "tokio", feature = "smol")))]

use std::hint::black_box;

use sweet_async::metrics::{Jemalloc, MemoryUsage};
use sweet_async::{AsyncTask, AsyncTaskError, BoxError, MetricsEnabledTask as _, OwnedRuntime, Runtime};

#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

const MIB: u64 = 1 << 20;

/// The most that a task and its machinery allocate besides.
const LITTLE: u64 = 64 << 10;

fn near(reported: u64, known: u64) -> bool {
    (known..known + LITTLE).contains(&reported)
}

/// Ten times a MiB, of which seven are freed, one more in a child, and one on a thread of the blocking pool,
/// which is new.
async fn measured<R: Runtime>(rt: R) -> Result<(MemoryUsage, MemoryUsage), AsyncTaskError> {
    let here = rt.clone();
    let mut task = AsyncTask::to::<usize>().on(&rt).metrics(true).spawn(move || async move {
        let mut kept: Vec<_> = (0..10).map(|_| black_box(vec![1_u8; MIB as usize])).collect();
        kept.truncate(3);
        let child = AsyncTask::to::<usize>().on(&here).metrics(true);
        let length = child.spawn(|| async { black_box(vec![1_u8; MIB as usize]).len() }).await?;
        let child = AsyncTask::to::<usize>().on(&here).metrics(true);
        child.spawn_blocking(|| black_box(vec![1_u8; MIB as usize]).len()).await?;
        std::mem::forget(kept);
        Ok::<_, AsyncTaskError>(length)
    });
    // Beside it, on the same threads, and not counted as its own.
    let mut neighbour = AsyncTask::to::<usize>()
        .on(&rt)
        .metrics(true)
        .spawn(|| async { (0..50).map(|_| black_box(vec![1_u8; MIB as usize]).len()).sum::<usize>() });
    (&mut task).await?;
    (&mut neighbour).await?;
    let usage = task.memory_usage().zip(neighbour.memory_usage());
    usage.ok_or(AsyncTaskError::InvalidState("the memory is not known"))
}

fn on<O: OwnedRuntime>() -> Result<(), BoxError> {
    let owned = O::builder().worker_threads(2).build()?;
    let (mine, other) = owned.block_on(measured(owned.runtime().clone()))??;
    assert!(near(mine.allocated, 12 * MIB) && near(mine.freed, 9 * MIB), "{mine:?}");
    assert!(near(other.allocated, 50 * MIB) && near(other.freed, 50 * MIB), "{other:?}");
    assert_eq!(mine.allocations, None, "jemalloc does not count allocations");
    Ok(())
}

#[test]
fn task_allocations_are_known_with_the_allocator_alone() -> Result<(), BoxError> {
    #[cfg(feature = "tokio")]
    on::<sweet_async::tokio::OwnedTokio>()?;
    #[cfg(feature = "smol")]
    on::<sweet_async::smol::SmolPool>()?;
    Ok(())
}
