//! Rows, and pipelines that return what they read.

use std::sync::Arc;

use crate::library::pipeline::{ChunkSize, ChunkSizeExt as _, ErrorStrategy, FinalEvent, Sources};
use crate::library::{AsyncTask, AsyncTaskError, Runtime};
use serde::Deserialize;

/// A row as its fields.
pub(crate) type Raw = Vec<String>;

/// A typed row.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub(crate) struct Person {
    pub(crate) id: u64,
    pub(crate) name: String,
}

/// The settings that must not change the results of a pipeline.
#[derive(Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) chunk: ChunkSize,
    pub(crate) workers: usize,
}

pub(crate) fn sample() -> Sample {
    Sample { chunk: 2.rows(), workers: 2 }
}

/// A sender without its own type: a pipeline behind it is compiled once for all senders.
pub(crate) type Sender<T> = Box<dyn FnOnce(&mut Sources<T>) + Send>;

/// Returns all rows with their sequences in source order, and the summary, under `ContinueOnError`.
pub(crate) async fn collect_rows<T, R, F>(
    runtime: &R,
    workers: usize,
    sender: F,
) -> Result<(Vec<(u64, T)>, FinalEvent), AsyncTaskError>
where
    T: Send + 'static,
    R: Runtime,
    F: FnOnce(&mut Sources<T>) + Send + 'static,
{
    collect_rows_of(runtime, workers, Box::new(sender)).await
}

async fn collect_rows_of<T: Send + 'static, R: Runtime>(
    runtime: &R,
    workers: usize,
    sender: Sender<T>,
) -> Result<(Vec<(u64, T)>, FinalEvent), AsyncTaskError> {
    let (mut rows, summary) = AsyncTask::emits::<T>()
        .on(runtime)
        .workers(workers)
        .on_error(ErrorStrategy::ContinueOnError)
        .sender(sender)
        .fold(
            Vec::new,
            |rows, event| rows.push((event.sequence(), event.take_data())),
            |mut left, right| {
                left.extend(right);
                left
            },
        )
        .await?;
    rows.sort_by_key(|(sequence, _)| *sequence);
    Ok((rows, summary))
}

/// Returns the fields of all rows of some CSV without a header, and the summary.
pub(crate) async fn rows<R: Runtime>(
    runtime: &R,
    settings: Sample,
    text: impl Into<Vec<u8>>,
) -> Result<(Vec<Raw>, FinalEvent), AsyncTaskError> {
    let text = text.into();
    let (rows, summary) = collect_rows(runtime, settings.workers, move |sources| {
        sources.of_bytes(text).with_headers(false).flexible().into_chunks(settings.chunk);
    })
    .await?;
    Ok((rows.into_iter().map(|(_, row)| row).collect(), summary))
}

/// Returns a counter that a receiver adds to.
pub(crate) fn count() -> Arc<std::sync::atomic::AtomicU64> {
    Arc::default()
}
