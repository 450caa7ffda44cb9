//! The options of CSV.

use super::text::TextSource;
use super::{Csv, CsvOptions, NoFormat};
use crate::error::AsyncTaskError;
use crate::pipeline::rows::CsvDialect;

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

/// The options of CSV, as they were set.
#[derive(Clone, Copy)]
pub(super) struct CsvSettings {
    pub(super) delimiter: Delimiter,
    pub(super) quote: Option<char>,
    pub(super) comment: Option<char>,
    pub(super) headers: bool,
    pub(super) flexible: bool,
}

impl Default for CsvSettings {
    fn default() -> Self {
        Self {
            delimiter: Delimiter::default(),
            quote: Some('"'),
            comment: None,
            headers: true,
            flexible: false,
        }
    }
}

impl<'a, T: Send + 'static, Format> TextSource<'a, T, Format> {
    /// Reads CSV, as a source does that names no format. The options of CSV say the same.
    pub fn csv(self) -> TextSource<'a, T, Csv>
    where
        Format: NoFormat,
    {
        self.in_format()
    }

    fn as_csv(self) -> TextSource<'a, T, Csv>
    where
        Format: CsvOptions,
    {
        self.in_format()
    }

    /// What stands between the fields; a comma by default.
    pub fn with_delimiter(self, delimiter: Delimiter) -> TextSource<'a, T, Csv>
    where
        Format: CsvOptions,
    {
        let mut source = self.as_csv();
        source.options.csv.delimiter = delimiter;
        source
    }

    /// What fields may be put in, `"` by default. With `None` such a character is text, and no field can hold a delimiter
    /// or a line end. It must be ASCII, and differ from delimiter and comment mark.
    pub fn with_quote(self, quote: Option<char>) -> TextSource<'a, T, Csv>
    where
        Format: CsvOptions,
    {
        let mut source = self.as_csv();
        source.options.csv.quote = quote;
        source
    }

    /// Passes over lines that begin with this character, up to their LF; none by default. It must be ASCII, and differ
    /// from delimiter and quote.
    pub fn with_comment(self, comment: char) -> TextSource<'a, T, Csv>
    where
        Format: CsvOptions,
    {
        let mut source = self.as_csv();
        source.options.csv.comment = Some(comment);
        source
    }

    /// Whether the first record names the columns; true by default. Without names, fields are taken in order.
    pub fn with_headers(self, headers: bool) -> TextSource<'a, T, Csv>
    where
        Format: CsvOptions,
    {
        let mut source = self.as_csv();
        source.options.csv.headers = headers;
        source
    }

    /// Takes rows with fewer or more fields than the first record; otherwise such a row is rejected.
    pub fn flexible(self) -> TextSource<'a, T, Csv>
    where
        Format: CsvOptions,
    {
        let mut source = self.as_csv();
        source.options.csv.flexible = true;
        source
    }
}

#[cfg_attr(not(feature = "csv"), allow(dead_code, reason = "only CSV has fields"))]
impl CsvSettings {
    pub(super) fn dialect(self) -> Result<CsvDialect, AsyncTaskError> {
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
