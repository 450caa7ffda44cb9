//! The setters of the options of CSV.

use crate::source::format::csv_settings::{CsvSettings, Delimiter, Terminator, Trim};
use crate::source::format::header::{Header, OnHeader};
use crate::source::format::marker::{Csv, CsvOptions, NoFormat};
use crate::source::text::TextSource;
use crate::text::dialect::ColumnNames;
use sweet_async_core::task::IntoResult;

impl<'a, T: Send + 'static, Format> TextSource<'a, T, Format> {
    /// Reads CSV, as a source without a named format does. An option of CSV has the same effect.
    pub fn csv(self) -> TextSource<'a, T, Csv>
    where
        Format: NoFormat,
    {
        self.in_format()
    }

    /// The same source as CSV, with an option of it set.
    fn set(self, set: impl FnOnce(&mut CsvSettings)) -> TextSource<'a, T, Csv>
    where
        Format: CsvOptions,
    {
        let mut source = self.in_format();
        set(&mut source.options.csv);
        source
    }

    /// Sets the separator of the fields; a comma by default. It must be ASCII and not CR or LF, and differ
    /// from quote, escape and comment mark; otherwise it is refused ([`AsyncTaskError::InvalidConfig`]).
    ///
    /// [`AsyncTaskError::InvalidConfig`]: sweet_async_core::AsyncTaskError::InvalidConfig
    pub fn with_delimiter(self, delimiter: Delimiter) -> TextSource<'a, T, Csv>
    where
        Format: CsvOptions,
    {
        self.set(|csv| csv.delimiter = delimiter)
    }

    /// Sets the mark that fields may be put in, `"` by default. It must be ASCII and not CR or LF, and differ
    /// from delimiter, escape and comment mark; otherwise it is refused ([`AsyncTaskError::InvalidConfig`]).
    ///
    /// With `None`, such a character is text, and no field can hold a delimiter or a line end.
    /// [`strict`](Self::strict), [`resync`](Self::resync),
    /// [`with_max_record_lines`](Self::with_max_record_lines), [`with_escape`](Self::with_escape) and
    /// [`with_double_quote`](Self::with_double_quote) are then refused.
    ///
    /// [`AsyncTaskError::InvalidConfig`]: sweet_async_core::AsyncTaskError::InvalidConfig
    pub fn with_quote(self, quote: Option<char>) -> TextSource<'a, T, Csv>
    where
        Format: CsvOptions,
    {
        self.set(|csv| csv.quote = quote)
    }

    /// Sets the character that makes the next one text within quotes, whatever that is: with `\`, the
    /// field `"a\"b\\"` is `a"b\`. The character itself is no part of the field; outside quotes it is
    /// text. None by default. It must be ASCII and not CR or LF, and differ from delimiter, quote and
    /// comment mark; otherwise it is refused ([`AsyncTaskError::InvalidConfig`]). A quote may still be
    /// written twice, unless [`with_double_quote`](Self::with_double_quote) says otherwise.
    ///
    /// [`AsyncTaskError::InvalidConfig`]: sweet_async_core::AsyncTaskError::InvalidConfig
    pub fn with_escape(self, escape: char) -> TextSource<'a, T, Csv>
    where
        Format: CsvOptions,
    {
        self.set(|csv| csv.escape = Some(escape))
    }

    /// If true, a quote that is written twice within quotes is one quote of the text; true by default. If
    /// false, the first of them closes the field, and what follows is text.
    pub fn with_double_quote(self, double_quote: bool) -> TextSource<'a, T, Csv>
    where
        Format: CsvOptions,
    {
        self.set(|csv| csv.double_quote = double_quote)
    }

    /// Sets the end of a row; line ends by default. A character of its own must be ASCII, and differ from
    /// delimiter, quote, escape and comment mark; otherwise it is refused
    /// ([`AsyncTaskError::InvalidConfig`]).
    ///
    /// With such a character, rows that have nothing between two of them are no rows, as blank lines are none
    /// otherwise. Lines are still counted by LF, and comments still end at LF. [`resync`](Self::resync) and
    /// [`with_max_record_lines`](Self::with_max_record_lines) are about lines, and are refused.
    ///
    /// [`AsyncTaskError::InvalidConfig`]: sweet_async_core::AsyncTaskError::InvalidConfig
    pub fn with_terminator(self, terminator: Terminator) -> TextSource<'a, T, Csv>
    where
        Format: CsvOptions,
    {
        self.set(|csv| csv.terminator = terminator)
    }

    /// Sets the parts whose white space is trimmed; none by default. Cost: a look at both ends of each field.
    pub fn with_trim(self, trim: Trim) -> TextSource<'a, T, Csv>
    where
        Format: CsvOptions,
    {
        self.set(|csv| csv.trim = trim)
    }

    /// Passes over lines that begin with this character, up to their LF; none by default. It must be ASCII
    /// and not CR or LF, and differ from delimiter, quote and escape; otherwise it is refused
    /// ([`AsyncTaskError::InvalidConfig`]).
    ///
    /// [`AsyncTaskError::InvalidConfig`]: sweet_async_core::AsyncTaskError::InvalidConfig
    pub fn with_comment(self, comment: char) -> TextSource<'a, T, Csv>
    where
        Format: CsvOptions,
    {
        self.set(|csv| csv.comment = Some(comment))
    }

    /// If true, the first record names the columns; true by default. Without names, fields are taken in
    /// order. Of this and [`with_names`](Self::with_names), the last that is set holds.
    pub fn with_headers(self, headers: bool) -> TextSource<'a, T, Csv>
    where
        Format: CsvOptions,
    {
        self.set(|csv| csv.names = if headers { ColumnNames::Header } else { ColumnNames::None })
    }

    /// Names the columns of text that has no header: the first record is a row. Fields are then found by
    /// these names, as by those of a header. Unless rows are [`flexible`](Self::flexible), each must have
    /// as many fields as there are names. To replace the names of a header, pass over it with
    /// [`skip_rows`](Self::skip_rows). No name at all is refused ([`AsyncTaskError::InvalidConfig`]).
    ///
    /// [`AsyncTaskError::InvalidConfig`]: sweet_async_core::AsyncTaskError::InvalidConfig
    pub fn with_names<N: Into<Box<str>>>(self, names: impl IntoIterator<Item = N>) -> TextSource<'a, T, Csv>
    where
        Format: CsvOptions,
    {
        self.set(|csv| csv.names = ColumnNames::Given(names.into_iter().map(Into::into).collect()))
    }

    /// Calls `on_header` with the header of each source, once it was read, and before any of its rows is
    /// handled. It is synchronous, runs on the executor's threads, and may return a `Result`: with an
    /// error, or a panic, the source cannot be read ([`AsyncTaskError::Io`], whose text has that of the
    /// error). So it can check that all columns are there before hours of rows are rejected.
    ///
    /// An empty source has no header, and the function is not called for it. A row knows its names too:
    /// [`Row::names`](crate::Row::names). It is refused ([`AsyncTaskError::InvalidConfig`]) where
    /// [`with_headers`](Self::with_headers) or [`with_names`](Self::with_names) says that there is no header.
    ///
    /// [`AsyncTaskError::InvalidConfig`]: sweet_async_core::AsyncTaskError::InvalidConfig
    /// [`AsyncTaskError::Io`]: sweet_async_core::AsyncTaskError::Io
    pub fn on_header<F, O, K>(self, on_header: F) -> TextSource<'a, T, Csv>
    where
        Format: CsvOptions,
        F: Fn(Header<'_>) -> O + Send + Sync + 'static,
        O: IntoResult<(), K>,
    {
        self.set(|csv| csv.on_header = Some(OnHeader::new(on_header)))
    }

    /// Accepts rows with fewer or more fields than the first record; otherwise such a row is rejected.
    pub fn flexible(self) -> TextSource<'a, T, Csv>
    where
        Format: CsvOptions,
    {
        self.set(|csv| csv.flexible = true)
    }

    /// Refuses what the csv crate accepts and RFC 4180 does not: a quote inside a field that is not in
    /// quotes, and text after a closing quote. Such a row is rejected, at that position. A mistaken quote is
    /// often found this way, which would otherwise take the rows up to the next quote with it.
    pub fn strict(self) -> TextSource<'a, T, Csv>
    where
        Format: CsvOptions,
    {
        self.set(|csv| csv.checks.strict = true)
    }

    /// Sets the most lines that one row may have; no limit by default. A row has several lines where line
    /// ends are in quotes. A row with more lines is rejected, and passed over. With 1, no field holds a line
    /// end. Zero is refused ([`AsyncTaskError::InvalidConfig`]).
    ///
    /// Lines are counted by their LF.
    ///
    /// [`AsyncTaskError::InvalidConfig`]: sweet_async_core::AsyncTaskError::InvalidConfig
    pub fn with_max_record_lines(self, lines: u64) -> TextSource<'a, T, Csv>
    where
        Format: CsvOptions,
    {
        self.set(|csv| csv.checks.max_lines = lines)
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
        self.set(|csv| csv.checks.resync = true)
    }
}
