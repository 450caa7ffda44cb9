//! Text from files, bytes and readers, as CSV, as lines or as JSON Lines.

use std::error::Error;
use std::marker::PhantomData;
use std::str::FromStr;
use std::sync::Arc;

use super::{Compression, Input, Plan, QueueSource, Sources};
use crate::error::AsyncTaskError;
use crate::pipeline::ChunkSize;
use crate::pipeline::queue::Kind;
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

/// Marker: each line of the text is a JSON value.
#[cfg(feature = "json")]
#[derive(Clone, Copy, Debug)]
pub struct JsonLines;

/// The most bytes that one record may have, whatever the limit that is set: offsets in a chunk are 32 bits.
const MOST: usize = 1 << 30;

/// Text to be read; `into_chunks` adds it to the pipeline.
///
/// # CSV
///
/// Read as by the csv crate:
///
/// - A field may be in quotes; it may hold delimiters and line ends then, and a quote that is written twice. A quote opens
///   only at a field's start: elsewhere it is text, and so is what follows a closing quote (`a"b` and `"a"b` are `a"b`
///   and `ab`). NUL and other control characters are text.
/// - CR, LF or both end a row, mixed as they come. Blank lines are no rows; they count as lines. The last row needs no line end.
/// - A byte order mark at the start is passed over. UTF-16 is an error that says so.
/// - An empty source, or one that has a header alone, has no rows.
/// - The header's names are taken as they stand. Of several columns of one name, [`Row`](crate::pipeline::Row) finds the
///   first, and a map keeps the last; a struct that has a field of this name refuses every row ("duplicate field").
/// - A quote that is never closed makes no row of what follows it: the row is rejected, with the line where the quote opened.
///
/// # Lines and JSON Lines
///
/// LF ends a line, and a CR right before it belongs to the end. A blank line is a row of lines, and none of JSON Lines.
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
    quote: Option<char>,
    comment: Option<char>,
    headers: bool,
    flexible: bool,
    max_record: usize,
    compression: Compression,
}

/// Makes one decoder for each worker, once the first record is known.
pub(crate) trait MakeDecoder<T>: Send + Sync {
    /// Takes the header, or where there is none the first chunk, for what all rows have in common.
    ///
    /// # Errors
    ///
    /// The header cannot be used.
    fn learn(&self, first: &RawChunk) -> Result<Decoders<T>, BadRow>;

    /// As `learn`, for decoders that others make.
    fn kind(&self, first: &RawChunk) -> Result<Kind, BadRow>;
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
    /// A chunk counts as one, and not as many as it has rows; none is cut short by a source that pauses or fails.
    pub(crate) whole: bool,
}

impl<T> Clone for TextFormat<T> {
    fn clone(&self) -> Self {
        let Self { dialect, headers, ref decoders, whole } = *self;
        Self { dialect, headers, decoders: decoders.clone(), whole }
    }
}

impl<'a, T: Send + 'static> TextSource<'a, T, Csv> {
    pub(super) fn new(sources: &'a mut Sources<T>, inputs: Vec<Input>) -> Self {
        let options = Options {
            delimiter: Delimiter::default(),
            quote: Some('"'),
            comment: None,
            headers: true,
            flexible: false,
            max_record: 4 << 20,
            compression: Compression::default(),
        };
        Self { sources, inputs, name: None, options, format: PhantomData }
    }

    /// What stands between the fields; a comma by default.
    pub fn with_delimiter(mut self, delimiter: Delimiter) -> Self {
        self.options.delimiter = delimiter;
        self
    }

    /// What fields may be put in, `"` by default. With `None` such a character is text, and no field can hold a delimiter
    /// or a line end. It must be ASCII, and differ from delimiter and comment mark.
    pub fn with_quote(mut self, quote: Option<char>) -> Self {
        self.options.quote = quote;
        self
    }

    /// Passes over lines that begin with this character, up to their LF; none by default. It must be ASCII, and differ
    /// from delimiter and quote.
    pub fn with_comment(mut self, comment: char) -> Self {
        self.options.comment = Some(comment);
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
        self.in_format()
    }

    /// Reads JSON Lines in place of CSV: each line is a JSON value, read through serde; blank lines are no rows. What an
    /// error says of a column counts bytes, from the first one that is not white space.
    #[cfg(feature = "json")]
    pub fn json_lines(self) -> TextSource<'a, T, JsonLines> {
        self.in_format()
    }

    fn in_format<Format>(self) -> TextSource<'a, T, Format> {
        let Self { sources, inputs, name, options, .. } = self;
        TextSource { sources, inputs, name, options, format: PhantomData }
    }
}

impl<T: Send + 'static, Format> TextSource<'_, T, Format> {
    /// The most bytes that one record may have, 4 MiB by default and 1 GiB at most; a longer one is rejected, and its
    /// bytes are passed over without being kept, so that no input can take the memory.
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

    /// How the bytes are compressed; by default a file's name says it.
    pub fn with_compression(mut self, compression: Compression) -> Self {
        self.options.compression = compression;
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
                Ok(Plan::Text(TextPlan {
                    name,
                    input: input.compressed(options.compression)?,
                    format: format.clone(),
                    size,
                    max_record: options.max_record.min(MOST),
                }))
            };
            inputs.into_iter().map(plan).collect()
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
            Ok(TextFormat {
                dialect: Dialect::Lines { blank: true },
                headers: false,
                decoders: Arc::new(LineDecoders),
                whole: false,
            })
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

    fn kind(&self, _: &RawChunk) -> Result<Kind, BadRow> {
        Ok(Kind::Lines)
    }
}

impl<T> QueueSource<'_, T>
where
    T: FromStr + Send + 'static,
    T::Err: Into<Box<dyn Error + Send + Sync>>,
{
    /// Adds the queue's messages, which are of lines: each line is parsed by `FromStr`.
    pub fn lines(self) {
        self.add(|kind| match kind {
            Kind::Lines => Ok(Arc::new(|| Box::new(LinesDecoder::new()))),
            other => Err(other),
        });
    }
}

#[cfg(feature = "csv")]
mod typed {
    use super::*;
    use crate::pipeline::FromRow;
    use crate::pipeline::queue::CsvHead;
    use crate::pipeline::rows::{CsvDecoder, Layout};

    impl<T: FromRow + Send + 'static> TextSource<'_, T, Csv> {
        /// Adds the rows, cut into chunks of `size`, each row to be read into a `T`: through serde, or as a
        /// [`Row`](crate::pipeline::Row).
        pub fn into_chunks(self, size: ChunkSize) {
            self.add(size, |options| {
                let Options { headers, flexible, .. } = options;
                let dialect = options.dialect()?;
                let decoders = Arc::new(CsvDecoders { dialect, headers, flexible });
                Ok(TextFormat { dialect: Dialect::Csv(dialect), headers, decoders, whole: false })
            });
        }
    }

    struct CsvDecoders {
        dialect: CsvDialect,
        headers: bool,
        flexible: bool,
    }

    impl<T: FromRow + Send + 'static> MakeDecoder<T> for CsvDecoders {
        fn learn(&self, first: &RawChunk) -> Result<Decoders<T>, BadRow> {
            Ok(decoders(self.head(first)?))
        }

        fn kind(&self, first: &RawChunk) -> Result<Kind, BadRow> {
            Ok(Kind::Csv(self.head(first)?))
        }
    }

    impl CsvDecoders {
        fn head(&self, first: &RawChunk) -> Result<CsvHead, BadRow> {
            let layout = Layout::read(self.dialect, first, self.headers, self.flexible)?;
            Ok(CsvHead { dialect: self.dialect, layout: Arc::new(layout) })
        }
    }

    fn decoders<T: FromRow + Send + 'static>(head: CsvHead) -> Decoders<T> {
        Arc::new(move || Box::new(CsvDecoder::new(head.dialect, head.layout.clone())))
    }

    impl<T: FromRow + Send + 'static> QueueSource<'_, T> {
        /// Adds the queue's messages, which are of CSV: each row is read into a `T`, through serde or as a
        /// [`Row`](crate::pipeline::Row). Delimiter, columns and all else are as its publisher had them.
        pub fn csv(self) {
            self.add(|kind| match kind {
                Kind::Csv(head) => Ok(decoders(head)),
                other => Err(other),
            });
        }
    }
}

#[cfg(feature = "json")]
mod json {
    use serde::de::DeserializeOwned;

    use super::*;
    use crate::pipeline::rows::JsonDecoder;

    impl<T: DeserializeOwned + Send + 'static> TextSource<'_, T, JsonLines> {
        /// Adds the lines, cut into chunks of `size`, each line to be read into a `T` through serde.
        pub fn into_chunks(self, size: ChunkSize) {
            let dialect = Dialect::Lines { blank: false };
            let decoders = Arc::new(JsonDecoders);
            self.add(size, |_| Ok(TextFormat { dialect, headers: false, decoders, whole: false }));
        }
    }

    struct JsonDecoders;

    impl<T: DeserializeOwned + Send + 'static> MakeDecoder<T> for JsonDecoders {
        fn learn(&self, _: &RawChunk) -> Result<Decoders<T>, BadRow> {
            Ok(Arc::new(|| Box::new(JsonDecoder::new())))
        }

        fn kind(&self, _: &RawChunk) -> Result<Kind, BadRow> {
            Ok(Kind::JsonLines)
        }
    }

    impl<T: DeserializeOwned + Send + 'static> QueueSource<'_, T> {
        /// Adds the queue's messages, which are of JSON Lines: each line is read into a `T` through serde.
        pub fn json_lines(self) {
            self.add(|kind| match kind {
                Kind::JsonLines => Ok(Arc::new(|| Box::new(JsonDecoder::new()))),
                other => Err(other),
            });
        }
    }
}

#[cfg_attr(not(feature = "csv"), allow(dead_code, reason = "only CSV has fields"))]
impl Options {
    fn dialect(self) -> Result<CsvDialect, AsyncTaskError> {
        let delimiter = match self.delimiter {
            Delimiter::NewLine | Delimiter::Comma => b',',
            Delimiter::Tab => b'\t',
            Delimiter::Custom(char) => ascii("delimiter", char)?,
        };
        let quote = self.quote.map(|char| ascii("quote", char)).transpose()?;
        let comment = self.comment.map(|char| ascii("comment mark", char)).transpose()?;
        CsvDialect { delimiter, quote, comment }.check().map_err(AsyncTaskError::config)
    }
}

#[cfg_attr(not(feature = "csv"), allow(dead_code, reason = "only CSV has fields"))]
fn ascii(what: &str, char: char) -> Result<u8, AsyncTaskError> {
    u8::try_from(char).ok().filter(u8::is_ascii).ok_or_else(|| {
        AsyncTaskError::config(format!("the {what} {char:?} is not ASCII: choose a single-byte character"))
    })
}
