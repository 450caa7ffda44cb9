//! P6: keyed inserts from several workers through the collector, against `DashMap` with the faster hasher,
//! drained into a map.

use std::collections::HashMap;
use std::thread;
use std::time::{Duration, Instant};

use dashmap::DashMap;
use foldhash::fast::RandomState;
use sweet_async::pipeline::{ChunkSizeExt as _, Collected, Collection, Collector, Event, PipelineBuilder};

use crate::backend::Backend;
use crate::measure::{Row, check};
use crate::{Failure, Size};

/// Items in a chunk.
const CHUNK: usize = 1024;

/// The key of the nth insert. The multiplier is odd, so that all keys are distinct, and in no order.
fn key(n: u64) -> u64 {
    n.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// Inserts `items` values through a pipeline's collector. The time ends when `finish` has returned.
///
/// # Errors
///
/// The error of the pipeline, or a wrong result.
pub async fn collect<B: Backend, O>(
    backend: &B,
    items: u64,
    workers: usize,
    finish: impl FnOnce(Collection<u64, u64>) -> O,
    len: impl FnOnce(&O) -> usize,
) -> Result<Duration, Failure> {
    let start = Instant::now();
    let all = PipelineBuilder::<u64, _>::new(backend.runtime().clone())
        .workers(workers)
        .sender(move |sources| sources.of(0..items).into_chunks(CHUNK.items()))
        .receiver(|event: Event<u64>, collector: Collector<u64, u64>| {
            let n = event.take_data();
            collector.collect(key(n), n);
        })
        .await_final_event(|summary, collection| summary.map(|_| finish(collection)))
        .await?;
    let took = start.elapsed();
    check(&len(&all), &(items as usize))?;
    Ok(took)
}

/// The peer: threads that insert into one map, which is then drained into another.
fn dashmap(items: u64, workers: usize) -> Result<Duration, Failure> {
    let start = Instant::now();
    let shared = DashMap::with_hasher(RandomState::default());
    let (shared_map, step) = (&shared, items.div_ceil(workers as u64).max(1));
    thread::scope(|scope| {
        for from in (0..items).step_by(step as usize) {
            scope.spawn(move || {
                for n in from..items.min(from + step) {
                    shared_map.insert(key(n), n);
                }
            });
        }
    });
    let mut all = HashMap::with_capacity(shared.len());
    all.extend(shared);
    let took = start.elapsed();
    check(&all.len(), &(items as usize))?;
    Ok(took)
}

const DASHMAP: &str = "DashMap (foldhash), drained";

/// Measures the row.
///
/// # Errors
///
/// The error of a side.
pub fn measure<B: Backend>(backend: &B, size: &Size) -> Result<(), Failure> {
    let Size { rounds, inserts, workers, .. } = *size;
    let count = inserts as f64;
    Row::new(format!("P6 {}: {inserts} keyed inserts, {workers} workers", B::NAME), rounds)
        .side(DASHMAP, count, || dashmap(inserts, workers))
        .side("collected()", count, || {
            backend.block_on(collect(backend, inserts, workers, Collection::collected, Collected::len))?
        })
        .side("into_hash_map()", count, || {
            let finish = |collection: Collection<_, _>| collection.collected().into_hash_map();
            backend.block_on(collect(backend, inserts, workers, finish, HashMap::len))?
        })
        .ratio("collected()", DASHMAP, Some(0.25))
        .ratio("into_hash_map()", DASHMAP, Some(0.45))
        .measure()
}
