//! P8: CSV whose rows are all kept in a map by key, against csv + serde + `HashMap` in one thread and
//! `DashMap` in two threads.

use std::collections::HashMap;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use dashmap::DashMap;
use foldhash::fast::RandomState;
use sweet_async::pipeline::{ChunkSizeExt as _, Collection, Collector, Event, PipelineBuilder};

use crate::backend::Backend;
use crate::data::{Csv, Record};
use crate::measure::{Row, check};
use crate::{Failure, Size};

/// Collects the rows with a pipeline. The time ends when `finish` has returned. The result is checked after
/// that, and is freed only by the end of the process.
async fn collect<B: Backend, O>(
    backend: &B,
    csv: &Csv,
    size: &Size,
    finish: impl FnOnce(Collection<u64, Record>) -> O,
    quantity: impl FnOnce(&O) -> u64,
) -> Result<Duration, Failure> {
    let start = Instant::now();
    let (path, chunk_kib) = (csv.path().to_owned(), size.chunk_kib);
    let all = PipelineBuilder::<Record, _>::new(backend.runtime().clone())
        .workers(size.workers)
        .sender(move |sources| sources.of_file(path).into_chunks(chunk_kib.kib()))
        .receiver(|event: Event<Record>, collector: Collector<u64, Record>| {
            let record = event.take_data();
            collector.collect(record.id, record);
        })
        .await_final_event(|summary, collection| summary.map(|_| finish(collection)))
        .await?;
    let took = start.elapsed();
    check(&quantity(&all), &csv.quantity)?;
    std::mem::forget(all);
    Ok(took)
}

fn serial(csv: &Csv) -> Result<Duration, Failure> {
    let start = Instant::now();
    let mut all = HashMap::new();
    for record in csv.reader()?.deserialize::<Record>() {
        let record = record?;
        all.insert(record.id, record);
    }
    let took = start.elapsed();
    check(&Csv::quantity_of(all.values()), &csv.quantity)?;
    std::mem::forget(all);
    Ok(took)
}

/// The peer with two threads: each reads half of the file into one map, which has the faster hasher.
fn dashmap(csv: &Csv) -> Result<Duration, Failure> {
    let start = Instant::now();
    let all = DashMap::with_hasher(RandomState::default());
    let insert = |second| -> Result<(), Failure> {
        for record in csv.half(second)?.deserialize::<Record>() {
            let record = record?;
            all.insert(record.id, record);
        }
        Ok(())
    };
    thread::scope(|scope| {
        let other = scope.spawn(|| insert(true));
        insert(false)?;
        other.join().map_err(|_| "a thread has panicked")?
    })?;
    let took = start.elapsed();
    check(&all.iter().map(|entry| u64::from(entry.quantity)).sum(), &csv.quantity)?;
    std::mem::forget(all);
    Ok(took)
}

const SERIAL: &str = "serial csv + serde + HashMap";
const DASHMAP: &str = "two threads + DashMap (foldhash)";
const COLLECTED: &str = "collected()";
const HASH_MAP: &str = "into_hash_map()";

/// Runs one side once, in a process that does nothing else.
///
/// # Errors
///
/// The error of the side, or that there is no side of this name.
pub fn once<B: Backend>(backend: &B, side: &str, csv: &Csv, size: &Size) -> Result<Duration, Failure> {
    match side {
        SERIAL => serial(csv),
        DASHMAP => dashmap(csv),
        COLLECTED => backend.block_on(collect(backend, csv, size, Collection::collected, |map| {
            Csv::quantity_of(map.values())
        }))?,
        HASH_MAP => {
            let finish = |collection: Collection<_, _>| collection.collected().into_hash_map();
            backend.block_on(collect(backend, csv, size, finish, |map| Csv::quantity_of(map.values())))?
        }
        _ => Err("no such side".into()),
    }
}

/// Measures the row. Each side runs in a new process each time: the gigabytes that one side has freed would
/// speed up the next, or slow it down.
///
/// # Errors
///
/// The error of a side.
pub fn measure<B: Backend>(_: &B, csv: &Csv, size: &Size) -> Result<(), Failure> {
    let title = format!(
        "P8 {}: {} rows, {} MB, into a map, {} workers, chunks of {} KiB",
        B::NAME,
        csv.rows,
        csv.bytes / 1_000_000,
        size.workers,
        size.chunk_kib
    );
    let mut row = Row::new(title, size.rounds);
    for side in [SERIAL, DASHMAP, COLLECTED, HASH_MAP] {
        row.side(side, 1.0, move || {
            let output = Command::new(std::env::current_exe()?)
                .args(["--once", side, "--input", &csv.describe(), "--backend", B::NAME])
                .args(["--chunk-kib", &size.chunk_kib.to_string(), "--workers", &size.workers.to_string()])
                .stderr(Stdio::inherit())
                .output()?;
            let nanos = String::from_utf8(output.stdout)?.trim().parse()?;
            Ok(Duration::from_nanos(nanos))
        });
    }
    row.ratio(COLLECTED, SERIAL, Some(0.42)).ratio(COLLECTED, DASHMAP, Some(0.60));
    row.ratio(HASH_MAP, SERIAL, Some(0.55)).ratio(HASH_MAP, DASHMAP, None);
    row.ratio(DASHMAP, SERIAL, None).measure()
}
