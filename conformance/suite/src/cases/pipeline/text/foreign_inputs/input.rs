//! An input of a foreign test, and its due reading.

use crate::library::pipeline::{Csv, Delimiter, Row, Terminator, TextSource, Trim};

/// Reasons why more than one parser reads differently.
pub(super) const BLANK_LINES: &str = "blank lines are no rows";
pub(super) const CLOSED_BY_A_QUOTE: &str =
    "a quote that is not doubled closes its field, and text after it is text";
pub(super) const ONE_WIDTH: &str = "a row of another width is rejected, and is not filled or cut";
pub(super) const OPEN_QUOTE: &str = "the text after a quote that is never closed makes no row";

pub(super) type Source<'a> = TextSource<'a, Row, Csv>;

/// Rows, each as its fields. Bytes that are not UTF-8 are replacement characters.
pub(super) type Rows = &'static [&'static [&'static str]];

/// One input.
#[derive(Clone, Copy, Debug)]
pub(super) struct Input {
    /// Its name there, or what it is about.
    pub(super) name: &'static str,
    /// Its options. Without any there is no header, and rows may have any width.
    pub(super) options: &'static [Set],
    pub(super) text: &'static [u8],
    pub(super) due: Due,
    /// The reason why it is read differently there. `None` if it is read as here.
    pub(super) differs: Option<&'static str>,
}

/// The reading that is due.
#[derive(Clone, Copy, Debug)]
pub(super) enum Due {
    /// The rows, after the header where there is one; and line and a part of the reason of each rejected row.
    Read(Rows, &'static [(u64, &'static str)]),
    /// The options are refused, and the error contains this.
    Refused(&'static str),
    /// The source cannot be read, and the error contains this.
    Unreadable(&'static str),
}

/// One option.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Set {
    Delimiter(char),
    Quote(char),
    NoQuote,
    Escape(char),
    NoDoubleQuote,
    Comment(char),
    Terminator(char),
    Trim(Trim),
    /// The first record has the names.
    Header,
    Names(&'static [&'static str]),
    /// All rows have as many fields as the first record.
    OneWidth,
    Strict,
    MaxRows(u64),
    MaxRecord(usize),
}

/// Returns an input that is read as these rows, here and there.
pub(super) const fn read(
    name: &'static str,
    options: &'static [Set],
    text: &'static [u8],
    rows: Rows,
) -> Input {
    Input { name, options, text, due: Due::Read(rows, &[]), differs: None }
}

/// Returns an input whose options are refused.
pub(super) const fn refused(
    name: &'static str,
    options: &'static [Set],
    text: &'static [u8],
    part: &'static str,
) -> Input {
    Input { name, options, text, due: Due::Refused(part), differs: None }
}

/// Returns an input that makes its source unreadable.
pub(super) const fn unreadable(
    name: &'static str,
    options: &'static [Set],
    text: &'static [u8],
    part: &'static str,
) -> Input {
    Input { name, options, text, due: Due::Unreadable(part), differs: None }
}

impl Input {
    /// Adds rows that are rejected: the line of each, and a part of its reason.
    pub(super) const fn rejects(self, rejected: &'static [(u64, &'static str)]) -> Self {
        match self.due {
            Due::Read(rows, _) => Self { due: Due::Read(rows, rejected), ..self },
            Due::Refused(_) | Due::Unreadable(_) => self,
        }
    }

    /// Notes why it is read differently there.
    pub(super) const fn differs(self, reason: &'static str) -> Self {
        Self { differs: Some(reason), ..self }
    }
}

impl Set {
    /// Sets the option.
    pub(super) fn on(self, source: Source<'_>) -> Source<'_> {
        match self {
            Self::Delimiter(mark) => source.with_delimiter(Delimiter::Custom(mark)),
            Self::Quote(mark) => source.with_quote(Some(mark)),
            Self::NoQuote => source.with_quote(None),
            Self::Escape(mark) => source.with_escape(mark),
            Self::NoDoubleQuote => source.with_double_quote(false),
            Self::Comment(mark) => source.with_comment(mark),
            Self::Terminator(mark) => source.with_terminator(Terminator::Custom(mark)),
            Self::Trim(trim) => source.with_trim(trim),
            Self::Names(names) => source.with_names(names.iter().copied()),
            Self::Strict => source.strict(),
            Self::MaxRows(rows) => source.max_rows(rows),
            Self::MaxRecord(bytes) => source.with_max_record(bytes),
            // Set by the case itself, which reads without a header and rows of any width by default.
            Self::Header | Self::OneWidth => source,
        }
    }
}
