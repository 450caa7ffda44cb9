//! A server and a pipeline on the same threads: the time of a small task from its spawn to its end, while a
//! synchronous receiver keeps all threads busy.

#![allow(clippy::print_stdout, reason = "a benchmark's result is what it prints")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sweet_async::AsyncTask;
use sweet_async::pipeline::{ChunkSizeExt as _, Event, PipelineBuilder};

use crate::backend::Backend;
use crate::measure::quantile;
use crate::work::Spin;
use crate::{Failure, Size};
use sweet_async::RuntimeExt as _;

/// Processor time of one row.
const ROW_TIME: Duration = Duration::from_micros(10);
/// The pause before each small task.
const PAUSE: Duration = Duration::from_millis(1);
const ROWS: u64 = 1_000;

/// The work that keeps the threads busy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// No work.
    None,
    /// A pipeline, which works in time slices.
    Slices,
    /// A pipeline on the blocking pool.
    Blocking,
    /// Tasks that handle chunks of as many rows without a pause, as a pipeline without time slices would.
    Chunks,
}

impl Load {
    /// All loads.
    pub const ALL: [Self; 4] = [Self::None, Self::Slices, Self::Blocking, Self::Chunks];
}

/// The times from the spawn of a small task to its end, for `count` tasks, in nanoseconds.
fn latencies<B: Backend>(
    backend: &B,
    load: Load,
    spin: Spin,
    count: usize,
    workers: usize,
) -> Result<Vec<f64>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    let endless = move || std::iter::from_fn(move || (!stopped.load(Ordering::Relaxed)).then_some(1u64));
    let pipeline = PipelineBuilder::<u64, _>::new(backend.runtime().clone())
        .workers(workers)
        .sender(move |sources| sources.of(endless()).into_chunks(ROWS.items()))
        .for_each(move |event: Event<u64>| spin.run(event.take_data()));
    backend.block_on(async {
        let busy = match load {
            Load::None => None,
            Load::Slices => Some(pipeline.spawn()),
            Load::Blocking => Some(pipeline.blocking().spawn()),
            Load::Chunks => {
                for _ in 0..workers {
                    let stop = stop.clone();
                    let chunks = async move {
                        while !stop.load(Ordering::Relaxed) {
                            (0..ROWS).for_each(|row| spin.run(row));
                            smol::future::yield_now().await;
                        }
                    };
                    AsyncTask::to::<()>().on(backend.runtime()).spawn(|| chunks).detach();
                }
                None
            }
        };
        let mut latencies = Vec::with_capacity(count);
        for _ in 0..count {
            backend.runtime().sleep(PAUSE).await?;
            let spawned = Instant::now();
            AsyncTask::to::<()>().on(backend.runtime()).spawn(|| async {}).await?;
            latencies.push(spawned.elapsed().as_nanos() as f64);
        }
        stop.store(true, Ordering::Relaxed);
        if let Some(busy) = busy {
            busy.await?;
        }
        Ok(latencies)
    })?
}

/// Measures the row.
///
/// # Errors
///
/// The error of a pipeline.
pub fn measure<B: Backend>(backend: &B, size: &Size) -> Result<(), Failure> {
    let Size { rounds, workers, .. } = *size;
    let spin = Spin::of(ROW_TIME);
    println!(
        "\nResponsive {}: a small task beside rows of 10 us in chunks of {ROWS}, {workers} workers",
        B::NAME
    );
    for load in Load::ALL {
        // Without time slices each task takes long.
        let count = if load == Load::Chunks { rounds } else { 100 * rounds };
        let mut sorted = latencies(backend, load, spin, count, workers)?;
        sorted.sort_by(f64::total_cmp);
        let part = |part| quantile(&sorted, part) / 1e3;
        println!(
            "  {:<10} median {:>8.1} us, 99 % {:>8.1} us, 99.9 % {:>8.1} us",
            format!("{load:?}"),
            part(0.5),
            part(0.99),
            part(0.999)
        );
    }
    Ok(())
}
