//! Text sources: files, bytes and readers, as CSV, as lines or as JSON Lines.

use std::io::Read;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures_io::AsyncRead;

use crate::source::compression::codec::Compression;
use crate::source::format::csv_settings::CsvSettings;
use crate::source::format::marker::Undecided;
use crate::source::format::{DynFormat, FormatOf, OfRows, decoders};
use crate::source::input::{Blocking, Input};
use crate::source::plan::{Plan, TextPlan};
use crate::source::sources::Sources;
use crate::text::chunk::ChunkSize;
use crate::text::cut::limits::Limits;
use sweet_async_core::error::AsyncTaskError;

/// The greatest limit on the bytes of one record: offsets in a chunk are 32 bits.
const MOST: usize = 1 << 30;

/// Text to be read; `into_chunks` adds it to the pipeline.
///
/// It is CSV with a header, unless [`lines`](Self::lines) or `json_lines` names another format. An option of
/// CSV names CSV. A second format, or an option that the format does not have, is a compile error.
///
/// # CSV
///
/// The text is read as by the csv crate:
///
/// - A field may be in quotes. It may then hold delimiters and line ends, and a quote that is written twice.
///   A quote opens only at a field's start: elsewhere it is text, and so is the text after a closing quote
///   (`a"b` and `"a"b` are `a"b` and `ab`). NUL and other control characters are text.
/// - CR, LF or both end a row, mixed as they come, unless [`with_terminator`](Self::with_terminator) names
///   another end. Blank lines are no rows; they count as lines. The last row
///   needs no line end.
/// - A byte order mark at the start is passed over. UTF-16 is an error that says so.
/// - An empty source, or one with a header alone, has no rows.
/// - White space is part of a field, unless [`with_trim`](Self::with_trim) is set. The header's names are
///   taken as they stand. Of several columns with the same name, [`Row`](crate::Row) finds the first, and
///   a map keeps the last; a struct that has a field of this name refuses every row ("duplicate field").
/// - The text after a quote that is never closed makes no row: the row is rejected, with the line where the
///   quote opened, and the number of bytes and lines that it took. A quote that is closed by the quote of a
///   later row makes one row of everything between them, which is no error: [`strict`](Self::strict) and
///   [`with_max_record_lines`](Self::with_max_record_lines) refuse such rows, and with
///   [`resync`](Self::resync) only one line of them is lost.
/// - Lines are numbered by LF alone, as in most editors. In a file whose lines end in CR alone the rows are
///   right, and all are on line 1; their byte offsets tell them apart.
///
/// # Lines and JSON Lines
///
/// LF ends a line, and a CR right before it is part of the line end. A blank line is a row of lines, and no
/// row of JSON Lines. A CR elsewhere is text: a file whose lines end in CR alone is one line. The last line
/// needs no LF.
#[must_use = "a source is read only once `into_chunks` has added it"]
pub struct TextSource<'a, T, Format = Undecided> {
    sources: &'a mut Sources<T>,
    /// Read one after the other, each with a header of its own.
    inputs: Vec<Input>,
    name: Option<Arc<str>>,
    pub(crate) options: Options,
    format: PhantomData<Format>,
}

#[derive(Clone)]
pub(crate) struct Options {
    #[cfg_attr(not(feature = "csv"), allow(dead_code, reason = "only CSV has fields"))]
    pub(crate) csv: CsvSettings,
    limits: Limits,
    compression: Compression,
}

impl<T: Send + 'static> Sources<T> {
    /// Rows of a file: CSV with a header, unless the source says otherwise. The file is read on the blocking
    /// pool, and opened when its turn comes. A file that cannot be opened is noticed when the pipeline
    /// starts, before any source is read.
    ///
    /// Data that is appended to the file before its end is reached is read too. Its last row needs no line
    /// end: in a file that is still being written, the part of the last line that is there is a row, whole or
    /// not. So a file should be complete when it is read, or be renamed to its name once it is.
    ///
    /// A file that is cut shorter than it was when it was opened is an error ([`AsyncTaskError::Io`]), once
    /// its rows until then have been handed on. If a file is replaced by another, the one that was opened is
    /// read on.
    pub fn of_file(&mut self, path: impl Into<PathBuf>) -> TextSource<'_, T> {
        TextSource::new(self, vec![Input::Blocking(Blocking::File(path.into()), None)])
    }

    /// Rows of several files, one file after the other, each with a header of its own; otherwise as
    /// [`of_file`](Self::of_file). An empty list of files is refused ([`AsyncTaskError::InvalidConfig`]).
    ///
    /// The first file that cannot be read ends the whole pipeline, whatever its
    /// [`ErrorStrategy`](crate::ErrorStrategy), which is about rows. A missing file ends it before any row of
    /// the others is handled; a file that turns out to be corrupt or in UTF-16 ends it once its turn has
    /// come. To read on without such a file, skip it:
    /// [`on_source_error`](crate::PipelineBuilder::on_source_error).
    pub fn of_files<P: Into<PathBuf>>(&mut self, paths: impl IntoIterator<Item = P>) -> TextSource<'_, T> {
        let input = |path: P| Input::Blocking(Blocking::File(path.into()), None);
        TextSource::new(self, paths.into_iter().map(input).collect())
    }

    /// Rows of a reader, read on the blocking pool: CSV with a header, unless the source says otherwise. A
    /// read that was [`Interrupted`](std::io::ErrorKind::Interrupted) is tried again. Rows go out once they
    /// fill a chunk: a reader that gives rows only now and then needs small chunks.
    ///
    /// A read is blocking work of the pipeline's task. A read that stalls is not waited for at the limit of
    /// [`with_timeout`](crate::PipelineBuilder::with_timeout). It delays every other end of the pipeline
    /// until it returns, a kill and the error of a row among them. A hard kill reports that the read goes on
    /// ([`CancelOutcome::Abandoned`](sweet_async_core::CancelOutcome::Abandoned)). A reader that may stall
    /// for long needs a time limit of its own, or should be a polled one
    /// ([`of_async_reader`](Self::of_async_reader)). At a graceful cancellation the pipeline handles what has
    /// been read, and what the read under way still gives within the grace period.
    pub fn of_reader(&mut self, reader: impl Read + Send + 'static) -> TextSource<'_, T> {
        TextSource::new(self, vec![Input::Blocking(Blocking::Reader(Box::new(reader)), None)])
    }

    /// As [`of_reader`](Self::of_reader), for a reader that is polled: on the executor's threads, at most 64
    /// KiB at a time, so that other tasks can run in between. A chunk goes out earlier when the reader has no
    /// more for the moment, unless it is [published](crate::PipelineSender::publish). The reader is dropped
    /// when the pipeline ends.
    pub fn of_async_reader(&mut self, reader: impl AsyncRead + Send + 'static) -> TextSource<'_, T> {
        TextSource::new(self, vec![Input::Async(Box::pin(reader))])
    }

    /// Rows of bytes in memory: CSV with a header, unless the source says otherwise.
    pub fn of_bytes(&mut self, bytes: impl Into<Bytes>) -> TextSource<'_, T> {
        TextSource::new(self, vec![Input::Blocking(Blocking::Bytes(bytes.into()), None)])
    }
}

impl<'a, T: Send + 'static> TextSource<'a, T, Undecided> {
    fn new(sources: &'a mut Sources<T>, inputs: Vec<Input>) -> Self {
        let (csv, limits) = (CsvSettings::default(), Limits::default());
        let options = Options { csv, limits, compression: Compression::default() };
        Self { sources, inputs, name: None, options, format: PhantomData }
    }
}

impl<'a, T: Send + 'static, Format> TextSource<'a, T, Format> {
    /// Returns the same source, read in another format.
    pub(crate) fn in_format<Other>(self) -> TextSource<'a, T, Other> {
        let Self { sources, inputs, name, options, .. } = self;
        TextSource { sources, inputs, name, options, format: PhantomData }
    }

    /// Sets the most bytes that one record may have; 4 MiB by default. A longer record is rejected, and its
    /// bytes are passed over without being kept, so that no input can take the memory. Its error is reported
    /// when it has ended, with the bytes and lines that it took; under
    /// [`StopOnFirst`](crate::ErrorStrategy::StopOnFirst), and with [`resync`](Self::resync), as soon as the
    /// limit is passed. Zero, and more than 1 GiB, is refused ([`AsyncTaskError::InvalidConfig`]).
    pub fn with_max_record(mut self, bytes: usize) -> Self {
        self.options.limits.max_record = bytes;
        self
    }

    /// Sets the most bytes of a chunk [by rows](ChunkSize::Rows), 8 MiB by default. A chunk ends with the
    /// row that brings it to so many bytes, however few rows it has then, so that rows which are larger
    /// than expected do not take the memory. A chunk may exceed the bound by one row. A size in bytes is a
    /// bound of its own. Zero, and more than 1 GiB, is refused ([`AsyncTaskError::InvalidConfig`]).
    pub fn with_max_chunk(mut self, bytes: usize) -> Self {
        self.options.limits.max_chunk = bytes;
        self
    }

    /// Passes over the first `rows` rows, of each file of several, after the header where there is one.
    /// They are not parsed, make no events and are not counted, also where they are bad; the rows after
    /// them are numbered from 0. Lines and bytes are those of the whole text. No row is passed over by
    /// default.
    pub fn skip_rows(mut self, rows: u64) -> Self {
        self.options.limits.skip = rows;
        self
    }

    /// Reads at most `rows` rows, of each file of several; no limit by default. Rejected rows count. The
    /// source ends with the last of them as with its own end: the rows after it are not read, except for the
    /// rest of the block of bytes that the row was in. So the bytes that were read are then fewer than the
    /// total. Zero is refused ([`AsyncTaskError::InvalidConfig`]).
    pub fn max_rows(mut self, rows: u64) -> Self {
        self.options.limits.max_rows = rows;
        self
    }

    /// Names the source, in errors and in [`FinalEvent::sources`](crate::FinalEvent::sources). Without this a
    /// file is named by its path.
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets how the bytes are compressed; by default a file's name decides. A polled reader
    /// ([`of_async_reader`](Sources::of_async_reader)) cannot be decompressed, and is refused
    /// ([`AsyncTaskError::InvalidConfig`]).
    pub fn with_compression(mut self, compression: Compression) -> Self {
        self.options.compression = compression;
        self
    }

    /// Adds the text, in the format that `format` returns.
    pub(crate) fn add<F: FormatOf<T>>(
        self,
        size: ChunkSize,
        format: impl FnOnce(Options) -> Result<F, AsyncTaskError>,
    ) {
        let Self { sources, inputs, name, options, .. } = self;
        let format = format(options.clone())
            .map(|format| Arc::new(OfRows { format, decoders: decoders::<F, T> }) as Arc<dyn DynFormat>);
        sources.plans.add(size, plans(inputs, name.as_ref(), &options, size, format));
    }
}

fn plans(
    inputs: Vec<Input>,
    name: Option<&Arc<str>>,
    options: &Options,
    size: ChunkSize,
    format: Result<Arc<dyn DynFormat>, AsyncTaskError>,
) -> Result<Vec<Plan>, AsyncTaskError> {
    let Options { limits, compression, .. } = *options;
    if !(1..=MOST).contains(&limits.max_record) {
        let range = format!("from 1 to {MOST} bytes");
        return Err(AsyncTaskError::out_of_range("`with_max_record`", limits.max_record, &range));
    }
    if !(1..=MOST).contains(&limits.max_chunk) {
        let range = format!("from 1 to {MOST} bytes");
        return Err(AsyncTaskError::out_of_range("`with_max_chunk`", limits.max_chunk, &range));
    }
    if limits.max_rows == 0 {
        return Err(AsyncTaskError::out_of_range("`max_rows`", 0, "at least 1"));
    }
    if inputs.is_empty() {
        return Err(AsyncTaskError::config("of_files was given no file"));
    }
    let format = format?;
    let plan = |input: Input| {
        let name = name.cloned().unwrap_or_else(|| input.name().into());
        Ok(Plan::Text(TextPlan {
            name,
            length: input.length(),
            input: input.compressed(compression)?,
            format: format.clone(),
            size,
            limits,
        }))
    };
    inputs.into_iter().map(plan).collect()
}
