//! Rows, and pipelines that say what they read.

use std::sync::Arc;

use serde::Deserialize;
use sweet_async::pipeline::{ChunkSize, ChunkSizeExt as _, ErrorStrategy, FinalEvent, Sources};
use sweet_async::{AsyncTask, AsyncTaskError, Runtime};

/// A row as its fields.
pub(crate) type Raw = Vec<String>;

/// A typed row.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub(crate) struct Person {
    pub(crate) id: u64,
    pub(crate) name: String,
}

/// How a pipeline is run: what must not change its results.
#[derive(Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) chunk: ChunkSize,
    pub(crate) workers: usize,
}

pub(crate) fn sample() -> Sample {
    Sample { chunk: 2.rows(), workers: 2 }
}

/// All rows with their sequences, in source order, and the summary, under `ContinueOnError`.
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

/// The fields of all rows of some CSV without a header, and the summary.
pub(crate) async fn rows<R: Runtime>(
    runtime: &R,
    how: Sample,
    text: impl Into<Vec<u8>>,
) -> Result<(Vec<Raw>, FinalEvent), AsyncTaskError> {
    let text = text.into();
    let (rows, summary) = collect_rows(runtime, how.workers, move |sources| {
        sources.of_bytes(text).with_headers(false).flexible().into_chunks(how.chunk);
    })
    .await?;
    Ok((rows.into_iter().map(|(_, row)| row).collect(), summary))
}

/// A counter that a receiver adds to.
pub(crate) fn count() -> Arc<std::sync::atomic::AtomicU64> {
    Arc::default()
}
