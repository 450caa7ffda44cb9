//! The options of CSV, as they are set and checked.

use crate::source::format::header::OnHeader;
use crate::text::dialect::{Checks, ColumnNames, CsvDialect};
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
    pub(crate) delimiter: Delimiter,
    pub(crate) quote: Option<char>,
    pub(crate) escape: Option<char>,
    pub(crate) double_quote: bool,
    pub(crate) comment: Option<char>,
    pub(crate) terminator: Terminator,
    pub(crate) trim: Trim,
    pub(crate) names: ColumnNames,
    pub(crate) on_header: Option<OnHeader>,
    pub(crate) flexible: bool,
    pub(crate) checks: Checks,
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
