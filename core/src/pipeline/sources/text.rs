//! Text: files and bytes, as CSV or as lines.

use std::error::Error;
use std::fs::File;
use std::io::{self, Read};
use std::marker::PhantomData;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use bytes::{Buf, Bytes};

use super::{Plan, Sources};
use crate::error::AsyncTaskError;
use crate::pipeline::ChunkSize;
use crate::pipeline::rows::{BadRow, CsvDialect, Decoders, Dialect, LinesDecoder, RawChunk};

/// What stands between the fields of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delimiter {
    /// Rows end at line ends, fields at the default separator, a comma.
    NewLine,
    /// A comma.
    #[default]
    Comma,
    /// A tab.
    Tab,
    /// This character, which must be ASCII.
    Custom(char),
}

/// Marker: the text is CSV (RFC 4180).
#[derive(Clone, Copy, Debug)]
pub struct Csv;

/// Marker: each line of the text is a row.
#[derive(Clone, Copy, Debug)]
pub struct Lines;

/// Text to be read; `into_chunks` adds it to the pipeline.
#[must_use = "a source is read only once `into_chunks` has added it"]
pub struct TextSource<'a, T, Format> {
    sources: &'a mut Sources<T>,
    input: Input,
    options: Options,
    format: PhantomData<Format>,
}

#[derive(Clone, Copy)]
struct Options {
    delimiter: Delimiter,
    headers: bool,
    flexible: bool,
    max_record: usize,
}

/// Where text comes from.
pub(crate) enum Input {
    File(PathBuf),
    Bytes(Bytes),
}

/// An input that is open.
pub(crate) struct Opened {
    pub(crate) reader: Box<dyn Read + Send>,
    /// Its length in bytes, where it has one that should not shrink.
    pub(crate) length: Option<u64>,
}

impl Input {
    pub(crate) fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Bytes(_) => "bytes".to_owned(),
        }
    }

    /// Opens it; blocks.
    pub(crate) fn open(self) -> io::Result<Opened> {
        match self {
            Self::File(path) => {
                let file = File::open(path)?;
                let about = file.metadata()?;
                if about.is_dir() {
                    return Err(io::ErrorKind::IsADirectory.into());
                }
                let length = about.is_file().then_some(about.len());
                Ok(Opened { reader: Box::new(file), length })
            }
            Self::Bytes(bytes) => {
                let length = Some(bytes.len() as u64);
                Ok(Opened { reader: Box::new(bytes.reader()), length })
            }
        }
    }
}

/// Makes one decoder for each worker, once the first record is known.
pub(crate) trait MakeDecoder<T>: Send + Sync {
    /// Takes the header, or where there is none the first chunk, for what all rows have in common.
    ///
    /// # Errors
    ///
    /// The header cannot be used.
    fn learn(&self, first: &RawChunk) -> Result<Decoders<T>, BadRow>;
}

/// A text source, ready to be read.
pub(crate) struct TextPlan<T> {
    pub(crate) input: Input,
    pub(crate) dialect: Dialect,
    pub(crate) headers: bool,
    pub(crate) size: ChunkSize,
    pub(crate) max_record: usize,
    pub(crate) decoders: Box<dyn MakeDecoder<T>>,
}

impl<T> TextPlan<T> {
    pub(crate) fn name(&self) -> String {
        self.input.name()
    }
}

impl<'a, T: Send + 'static> TextSource<'a, T, Csv> {
    pub(super) fn new(sources: &'a mut Sources<T>, input: Input) -> Self {
        let options =
            Options { delimiter: Delimiter::default(), headers: true, flexible: false, max_record: 4 << 20 };
        Self { sources, input, options, format: PhantomData }
    }

    /// What stands between the fields; a comma by default.
    pub fn with_delimiter(mut self, delimiter: Delimiter) -> Self {
        self.options.delimiter = delimiter;
        self
    }

    /// Whether the first record names the columns; true by default. Without names, fields are taken in order.
    pub fn with_headers(mut self, headers: bool) -> Self {
        self.options.headers = headers;
        self
    }

    /// Takes rows with fewer or more fields than the first record; otherwise such a row is rejected.
    pub fn flexible(mut self) -> Self {
        self.options.flexible = true;
        self
    }

    /// Reads lines in place of CSV: each line is a row, parsed by `FromStr`; blank lines are rows too.
    pub fn lines(self) -> TextSource<'a, T, Lines> {
        TextSource { sources: self.sources, input: self.input, options: self.options, format: PhantomData }
    }
}

impl<T: Send + 'static, Format> TextSource<'_, T, Format> {
    /// The most bytes that one record may have, 4 MiB by default; a longer one is rejected, and its bytes are passed
    /// over without being kept, so that no input can take the memory.
    pub fn with_max_record(mut self, bytes: usize) -> Self {
        self.options.max_record = bytes;
        self
    }

    fn checked_max_record(&self) -> Result<usize, AsyncTaskError> {
        match self.options.max_record {
            0 => {
                Err(AsyncTaskError::config("a record has at least one byte: with_max_record was given zero"))
            }
            bytes => Ok(bytes),
        }
    }
}

impl<T> TextSource<'_, T, Lines>
where
    T: FromStr + Send + 'static,
    T::Err: Into<Box<dyn Error + Send + Sync>>,
{
    /// Adds the lines, cut into chunks of `size`.
    pub fn into_chunks(self, size: ChunkSize) {
        let max_record = self.checked_max_record();
        self.sources.add(size, || {
            Ok(Plan::Text(TextPlan {
                input: self.input,
                dialect: Dialect::Lines,
                headers: false,
                size,
                max_record: max_record?,
                decoders: Box::new(LineDecoders),
            }))
        });
    }
}

struct LineDecoders;

impl<T> MakeDecoder<T> for LineDecoders
where
    T: FromStr + Send + 'static,
    T::Err: Into<Box<dyn Error + Send + Sync>>,
{
    fn learn(&self, _: &RawChunk) -> Result<Decoders<T>, BadRow> {
        Ok(Arc::new(|| Box::new(LinesDecoder::new())))
    }
}

#[cfg(feature = "csv")]
mod typed {
    use serde::de::DeserializeOwned;

    use super::*;
    use crate::pipeline::rows::{CsvDecoder, Layout};

    impl<T: DeserializeOwned + Send + 'static> TextSource<'_, T, Csv> {
        /// Adds the rows, cut into chunks of `size`, each row to be read into a `T` through serde.
        pub fn into_chunks(self, size: ChunkSize) {
            let max_record = self.checked_max_record();
            let Options { delimiter, headers, flexible, .. } = self.options;
            self.sources.add(size, || {
                let dialect = dialect(delimiter)?;
                Ok(Plan::Text(TextPlan {
                    input: self.input,
                    dialect: Dialect::Csv(dialect),
                    headers,
                    size,
                    max_record: max_record?,
                    decoders: Box::new(CsvDecoders { dialect, headers, flexible }),
                }))
            });
        }
    }

    struct CsvDecoders {
        dialect: CsvDialect,
        headers: bool,
        flexible: bool,
    }

    impl<T: DeserializeOwned + Send + 'static> MakeDecoder<T> for CsvDecoders {
        fn learn(&self, first: &RawChunk) -> Result<Decoders<T>, BadRow> {
            let dialect = self.dialect;
            let layout = Arc::new(Layout::read(dialect, first, self.headers, self.flexible)?);
            Ok(Arc::new(move || Box::new(CsvDecoder::new(dialect, layout.clone()))))
        }
    }
}

#[cfg_attr(not(feature = "csv"), allow(dead_code, reason = "only CSV has fields"))]
fn dialect(delimiter: Delimiter) -> Result<CsvDialect, AsyncTaskError> {
    let delimiter = match delimiter {
        Delimiter::NewLine | Delimiter::Comma => b',',
        Delimiter::Tab => b'\t',
        Delimiter::Custom(char) => u8::try_from(char).ok().filter(u8::is_ascii).ok_or_else(|| {
            AsyncTaskError::config(format!(
                "the delimiter {char:?} is not ASCII: choose a single-byte character"
            ))
        })?,
    };
    let dialect = CsvDialect { delimiter, ..CsvDialect::default() };
    dialect.check().map_err(AsyncTaskError::config)
}
