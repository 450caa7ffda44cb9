//! A server and a pipeline on the same threads: how long a small task takes from its spawn to its end while a
//! synchronous receiver keeps all of them busy.

#![allow(clippy::print_stdout, reason = "a benchmark's result is what it prints")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sweet_async::AsyncTask;
use sweet_async::pipeline::{ChunkSizeExt as _, Event, PipelineBuilder};

use crate::backend::Backend;
use crate::work::Spin;
use crate::{Failure, Size};
use sweet_async::RuntimeExt as _;

/// Processor time of one row.
const ROW: Duration = Duration::from_micros(10);
/// How often the server is asked.
const EVERY: Duration = Duration::from_millis(1);
const ROWS: u64 = 1_000;

/// What keeps the threads busy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// Nothing.
    None,
    /// A pipeline, which works in slices.
    Slices,
    /// A pipeline on the blocking pool.
    Blocking,
    /// Tasks that handle chunks of as many rows without a pause: what a pipeline without slices would do.
    Chunks,
}

impl Load {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::None, Self::Slices, Self::Blocking, Self::Chunks];
}

/// From the spawn of a small task to its end, for each of some, in nanoseconds.
fn latencies<B: Backend>(
    backend: &B,
    load: Load,
    spin: Spin,
    asked: usize,
    workers: usize,
) -> Result<Vec<f64>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    let endless = move || std::iter::from_fn(move || (!stopped.load(Ordering::Relaxed)).then_some(1u64));
    let pipeline = PipelineBuilder::<u64, _>::new(backend.runtime().clone())
        .workers(workers)
        .sender(move |sources| sources.of(endless()).into_chunks(ROWS.items()))
        .for_each(move |event: Event<u64>| spin.on(event.take_data()));
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
                            (0..ROWS).for_each(|row| spin.on(row));
                            smol::future::yield_now().await;
                        }
                    };
                    AsyncTask::to::<()>().on(backend.runtime()).spawn(|| chunks).detach();
                }
                None
            }
        };
        let mut latencies = Vec::with_capacity(asked);
        for _ in 0..asked {
            backend.runtime().sleep(EVERY).await?;
            let asked = Instant::now();
            AsyncTask::to::<()>().on(backend.runtime()).spawn(|| async {}).await?;
            latencies.push(asked.elapsed().as_nanos() as f64);
        }
        stop.store(true, Ordering::Relaxed);
        if let Some(busy) = busy {
            busy.await?;
        }
        Ok(latencies)
    })?
}

/// The value below which this part of `sorted` lies.
fn quantile(sorted: &[f64], part: f64) -> f64 {
    let index = (sorted.len() as f64 * part) as usize;
    sorted.get(index.min(sorted.len().saturating_sub(1))).copied().unwrap_or(0.0)
}

/// Measures the row.
///
/// # Errors
///
/// A pipeline's.
pub fn measure<B: Backend>(backend: &B, size: &Size) -> Result<(), Failure> {
    let Size { rounds, workers, .. } = *size;
    let spin = Spin::of(ROW);
    println!(
        "\nResponsive {}: a small task beside rows of 10 us in chunks of {ROWS}, {workers} workers",
        B::NAME
    );
    for load in Load::ALL {
        // Without slices each takes long.
        let asked = if load == Load::Chunks { rounds } else { 100 * rounds };
        let mut sorted = latencies(backend, load, spin, asked, workers)?;
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
