//! Convert: CSV to JSON Lines with a filter and a renamed column, in source order, against the same by hand on two
//! threads: one that reads and one that writes. Plain files, and gzip to zstd.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use serde::{Deserialize, Serialize};
use sweet_async::pipeline::{ChunkSizeExt as _, PipelineBuilder};
use tempfile::TempDir;

use crate::backend::Backend;
use crate::data::Csv;
use crate::measure::{Row, check, timed};
use crate::{Failure, Size};

/// A row of the file, and of what is written.
#[derive(Deserialize, Serialize)]
struct Order {
    id: u64,
    name: String,
    city: String,
    amount: f64,
    quantity: u32,
    #[serde(rename(serialize = "remark"))]
    note: String,
}

impl Order {
    /// Nine tenths of all rows.
    fn is_kept(&self) -> bool {
        self.quantity >= 100
    }
}

/// The orders that go from one thread to the other at a time.
const BATCH: usize = 1_000;
/// The batches on their way: as bounded as the pipeline.
const BATCHES: usize = 8;
/// The bytes of a write, and of a zstd frame. A frame of the pipeline has as many.
const BLOCK: usize = 1 << 20;

/// Converts with a pipeline. The names of the files say how they are compressed. Returns the number of rows.
async fn pipeline<B: Backend>(backend: &B, files: &Files, size: &Size) -> Result<u64, Failure> {
    let (from, chunk_kib) = (files.from.clone(), size.chunk_kib);
    let summary = PipelineBuilder::<Order, _>::new(backend.runtime().clone())
        .workers(size.workers)
        .ordered()
        .sender(move |sources| sources.of_file(from).into_chunks(chunk_kib.kib()))
        .filter(Order::is_kept)
        .write_json_lines(&files.by_pipeline)
        .await?;
    Ok(summary.handled())
}

/// Converts with two threads, and returns the number of rows.
fn by_hand(files: &Files) -> Result<u64, Failure> {
    let file = File::open(&files.from)?;
    let text: Box<dyn Read> = if files.packed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
    thread::scope(|scope| {
        let (send, receive) = sync_channel(BATCHES);
        let writer = scope.spawn(move || write(&receive, &files.by_hand, files.packed));
        let (mut rows, mut batch) = (0, Vec::with_capacity(BATCH));
        let mut reader = csv::ReaderBuilder::new().buffer_capacity(BLOCK).from_reader(text);
        for order in reader.deserialize::<Order>() {
            let order = order?;
            rows += 1;
            if order.is_kept() {
                batch.push(order);
                if batch.len() == BATCH {
                    send.send(std::mem::replace(&mut batch, Vec::with_capacity(BATCH)))?;
                }
            }
        }
        send.send(batch)?;
        drop(send);
        writer.join().map_err(|_| "a thread has panicked")??;
        Ok(rows)
    })
}

/// Writes all orders, and syncs the file as the pipeline does.
fn write(orders: &Receiver<Vec<Order>>, to: &Path, packed: bool) -> Result<(), Failure> {
    let mut file = File::create(to)?;
    let mut text = Vec::with_capacity(2 * BLOCK);
    let mut flush = |text: &mut Vec<u8>| {
        let written = match packed {
            true => file.write_all(&compress_to_vec(text.as_slice(), CompressionLevel::Fastest)),
            false => file.write_all(text),
        };
        text.clear();
        written
    };
    for batch in orders {
        for order in &batch {
            serde_json::to_writer(&mut text, order)?;
            text.push(b'\n');
        }
        if text.len() >= BLOCK {
            flush(&mut text)?;
        }
    }
    flush(&mut text)?;
    Ok(file.sync_all()?)
}

/// The file to convert, and those that are written.
struct Files {
    from: PathBuf,
    packed: bool,
    by_pipeline: PathBuf,
    by_hand: PathBuf,
}

impl Files {
    fn plain(csv: &Csv, folder: &Path) -> Self {
        let file = |name| folder.join(name);
        let (by_pipeline, by_hand) = (file("pipeline.jsonl"), file("hand.jsonl"));
        Self { from: csv.path().to_owned(), packed: false, by_pipeline, by_hand }
    }

    fn packed(csv: &Csv, folder: &Path) -> Result<Self, Failure> {
        let file = |name| folder.join(name);
        let (by_pipeline, by_hand) = (file("pipeline.jsonl.zst"), file("hand.jsonl.zst"));
        let from = file("orders.csv.gz");
        let mut encoder = GzEncoder::new(File::create(&from)?, flate2::Compression::default());
        io::copy(&mut File::open(csv.path())?, &mut encoder)?;
        encoder.finish()?.sync_all()?;
        Ok(Self { from, packed: true, by_pipeline, by_hand })
    }
}

/// Measures the rows.
///
/// # Errors
///
/// The error of a side, or different results of both.
pub fn measure<B: Backend>(backend: &B, csv: &Csv, size: &Size) -> Result<(), Failure> {
    const HAND: &str = "by hand, two threads";
    let folder = TempDir::new()?;
    for files in [Files::plain(csv, folder.path()), Files::packed(csv, folder.path())?] {
        let title = format!(
            "Convert {}: {} rows, {} MB of {} to JSON Lines{}, {} workers, chunks of {} KiB",
            B::NAME,
            csv.rows,
            csv.bytes / 1_000_000,
            if files.packed { "CSV in gzip" } else { "CSV" },
            if files.packed { " in zstd" } else { "" },
            size.workers,
            size.chunk_kib
        );
        Row::new(title, size.rounds)
            .side(HAND, 1.0, || timed(|| check(&by_hand(&files)?, &csv.rows)))
            .side("pipeline", 1.0, || {
                timed(|| check(&backend.block_on(pipeline(backend, &files, size))??, &csv.rows))
            })
            .ratio("pipeline", HAND, Some(1.11))
            .measure()?;
        if !files.packed {
            let same = std::fs::read(&files.by_hand)? == std::fs::read(&files.by_pipeline)?;
            check(&same, &true)?;
        }
    }
    Ok(())
}
