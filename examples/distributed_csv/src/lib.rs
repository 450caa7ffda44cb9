//! The pipelines of a CSV load: in one process, and over several.

pub mod engine;
pub mod workers;

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use examples::orders::Order;
use serde::{Deserialize, Serialize};
use sweet_async::pipeline::Queue;
use sweet_async::prelude::*;

/// A job: its name, and the lease of its chunks.
#[derive(Clone, Debug)]
pub struct Job {
    /// The name.
    pub name: String,
    /// The time after which another process gets the chunks of one that has died.
    pub lease: Duration,
}

/// A checked order, as it goes from a worker to whoever gathers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    id: u64,
    amount: f64,
}

/// The records of a load in one process, by key, and the number of rows that were rejected.
#[derive(Debug)]
pub struct Loaded {
    /// The records.
    pub records: HashMap<u64, Record>,
    /// The rows that were rejected.
    pub rejected: u64,
}

/// The records that were gathered, and the number of results, one for each chunk.
#[derive(Debug)]
pub struct Gathered {
    /// The records.
    pub records: HashMap<u64, Record>,
    /// The results.
    pub chunks: u64,
}

fn checked(order: Order) -> Result<Record, &'static str> {
    if order.amount < 0.0 {
        Err("the amount is negative")
    } else {
        Ok(Record { id: order.id, amount: order.amount })
    }
}

/// Loads the file in this process.
///
/// # Errors
///
/// The file cannot be read.
pub async fn load(file: &Path, chunk_rows: usize) -> anyhow::Result<Loaded> {
    let file = file.to_owned();
    Ok(AsyncTask::emits::<Order>()
        .on_error(ErrorStrategy::ContinueOnError)
        .sender(move |sources| sources.of_file(file).into_chunks(chunk_rows.rows()))
        .try_map(checked)
        .receiver(|event, collector| {
            let record = event.take_data();
            collector.collect(record.id, record);
        })
        .await_final_event(|event, collector| {
            event.map(|summary| Loaded {
                records: collector.collected().into_hash_map(),
                rejected: summary.rejected(),
            })
        })
        .await?)
}

/// Publishes the chunks of the file.
///
/// # Errors
///
/// The file cannot be read; the engine fails.
pub async fn publish(
    queue: &impl Queue,
    job: &Job,
    file: &Path,
    chunk_rows: usize,
) -> anyhow::Result<FinalEvent> {
    let file = file.to_owned();
    Ok(AsyncTask::emits::<Order>()
        .on_error(ErrorStrategy::ContinueOnError)
        .sender(move |sources| sources.of_file(file).into_chunks(chunk_rows.rows()))
        .publish(queue, job.name.as_str())
        .await?)
}

/// Handles chunks until the job is over: parses and checks rows, and publishes the records, in one message for each
/// chunk.
///
/// # Errors
///
/// An engine fails.
pub async fn work(chunks: &impl Queue, results: &impl Queue, job: &Job) -> anyhow::Result<FinalEvent> {
    let (chunks, Job { name, lease }) = (chunks.clone(), job.clone());
    Ok(AsyncTask::emits::<Order>()
        .on_error(ErrorStrategy::ContinueOnError)
        .sender(move |sources| sources.of_queue(&chunks).job(name).with_lease(lease).csv())
        .try_map(checked)
        .publish_items(results, job.name.as_str())
        .await?)
}

/// Gathers the records until the results are over.
///
/// # Errors
///
/// The engine fails.
pub async fn gather(results: &impl Queue, job: &Job) -> anyhow::Result<Gathered> {
    let (queue, Job { name, lease }) = (results.clone(), job.clone());
    let records = AsyncTask::emits::<Record>()
        .sender(move |sources| sources.of_queue(&queue).job(name).with_lease(lease).json_lines())
        .receiver(|event, collector| {
            let record = event.take_data();
            collector.collect(record.id, record);
        })
        .await_final_event(|event, collector| event.map(|_| collector.collected().into_hash_map()))
        .await?;
    let depth = results.depth().await.map_err(|error| anyhow::Error::from_boxed(error.into()))?;
    Ok(Gathered { records, chunks: depth.done })
}
