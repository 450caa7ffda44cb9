//! Rejected rows that are written: `RejectedRow`, and the file or function that takes them.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::outcome::row_error::RowError;
use crate::output::encoder::Encoder;
use crate::output::target::Target;
use crate::source::compression::codec::{Codec, Compression};
use sweet_async_core::Position;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::caught;
use sweet_async_core::task::IntoResult;

/// The destination of rejected rows: see [`rejects_to`](crate::PipelineBuilder::rejects_to). A path is one
/// too: a file whose name ends in `.jsonl`, `.ndjson` or `.json` is JSON Lines, any other is CSV. With a
/// further `.gz` or `.zst`, the file is compressed.
#[derive(Clone)]
pub struct Rejects(Destination);

#[derive(Clone)]
enum Destination {
    File(Arc<Path>, Format),
    Sink(Sink),
}

type Sink = Arc<dyn Fn(&RejectedRow) -> Result<(), AsyncTaskError> + Send + Sync>;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Format {
    Csv,
    JsonLines,
}

impl Rejects {
    /// A CSV file with the columns `source`, `line`, `byte`, `sequence`, `rows`, `reason` and `text`. Line
    /// and byte are empty where the source has none. The text is the row's own, byte for byte, also where
    /// it is not UTF-8.
    pub fn csv(path: impl Into<PathBuf>) -> Self {
        Self(Destination::File(path.into().into(), Format::Csv))
    }

    /// A file of JSON Lines with the same names. Line, byte and text are `null` where there are none.
    /// Bytes of the text that are not UTF-8 are replaced by U+FFFD.
    pub fn json_lines(path: impl Into<PathBuf>) -> Self {
        Self(Destination::File(path.into().into(), Format::JsonLines))
    }

    /// A function that is called with each rejected row, one at a time, on the blocking pool. It may return a
    /// `Result`; an error or a panic ends the pipeline.
    pub fn sink<F, O, K>(sink: F) -> Self
    where
        F: Fn(&RejectedRow) -> O + Send + Sync + 'static,
        O: IntoResult<(), K>,
    {
        Self(Destination::Sink(Arc::new(move |row| sink(row).into_result())))
    }

    /// Returns the compression of the file, if there is one.
    ///
    /// # Errors
    ///
    /// The file is to be compressed, and the feature `compression` is not enabled.
    pub(crate) fn codec(&self) -> Result<Option<Codec>, AsyncTaskError> {
        let Destination::File(path, _) = &self.0 else { return Ok(None) };
        Compression::ByExtension.codec(Some(path)).map_err(|_| {
            let path = path.display();
            AsyncTaskError::config(format!(
                "`rejects_to` {path} compresses: enable the feature `compression`"
            ))
        })
    }

    fn of_path(path: PathBuf) -> Self {
        let ends = |path: &Path, ends: &[&str]| {
            path.extension().is_some_and(|is| ends.iter().any(|end| is.eq_ignore_ascii_case(end)))
        };
        let plain = if ends(&path, &["gz", "zst"]) { path.with_extension("") } else { path.clone() };
        match ends(&plain, &["jsonl", "ndjson", "json"]) {
            true => Self::json_lines(path),
            false => Self::csv(path),
        }
    }
}

impl From<PathBuf> for Rejects {
    fn from(path: PathBuf) -> Self {
        Self::of_path(path)
    }
}

impl From<&Path> for Rejects {
    fn from(path: &Path) -> Self {
        Self::of_path(path.into())
    }
}

impl From<String> for Rejects {
    fn from(path: String) -> Self {
        Self::of_path(path.into())
    }
}

impl From<&str> for Rejects {
    fn from(path: &str) -> Self {
        Self::of_path(path.into())
    }
}

impl fmt::Debug for Rejects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Destination::File(path, format) => f.debug_tuple("Rejects").field(path).field(format).finish(),
            Destination::Sink(_) => f.debug_tuple("Rejects").finish_non_exhaustive(),
        }
    }
}

/// A rejected row, or several of one batch that were rejected with one error.
#[derive(Clone, Debug)]
pub struct RejectedRow {
    source: Arc<str>,
    position: Position,
    sequence: u64,
    rows: u64,
    reason: String,
    text: Option<Box<[u8]>>,
}

impl RejectedRow {
    pub(crate) fn new(error: &RowError, rows: u64, text: Option<&[u8]>) -> Self {
        Self {
            source: error.origin.clone(),
            position: error.position(),
            sequence: error.sequence(),
            rows,
            reason: error.reason(),
            text: text.map(Into::into),
        }
    }

    /// Its size in memory, in bytes.
    pub(crate) fn size(&self) -> usize {
        size_of::<Self>() + self.reason.len() + self.text.as_ref().map_or(0, |text| text.len())
    }

    /// The source's name.
    pub fn source_name(&self) -> &str {
        &self.source
    }

    /// The row's position in its source.
    pub fn position(&self) -> Position {
        self.position
    }

    /// The row's position in source order.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The number of rows that were rejected with this error: 1, unless they were refused as a batch. The
    /// position is then that of the first.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The reason, without the position.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The row's whole text, without its line end. `None` for items that come from no text, for rows that
    /// were refused as a batch or for a key that was there already, and for a row that could not be cut.
    pub fn text(&self) -> Option<&[u8]> {
        self.text.as_deref()
    }

    fn write_csv(&self, into: &mut Vec<u8>) {
        let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
        csv_field(into, self.source.as_bytes());
        let (line, byte) = (number(self.position.line()), number(self.position.byte()));
        into.extend_from_slice(format!(",{line},{byte},{},{},", self.sequence, self.rows).as_bytes());
        csv_field(into, self.reason.as_bytes());
        into.push(b',');
        csv_field(into, self.text().unwrap_or_default());
        into.push(b'\n');
    }

    fn write_json(&self, into: &mut Vec<u8>) {
        let number = |number: Option<u64>| number.map_or("null".to_owned(), |number| number.to_string());
        into.extend_from_slice(b"{\"source\":");
        json_text(into, &self.source);
        let (line, byte) = (number(self.position.line()), number(self.position.byte()));
        let numbers = format!(
            ",\"line\":{line},\"byte\":{byte},\"sequence\":{},\"rows\":{},\"reason\":",
            self.sequence, self.rows
        );
        into.extend_from_slice(numbers.as_bytes());
        json_text(into, &self.reason);
        into.extend_from_slice(b",\"text\":");
        match self.text() {
            Some(text) => json_text(into, &String::from_utf8_lossy(text)),
            None => into.extend_from_slice(b"null"),
        }
        into.extend_from_slice(b"}\n");
    }
}

/// Adds a field, in quotes where it needs them.
fn csv_field(into: &mut Vec<u8>, field: &[u8]) {
    if !field.iter().any(|byte| matches!(byte, b'"' | b',' | b'\r' | b'\n')) {
        into.extend_from_slice(field);
        return;
    }
    into.push(b'"');
    for byte in field {
        if *byte == b'"' {
            into.push(b'"');
        }
        into.push(*byte);
    }
    into.push(b'"');
}

/// Adds a JSON string.
fn json_text(into: &mut Vec<u8>, text: &str) {
    into.push(b'"');
    for char in text.chars() {
        match char {
            '"' | '\\' => into.extend_from_slice(&[b'\\', char as u8]),
            '\u{0}'..='\u{1f}' => into.extend_from_slice(format!("\\u{:04x}", u32::from(char)).as_bytes()),
            _ => into.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    into.push(b'"');
}

/// The open destination of rejected rows. All of it blocks the thread. Dropped before its
/// [`finish`](Self::finish), it leaves no file.
pub(crate) enum RejectWriter {
    File { path: Arc<Path>, format: Format, encoder: Encoder },
    Sink(Sink),
}

impl RejectWriter {
    /// Opens the destination.
    ///
    /// # Errors
    ///
    /// The file cannot be made.
    pub(crate) fn open(rejects: Rejects) -> Result<Self, AsyncTaskError> {
        let codec = rejects.codec()?;
        match rejects.0 {
            Destination::Sink(sink) => Ok(Self::Sink(sink)),
            Destination::File(path, format) => {
                let target = Target::create(&path).map_err(|error| failed(&path, error))?;
                let mut encoder = Encoder::new(target, codec);
                if let Format::Csv = format {
                    let header = encoder.write_all(b"source,line,byte,sequence,rows,reason,text\n");
                    header.map_err(|error| failed(&path, error))?;
                }
                Ok(Self::File { path, format, encoder })
            }
        }
    }

    /// Writes these rows.
    ///
    /// # Errors
    ///
    /// The file's, or that of the function, or its panic.
    pub(crate) fn write(&mut self, rows: &[RejectedRow]) -> Result<(), AsyncTaskError> {
        match self {
            Self::Sink(sink) => {
                rows.iter().try_for_each(|row| caught(|| sink(row)).and_then(|result| result))
            }
            Self::File { path, format, encoder } => {
                let mut text = Vec::new();
                for row in rows {
                    match format {
                        Format::Csv => row.write_csv(&mut text),
                        Format::JsonLines => row.write_json(&mut text),
                    }
                }
                encoder.write_all(&text).map_err(|error| failed(path, error))
            }
        }
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    ///
    /// The file's.
    pub(crate) fn finish(self) -> Result<(), AsyncTaskError> {
        match self {
            Self::Sink(_) => Ok(()),
            Self::File { path, encoder, .. } => encoder.commit(|| true).map_err(|error| failed(&path, error)),
        }
    }
}

fn failed(path: &Path, error: io::Error) -> AsyncTaskError {
    AsyncTaskError::Io { context: format!("writing rejected rows to {}", path.display()).into(), error }
}
