//! The faults of a row or of a whole source, with texts that say how to correct them.

use std::fmt;
use std::str::Utf8Error;

/// The most characters of the user's data that an error repeats: a thousand kept errors must stay small even
/// when each is about a 4 MiB field.
const LONGEST_QUOTE: usize = 400;

/// A row that cannot be handed on: its position, and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BadRow {
    /// Its index among the rows of its source; a bad row is counted as a good one is.
    pub(crate) sequence: u64,
    pub(crate) line: u64,
    pub(crate) byte: u64,
    pub(crate) reason: BadRowReason,
}

/// The reason why a row cannot be handed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BadRowReason {
    /// Boxed, as a field's fault is.
    Refused(Box<RefusedRecord>),
    Width {
        expected: usize,
        found: usize,
    },
    /// Boxed, since a row carries its reason inline and good rows should not pay for it.
    Field(Box<FieldFault>),
    NotUtf8 {
        valid_up_to: usize,
    },
    Parse(Box<str>),
}

/// A record that the cutter refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RefusedRecord {
    pub(crate) reason: RefusalReason,
    /// The line of the quote that is open at the end of the record's first line, if one is.
    pub(crate) quote: Option<u64>,
    /// The number of its bytes and of its lines, if all of it is passed over.
    pub(crate) extent: Option<(u64, u64)>,
    /// True if only its first line is passed over.
    pub(crate) resumed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RefusalReason {
    OpenQuote { line: u64 },
    RecordTooLong { limit: usize },
    LineTooLong { limit: usize },
    TooManyLines { limit: u64 },
    QuoteInField,
    TextAfterQuote,
}

/// A field that does not decode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FieldFault {
    /// Its number, from 1 as people count columns.
    pub(crate) number: u64,
    /// Its name in the header, if there is one.
    pub(crate) name: Option<Box<str>>,
    pub(crate) reason: Box<str>,
}

/// The reason why a whole source cannot be read. It is not cut any further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    Utf16 { encoding: &'static str },
    Header(BadRow),
}

impl BadRowReason {
    pub(crate) fn parse(reason: &impl fmt::Display) -> Self {
        Self::Parse(short(&reason.to_string()))
    }

    pub(crate) fn not_utf8(fault: &Utf8Error) -> Self {
        Self::NotUtf8 { valid_up_to: fault.valid_up_to() }
    }

    /// The fault of the field at `index`, from 0.
    #[cfg(feature = "csv")]
    pub(crate) fn field(index: usize, name: Option<&str>, reason: &impl fmt::Display) -> Self {
        let (number, name) = (index as u64 + 1, name.map(short));
        Self::Field(Box::new(FieldFault { number, name, reason: short(&reason.to_string()) }))
    }
}

/// Returns the text, or its beginning and three dots.
fn short(text: &str) -> Box<str> {
    match text.char_indices().nth(LONGEST_QUOTE) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()).into(),
        None => text.into(),
    }
}

impl fmt::Display for BadRowReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refused) => refused.fmt(f),
            Self::Width { expected, found } => {
                let s = if *expected == 1 { "" } else { "s" };
                write!(f, "expected {expected} field{s}, found {found}")
            }
            Self::Field(fault) => fault.fmt(f),
            Self::NotUtf8 { valid_up_to } => {
                write!(f, "not valid UTF-8 from its byte {valid_up_to} on: convert the source to UTF-8")
            }
            Self::Parse(reason) => f.write_str(reason),
        }
    }
}

impl fmt::Display for RefusedRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)?;
        match (self.reason, self.quote) {
            (RefusalReason::OpenQuote { .. }, _) | (_, None) => {}
            (_, Some(line)) => write!(f, "; a quote opened on line {line}")?,
        }
        if let Some((bytes, lines)) = self.extent {
            let s = if lines == 1 { "" } else { "s" };
            write!(f, "; it took {bytes} bytes on {lines} line{s}")?;
        }
        if self.resumed {
            f.write_str("; reading goes on at the next line")?;
        }
        Ok(())
    }
}

impl fmt::Display for RefusalReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OpenQuote { line } => write!(
                f,
                "the quote opened on line {line} is never closed: close it, or double it where it is text"
            ),
            Self::RecordTooLong { limit } => {
                write!(f, "a record is larger than the limit of {limit} bytes (see with_max_record)")
            }
            Self::LineTooLong { limit } => {
                write!(f, "a line is longer than the limit of {limit} bytes (see with_max_record)")
            }
            Self::TooManyLines { limit } => {
                let s = if *limit == 1 { "" } else { "s" };
                write!(f, "a record has more than {limit} line{s} (see with_max_record_lines)")
            }
            Self::QuoteInField => f.write_str(
                "a quote inside a field that is not in quotes: put the field in quotes, and double the one inside",
            ),
            Self::TextAfterQuote => f.write_str(
                "text after the quote that closes a field: where that quote is text, double it",
            ),
        }
    }
}

impl fmt::Display for FieldFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "field {} ({name}): {}", self.number, self.reason),
            None => write!(f, "field {}: {}", self.number, self.reason),
        }
    }
}

impl fmt::Display for BadRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, byte {}: {}", self.line, self.byte, self.reason)
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Utf16 { encoding } => {
                write!(f, "the source is {encoding}, which is not read: convert it to UTF-8")
            }
            Self::Header(bad) => write!(f, "the header cannot be read: {bad}"),
        }
    }
}

impl std::error::Error for BadRowReason {}
impl std::error::Error for BadRow {}
impl std::error::Error for Unreadable {}
