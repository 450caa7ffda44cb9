//! Text from files, bytes and readers, as CSV or as lines.

use std::error::Error;
use std::marker::PhantomData;
use std::str::FromStr;
use std::sync::Arc;

use super::{Input, Plan, Sources};
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
    /// One after the other, each with a header of its own.
    inputs: Vec<Input>,
    name: Option<Arc<str>>,
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
    pub(crate) name: Arc<str>,
    pub(crate) input: Input,
    pub(crate) format: TextFormat<T>,
    pub(crate) size: ChunkSize,
    pub(crate) max_record: usize,
}

/// How text is cut into records, and what makes rows of them.
pub(crate) struct TextFormat<T> {
    pub(crate) dialect: Dialect,
    pub(crate) headers: bool,
    pub(crate) decoders: Arc<dyn MakeDecoder<T>>,
}

impl<T> Clone for TextFormat<T> {
    fn clone(&self) -> Self {
        Self { dialect: self.dialect, headers: self.headers, decoders: self.decoders.clone() }
    }
}

impl<'a, T: Send + 'static> TextSource<'a, T, Csv> {
    pub(super) fn new(sources: &'a mut Sources<T>, inputs: Vec<Input>) -> Self {
        let options =
            Options { delimiter: Delimiter::default(), headers: true, flexible: false, max_record: 4 << 20 };
        Self { sources, inputs, name: None, options, format: PhantomData }
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
        let Self { sources, inputs, name, options, .. } = self;
        TextSource { sources, inputs, name, options, format: PhantomData }
    }
}

impl<T: Send + 'static, Format> TextSource<'_, T, Format> {
    /// The most bytes that one record may have, 4 MiB by default; a longer one is rejected, and its bytes are passed
    /// over without being kept, so that no input can take the memory.
    pub fn with_max_record(mut self, bytes: usize) -> Self {
        self.options.max_record = bytes;
        self
    }

    /// Names the source, in errors and in [`FinalEvent::sources`](crate::pipeline::FinalEvent::sources). Without this a
    /// file is named by its path.
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Adds the text, in the format that `format` gives.
    fn add(self, size: ChunkSize, format: impl FnOnce(Options) -> Result<TextFormat<T>, AsyncTaskError>) {
        let Self { sources, inputs, name, options, .. } = self;
        sources.add(size, || {
            if options.max_record == 0 {
                return Err(AsyncTaskError::config(
                    "a record has at least one byte: with_max_record was given zero",
                ));
            }
            if inputs.is_empty() {
                return Err(AsyncTaskError::config("of_files was given no file"));
            }
            let format = format(options)?;
            let plan = |input: Input| {
                let name = name.clone().unwrap_or_else(|| input.name().into());
                Plan::Text(TextPlan {
                    name,
                    input,
                    format: format.clone(),
                    size,
                    max_record: options.max_record,
                })
            };
            Ok(inputs.into_iter().map(plan).collect())
        });
    }
}

impl<T> TextSource<'_, T, Lines>
where
    T: FromStr + Send + 'static,
    T::Err: Into<Box<dyn Error + Send + Sync>>,
{
    /// Adds the lines, cut into chunks of `size`.
    pub fn into_chunks(self, size: ChunkSize) {
        self.add(size, |_| {
            Ok(TextFormat { dialect: Dialect::Lines, headers: false, decoders: Arc::new(LineDecoders) })
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
            self.add(size, |Options { delimiter, headers, flexible, .. }| {
                let dialect = dialect(delimiter)?;
                let decoders = Arc::new(CsvDecoders { dialect, headers, flexible });
                Ok(TextFormat { dialect: Dialect::Csv(dialect), headers, decoders })
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
