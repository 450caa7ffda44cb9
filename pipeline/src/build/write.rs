//! A pipeline whose rows are written to a file.

use std::future::{Future, IntoFuture};
use std::marker::PhantomData;
use std::panic::Location;
use std::path::PathBuf;
use std::pin::Pin;

use crate::build::sender::PipelineSender;
use crate::build::upstream::Upstream;
use crate::outcome::final_event::FinalEvent;
use crate::output::rows::RowFormat;
use crate::run::handle::emitting_task::EmittingTask;
use crate::run::work::handlers::writing::Writing;
use crate::source::compression::codec::Compression;
#[cfg(feature = "csv")]
use crate::source::format::marker::Csv;
#[cfg(feature = "json")]
use crate::source::format::marker::JsonLines;
use crate::source::format::marker::Lines;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::runtime::RuntimeSource;

/// A pipeline whose rows are written to a file, in the format `W`. Await it for its summary.
///
/// **Whole or not at all.** The rows go to a temporary file beside the target. Once all of them are handled,
/// that file is synced to the disk and takes the target's place; a file that was there is replaced in that
/// moment, and keeps its permissions. If the pipeline fails, or is cancelled or killed, the temporary file is
/// removed, and an older file stays as it was. A process that is killed leaves the temporary file, whose name
/// begins with `.sweet-async-`.
///
/// **Order.** The rows are in source order under [`ordered`](crate::PipelineBuilder::ordered), under
/// [`sequence`](crate::PipelineBuilder::sequence), and with one worker and one source at a time. Otherwise they come
/// as their workers have made them; the rows of one chunk stay in their order.
///
/// **Errors.** A row that cannot be written is rejected, as one that a receiver refuses, and leaves nothing
/// in the file. An error of the file, such as a full disk, is an
/// [`AsyncTaskError::Io`](sweet_async_core::AsyncTaskError::Io) that names the file, and ends the pipeline
/// whatever the strategy. A directory that is not there, and something else than a file at the path, are
/// errors at the start.
///
/// **Refused** ([`InvalidConfig`](sweet_async_core::AsyncTaskError::InvalidConfig)): a
/// [queue](crate::Sources::of_queue) as a source, since its messages would be settled before the file is
/// there; [`ErrorStrategy::Retry`](crate::ErrorStrategy::Retry); an
/// [`event_timeout`](crate::PipelineBuilder::event_timeout), unless a stage is asynchronous.
///
/// Cost: each worker holds up to about 128 KiB of text, and the file as much. Blocks are written, and
/// compressed, by one worker at a time, on the blocking pool.
///
/// # Cancel safety
///
/// Dropping the awaited future kills the sender and the workers, as for
/// [`Pipeline::await_final_event`](crate::Pipeline::await_final_event). A write under way is waited for. A
/// kill, or a time limit, that comes while the file is put in its place may come too late: the file is there
/// then, whole.
#[must_use = "a pipeline does nothing until it is awaited"]
pub struct WriteFile<T, S, F, W> {
    from: PipelineSender<T, S, F>,
    path: PathBuf,
    compression: Compression,
    format: PhantomData<fn() -> W>,
}

clonable! { WriteFile<T, S, F, W> { from, path, compression, format } }

impl<T: Send + 'static, S: RuntimeSource, F: Upstream<T>> PipelineSender<T, S, F> {
    /// Writes each value as a line of the file at `path`, as its [`Display`](std::fmt::Display) shows it. A
    /// value with a line end within is rejected. See [`WriteFile`].
    pub fn write_lines(self, path: impl Into<PathBuf>) -> WriteFile<T, S, F, Lines>
    where
        Lines: RowFormat<T>,
    {
        self.write(path)
    }

    /// Writes each value as a line of JSON to the file at `path`. See [`WriteFile`].
    #[cfg(feature = "json")]
    pub fn write_json_lines(self, path: impl Into<PathBuf>) -> WriteFile<T, S, F, JsonLines>
    where
        JsonLines: RowFormat<T>,
    {
        self.write(path)
    }

    /// Writes each value as a row of CSV (RFC 4180, lines end with a line feed) to the file at `path`. The
    /// file begins with a header if the values are structs with named fields, or tuples of such; without
    /// any row it is empty. A value that has other columns than those before it is rejected, or is the
    /// file's error where another worker had those. See [`WriteFile`].
    ///
    /// ```
    /// # use sweet_async_core::{AsyncTaskError, Runtime};
    /// # use sweet_async_pipeline::{ChunkSizeExt as _, Delimiter, PipelineBuilder};
    /// # async fn convert<R: Runtime>(runtime: R) -> Result<u64, AsyncTaskError> {
    /// let summary = PipelineBuilder::<(String, u64), _>::new(runtime)
    ///     .ordered()
    ///     .sender(|sources| {
    ///         sources.of_file("cities.tsv.gz").with_delimiter(Delimiter::Tab).into_chunks(1000.rows());
    ///     })
    ///     .write_csv("cities.csv.zst")
    ///     .await?;
    /// # Ok(summary.handled())
    /// # }
    /// ```
    #[cfg(feature = "csv")]
    pub fn write_csv(self, path: impl Into<PathBuf>) -> WriteFile<T, S, F, Csv>
    where
        Csv: RowFormat<T>,
    {
        self.write(path)
    }

    fn write<W>(self, path: impl Into<PathBuf>) -> WriteFile<T, S, F, W> {
        WriteFile { from: self, path: path.into(), compression: Compression::default(), format: PhantomData }
    }
}

impl<T, S, F, W> WriteFile<T, S, F, W> {
    /// Sets the compression of the file. By default it goes by the file's name:
    /// [`Compression::ByExtension`]. gzip is written at level 6, and zstd, in frames of one megabyte of
    /// text, at about level 1: the compressor, ruzstd, has no higher one.
    pub fn with_compression(self, compression: Compression) -> Self {
        Self { compression, ..self }
    }
}

impl<T, S, F, W> WriteFile<T, S, F, W>
where
    T: Send + 'static,
    S: RuntimeSource,
    F: Upstream<T> + Send + 'static,
    W: RowFormat<T>,
{
    /// Starts the pipeline now, as a task of its own. The handle is a future of the summary.
    #[track_caller]
    pub fn spawn(self) -> EmittingTask<FinalEvent, S::Runtime> {
        let Self { from, path, compression, .. } = self;
        from.whole(Writing::<W>::new(path, compression)).spawn(|(event, _)| event)
    }
}

impl<T, S, F, W> IntoFuture for WriteFile<T, S, F, W>
where
    T: Send + 'static,
    S: RuntimeSource,
    F: Upstream<T> + Send + 'static,
    W: RowFormat<T>,
{
    type Output = Result<FinalEvent, AsyncTaskError>;
    // Boxed once for the whole pipeline: an async block has no name that could stand here.
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    #[track_caller]
    fn into_future(self) -> Self::IntoFuture {
        let spawn_site = Location::caller();
        Box::pin(async move {
            let Self { from, path, compression, .. } = self;
            from.whole(Writing::<W>::new(path, compression)).in_place(spawn_site).await.0
        })
    }
}
