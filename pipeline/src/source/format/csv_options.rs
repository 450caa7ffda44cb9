//! The options of CSV.

use crate::source::format::header::{Header, OnHeader};
use crate::source::format::marker::{Csv, CsvOptions, NoFormat};
use crate::source::text::TextSource;
use crate::text::dialect::{Checks, ColumnNames, CsvDialect};
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::task::IntoResult;

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

/// The end of a row of CSV.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Terminator {
    /// CR, LF or both, mixed as they come.
    #[default]
    LineEnds,
    /// This character alone, which must be ASCII. LF and CR are then text, unless it is one of them.
    Custom(char),
}

/// The parts of a CSV source whose white space is trimmed: ASCII space, tab, CR, LF and form feed.
///
/// White space is trimmed from the text of a field, after quotes were taken off: `" a "` is trimmed as
/// ` a ` is. A quote still opens only at a field's very start: in `a, "b"` the second field is `"b"`,
/// quotes included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trim {
    /// None: white space is text.
    #[default]
    None,
    /// The names of the header.
    Headers,
    /// The fields of all rows, but not the header.
    Fields,
    /// The names of the header, and the fields of all rows.
    All,
}

#[cfg_attr(not(feature = "csv"), allow(dead_code, reason = "only CSV has fields"))]
impl Trim {
    pub(crate) fn trims_header(self) -> bool {
        matches!(self, Self::Headers | Self::All)
    }

    fn trims_fields(self) -> bool {
        matches!(self, Self::Fields | Self::All)
    }
}

/// The options of CSV, as they were set.
#[cfg_attr(not(feature = "csv"), allow(dead_code, reason = "only CSV has fields"))]
#[derive(Clone)]
pub(crate) struct CsvSettings {
    delimiter: Delimiter,
    quote: Option<char>,
    escape: Option<char>,
    double_quote: bool,
    comment: Option<char>,
    terminator: Terminator,
    pub(crate) trim: Trim,
    pub(crate) names: ColumnNames,
    pub(crate) on_header: Option<OnHeader>,
    pub(crate) flexible: bool,
    checks: Checks,
}

impl Default for CsvSettings {
    fn default() -> Self {
        Self {
            delimiter: Delimiter::default(),
            quote: Some('"'),
            escape: None,
            double_quote: true,
            comment: None,
            terminator: Terminator::default(),
            trim: Trim::default(),
            names: ColumnNames::default(),
            on_header: None,
            flexible: false,
            checks: Checks::default(),
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
    /// [`strict`](Self::strict), [`resync`](Self::resync),
    /// [`with_max_record_lines`](Self::with_max_record_lines), [`with_escape`](Self::with_escape) and
    /// [`with_double_quote`](Self::with_double_quote) are then refused.
    pub fn with_quote(self, quote: Option<char>) -> TextSource<'a, T, Csv>
    where
        Format: CsvOptions,
    {
        let mut source = self.into_csv();
        source.options.csv.quote = quote;
        source
    }

    /// Sets the character that makes the next one text within quotes, whatever that is: with `\`, the
    /// field `"a\"b\\"` is `a"b\`. The character itself is no part of the field; outside quotes it is
    /// text. None by default. It must be ASCII and not CR or LF, and differ from delimiter, quote and
    /// comment mark; otherwise it is refused ([`AsyncTaskError::InvalidConfig`]). A quote may still be
    /// written twice, unless [`with_double_quote`](Self::with_double_quote) says otherwise.
    pub fn with_escape(self, escape: char) -> TextSource<'a, T, Csv>
    where
        Format: CsvOptions,
    {
        let mut source = self.into_csv();
        source.options.csv.escape = Some(escape);
        source
    }

    /// If true, a quote that is written twice within quotes is one quote of the text; true by default. If
    /// false, the first of them closes the field, and what follows is text.
    pub fn with_double_quote(self, double_quote: bool) -> TextSource<'a, T, Csv>
    where
        Format: CsvOptions,
    {
        let mut source = self.into_csv();
        source.options.csv.double_quote = double_quote;
        source
    }

    /// Sets the end of a row; line ends by default. A character of its own must be ASCII, and differ from
    /// delimiter, quote, escape and comment mark; otherwise it is refused
    /// ([`AsyncTaskError::InvalidConfig`]).
    ///
    /// With such a character, rows that have nothing between two of them are no rows, as blank lines are none
    /// otherwise. Lines are still counted by LF, and comments still end at LF. [`resync`](Self::resync) and
    /// [`with_max_record_lines`](Self::with_max_record_lines) are about lines, and are refused.
    pub fn with_terminator(self, terminator: Terminator) -> TextSource<'a, T, Csv>
    where
        Format: CsvOptions,
    {
        let mut source = self.into_csv();
        source.options.csv.terminator = terminator;
        source
    }

    /// Sets the parts whose white space is trimmed; none by default. Cost: a look at both ends of each field.
    pub fn with_trim(self, trim: Trim) -> TextSource<'a, T, Csv>
    where
        Format: CsvOptions,
    {
        let mut source = self.into_csv();
        source.options.csv.trim = trim;
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
    /// order. Of this and [`with_names`](Self::with_names), the last that is set holds.
    pub fn with_headers(self, headers: bool) -> TextSource<'a, T, Csv>
    where
        Format: CsvOptions,
    {
        let mut source = self.into_csv();
        source.options.csv.names = if headers { ColumnNames::Header } else { ColumnNames::None };
        source
    }

    /// Names the columns of text that has no header: the first record is a row. Fields are then found by
    /// these names, as by those of a header. Unless rows are [`flexible`](Self::flexible), each must have
    /// as many fields as there are names. To replace the names of a header, pass over it with
    /// [`skip_rows`](Self::skip_rows). No name at all is refused ([`AsyncTaskError::InvalidConfig`]).
    pub fn with_names<N: Into<Box<str>>>(self, names: impl IntoIterator<Item = N>) -> TextSource<'a, T, Csv>
    where
        Format: CsvOptions,
    {
        let mut source = self.into_csv();
        source.options.csv.names = ColumnNames::Given(names.into_iter().map(Into::into).collect());
        source
    }

    /// Calls `on_header` with the header of each source, once it was read, and before any of its rows is
    /// handled. It is synchronous, runs on the executor's threads, and may return a `Result`: with an
    /// error, or a panic, the source cannot be read ([`AsyncTaskError::Io`], whose text has that of the
    /// error). So it can check that all columns are there before hours of rows are rejected.
    ///
    /// An empty source has no header, and the function is not called for it. A row knows its names too:
    /// [`Row::names`](crate::Row::names). It is refused ([`AsyncTaskError::InvalidConfig`]) where
    /// [`with_headers`](Self::with_headers) or [`with_names`](Self::with_names) says that there is no header.
    pub fn on_header<F, O, K>(self, on_header: F) -> TextSource<'a, T, Csv>
    where
        Format: CsvOptions,
        F: Fn(Header<'_>) -> O + Send + Sync + 'static,
        O: IntoResult<(), K>,
    {
        let mut source = self.into_csv();
        source.options.csv.on_header = Some(OnHeader::new(on_header));
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
    /// Returns the dialect of the rows.
    pub(crate) fn dialect(&self) -> Result<CsvDialect, AsyncTaskError> {
        let delimiter = match self.delimiter {
            Delimiter::NewLine | Delimiter::Comma => b',',
            Delimiter::Tab => b'\t',
            Delimiter::Custom(char) => ascii("`with_delimiter`", char)?,
        };
        let terminator = match self.terminator {
            Terminator::LineEnds => None,
            Terminator::Custom(char) => Some(ascii("`with_terminator`", char)?),
        };
        let mark = |setting, char: Option<char>| char.map(|char| ascii(setting, char)).transpose();
        let dialect = CsvDialect {
            delimiter,
            quote: mark("`with_quote`", self.quote)?,
            escape: mark("`with_escape`", self.escape)?,
            double_quote: self.double_quote,
            comment: mark("`with_comment`", self.comment)?,
            terminator,
            trim: self.trim.trims_fields(),
        };
        dialect.check().map_err(AsyncTaskError::config)
    }

    /// Returns the checks, if all settings can work together.
    pub(crate) fn checks(&self) -> Result<Checks, AsyncTaskError> {
        let Self { quote, escape, double_quote, terminator, names, on_header, checks, .. } = self;
        if checks.max_lines == 0 {
            return Err(AsyncTaskError::out_of_range("`with_max_record_lines`", 0, "at least 1"));
        }
        if quote.is_none() && (*checks != Checks::default() || escape.is_some() || !double_quote) {
            return Err(AsyncTaskError::config(
                "strict, resync, with_max_record_lines, with_escape and with_double_quote are about quotes, and \
                 with_quote(None) says that there are none",
            ));
        }
        let lines_matter = checks.resync || checks.max_lines != u64::MAX;
        if lines_matter && *terminator != Terminator::LineEnds {
            return Err(AsyncTaskError::config(
                "resync and with_max_record_lines are about lines, and with_terminator says that rows do not end \
                 with them",
            ));
        }
        if on_header.is_some() && *names != ColumnNames::Header {
            return Err(AsyncTaskError::config(
                "on_header needs a header, and with_headers(false) or with_names says that there is none",
            ));
        }
        if matches!(names, ColumnNames::Given(names) if names.is_empty()) {
            return Err(AsyncTaskError::config("with_names was given no name"));
        }
        Ok(*checks)
    }
}

#[cfg_attr(not(feature = "csv"), allow(dead_code, reason = "only CSV has fields"))]
fn ascii(setting: &str, char: char) -> Result<u8, AsyncTaskError> {
    let byte = u8::try_from(char).ok().filter(u8::is_ascii);
    byte.ok_or_else(|| AsyncTaskError::out_of_range(setting, format_args!("{char:?}"), "an ASCII character"))
}
