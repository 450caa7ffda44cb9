//! P5: items of one microsecond of processor time each, against rayon.

use std::time::Duration;

use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};
use rayon::{ThreadPool, ThreadPoolBuilder};
use sweet_async::pipeline::{ChunkSizeExt as _, Event, PipelineBuilder};

use crate::backend::Backend;
use crate::measure::{Row, check, timed};
use crate::work::Spin;
use crate::{Failure, Size};

/// The processor time of one item.
const ITEM_TIME: Duration = Duration::from_micros(1);

/// Handles the items with a pipeline.
///
/// # Errors
///
/// The error of the pipeline, or a wrong result.
pub async fn pipeline<B: Backend>(
    backend: &B,
    spin: Spin,
    items: u64,
    workers: usize,
) -> Result<(), Failure> {
    let summary = PipelineBuilder::<u64, _>::new(backend.runtime().clone())
        .workers(workers)
        .sender(move |sources| sources.of(0..items).into_chunks(256.items()))
        .for_each(move |event: Event<u64>| spin.run(event.take_data()))
        .await?;
    check(&summary.handled(), &items)
}

/// The peer, on the same number of threads.
pub fn rayon(pool: &ThreadPool, spin: Spin, items: u64) {
    pool.install(|| (0..items).into_par_iter().for_each(|item| spin.run(item)));
}

/// Measures the row.
///
/// # Errors
///
/// The error of a side.
pub fn measure<B: Backend>(backend: &B, size: &Size) -> Result<(), Failure> {
    let Size { rounds, items, workers, .. } = *size;
    let (items, spin) = (items / 8, Spin::of(ITEM_TIME));
    let pool = ThreadPoolBuilder::new().num_threads(workers).build()?;
    let mut row = Row::new(format!("P5 {}: {items} items of 1 us, {workers} workers", B::NAME), rounds);
    let count = items as f64;
    row.side("rayon", count, || {
        timed(|| {
            rayon(&pool, spin, items);
            Ok(())
        })
    });
    row.side("for_each", count, || timed(|| backend.block_on(pipeline(backend, spin, items, workers))?));
    row.ratio("for_each", "rayon", Some(1.03));
    row.measure()
}
