//! The options of CSV.

use crate::source::format::marker::{Csv, CsvOptions, NoFormat};
use crate::source::text::TextSource;
use crate::text::dialect::{Checks, CsvDialect};
use sweet_async_core::error::AsyncTaskError;

/// The separator of the fields of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delimiter {
    /// As [`Comma`](Self::Comma): rows end at line ends, fields at the default separator.
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
#[cfg_attr(not(feature = "csv"), allow(dead_code, reason = "only CSV has fields"))]
#[derive(Clone, Copy)]
pub(crate) struct CsvSettings {
    pub(crate) delimiter: Delimiter,
    pub(crate) quote: Option<char>,
    pub(crate) comment: Option<char>,
    pub(crate) headers: bool,
    pub(crate) flexible: bool,
    checks: Checks,
}

impl Default for CsvSettings {
    fn default() -> Self {
        let checks = Checks::default();
        Self {
            delimiter: Delimiter::default(),
            quote: Some('"'),
            comment: None,
            headers: true,
            flexible: false,
            checks,
        }
    }
}

impl<'a, T: Send + 'static, Format> TextSource<'a, T, Format> {
    /// Reads CSV, as a source without a named format does. An option of CSV has the same effect.
    pub fn csv(self) -> TextSource<'a, T, Csv>
    where
        Format: NoFormat,
    {
        self.in_format()
    }

    fn into_csv(self) -> TextSource<'a, T, Csv>
    where
        Format: CsvOptions,
    {
        self.in_format()
    }

    /// Sets the separator of the fields; a comma by default. It must be ASCII and not CR or LF, and differ
    /// from quote and comment mark; otherwise it is refused ([`AsyncTaskError::InvalidConfig`]).
    pub fn with_delimiter(self, delimiter: Delimiter) -> TextSource<'a, T, Csv>
    where
        Format: CsvOptions,
    {
        let mut source = self.into_csv();
        source.options.csv.delimiter = delimiter;
        source
    }

    /// Sets the mark that fields may be put in, `"` by default. It must be ASCII and not CR or LF, and differ
    /// from delimiter and comment mark; otherwise it is refused ([`AsyncTaskError::InvalidConfig`]).
    ///
    /// With `None`, such a character is text, and no field can hold a delimiter or a line end.
    /// [`strict`](Self::strict), [`resync`](Self::resync) and
    /// [`with_max_record_lines`](Self::with_max_record_lines) are then refused.
    pub fn with_quote(self, quote: Option<char>) -> TextSource<'a, T, Csv>
    where
        Format: CsvOptions,
    {
        let mut source = self.into_csv();
        source.options.csv.quote = quote;
        source
    }

    /// Passes over lines that begin with this character, up to their LF; none by default. It must be ASCII
    /// and not CR or LF, and differ from delimiter and quote; otherwise it is refused
    /// ([`AsyncTaskError::InvalidConfig`]).
    pub fn with_comment(self, comment: char) -> TextSource<'a, T, Csv>
    where
        Format: CsvOptions,
    {
        let mut source = self.into_csv();
        source.options.csv.comment = Some(comment);
        source
    }

    /// If true, the first record names the columns; true by default. Without names, fields are taken in
    /// order.
    pub fn with_headers(self, headers: bool) -> TextSource<'a, T, Csv>
    where
        Format: CsvOptions,
    {
        let mut source = self.into_csv();
        source.options.csv.headers = headers;
        source
    }

    /// Accepts rows with fewer or more fields than the first record; otherwise such a row is rejected.
    pub fn flexible(self) -> TextSource<'a, T, Csv>
    where
        Format: CsvOptions,
    {
        let mut source = self.into_csv();
        source.options.csv.flexible = true;
        source
    }

    /// Refuses what the csv crate accepts and RFC 4180 does not: a quote inside a field that is not in
    /// quotes, and text after a closing quote. Such a row is rejected, at that position. A mistaken quote is
    /// often found this way, which would otherwise take the rows up to the next quote with it.
    pub fn strict(self) -> TextSource<'a, T, Csv>
    where
        Format: CsvOptions,
    {
        let mut source = self.into_csv();
        source.options.csv.checks.strict = true;
        source
    }

    /// Sets the most lines that one row may have; no limit by default. A row has several lines where line
    /// ends are in quotes. A row with more lines is rejected, and passed over. With 1, no field holds a line
    /// end. Zero is refused ([`AsyncTaskError::InvalidConfig`]).
    ///
    /// Lines are counted by their LF.
    pub fn with_max_record_lines(self, lines: u64) -> TextSource<'a, T, Csv>
    where
        Format: CsvOptions,
    {
        let mut source = self.into_csv();
        source.options.csv.checks.max_lines = lines;
        source
    }

    /// Goes on at the next line after a row that is rejected for its quotes: because a quote is never closed,
    /// or because the row is longer than [`with_max_record`](Self::with_max_record), has more lines than
    /// [`with_max_record_lines`](Self::with_max_record_lines), or is not [`strict`](Self::strict). Only the
    /// first line of such a row is rejected, and the next line begins a row. Otherwise everything that the
    /// row took is passed over, which may be the rest of the source. A limit of lines bounds how much has to
    /// be read until a quote is seen to be open.
    ///
    /// A row that was meant to have several lines, and is rejected, gives as many rows as it has lines.
    pub fn resync(self) -> TextSource<'a, T, Csv>
    where
        Format: CsvOptions,
    {
        let mut source = self.into_csv();
        source.options.csv.checks.resync = true;
        source
    }
}

#[cfg_attr(not(feature = "csv"), allow(dead_code, reason = "only CSV has fields"))]
impl CsvSettings {
    pub(crate) fn dialect(self) -> Result<CsvDialect, AsyncTaskError> {
        let delimiter = match self.delimiter {
            Delimiter::NewLine | Delimiter::Comma => b',',
            Delimiter::Tab => b'\t',
            Delimiter::Custom(char) => ascii("`with_delimiter`", char)?,
        };
        let quote = self.quote.map(|char| ascii("`with_quote`", char)).transpose()?;
        let comment = self.comment.map(|char| ascii("`with_comment`", char)).transpose()?;
        CsvDialect { delimiter, quote, comment }.check().map_err(AsyncTaskError::config)
    }

    pub(crate) fn checks(self) -> Result<Checks, AsyncTaskError> {
        let Self { quote, checks, .. } = self;
        if checks.max_lines == 0 {
            return Err(AsyncTaskError::out_of_range("`with_max_record_lines`", 0, "at least 1"));
        }
        if quote.is_none() && checks != Checks::default() {
            return Err(AsyncTaskError::config(
                "strict, resync and with_max_record_lines are about quotes, and with_quote(None) says that there are none",
            ));
        }
        Ok(checks)
    }
}

#[cfg_attr(not(feature = "csv"), allow(dead_code, reason = "only CSV has fields"))]
fn ascii(setting: &str, char: char) -> Result<u8, AsyncTaskError> {
    let byte = u8::try_from(char).ok().filter(u8::is_ascii);
    byte.ok_or_else(|| AsyncTaskError::out_of_range(setting, format_args!("{char:?}"), "an ASCII character"))
}
