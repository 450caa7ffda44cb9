//! What can be wrong with a row or a whole source, said so that it can be put right.

use std::fmt;
use std::str::Utf8Error;

/// Longest piece of the user's data that an error repeats: a thousand kept errors must stay small even
/// when each is about a 4 MiB field.
const LONGEST_QUOTE: usize = 400;

/// A row that cannot be handed on, where it is, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BadRow {
    /// Its index among the rows of its source; it takes a place as a good row does.
    pub(crate) sequence: u64,
    pub(crate) line: u64,
    pub(crate) byte: u64,
    pub(crate) reason: BadRowReason,
}

/// Why a row cannot be handed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BadRowReason {
    /// Boxed, as a field's fault is.
    Uncut(Box<Uncut>),
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

/// A record that is refused where records are told apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Uncut {
    pub(crate) why: UncutReason,
    /// Where the record goes on behind its first line: the line of the quote that took the next one.
    pub(crate) quote: Option<u64>,
    /// Its bytes and its lines, where all of it is passed over.
    pub(crate) taken: Option<(u64, u64)>,
    /// Only its first line is passed over.
    pub(crate) resumed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UncutReason {
    OpenQuote { line: u64 },
    RecordTooLong { limit: usize },
    LineTooLong { limit: usize },
    TooManyLines { limit: u64 },
    QuoteInField,
    TextAfterQuote,
}

/// One field that does not decode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FieldFault {
    /// From 1, as people count columns.
    pub(crate) number: u64,
    /// Its name in the header, where there is one.
    pub(crate) name: Option<Box<str>>,
    pub(crate) reason: Box<str>,
}

/// Why a whole source cannot be read; cutting it any further makes no sense.
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

    /// What is wrong with the field at `index`, which is counted from 0.
    #[cfg(feature = "csv")]
    pub(crate) fn field(index: usize, name: Option<&str>, reason: &impl fmt::Display) -> Self {
        let (number, name) = (index as u64 + 1, name.map(short));
        Self::Field(Box::new(FieldFault { number, name, reason: short(&reason.to_string()) }))
    }
}

/// The text, or its beginning and three dots.
fn short(text: &str) -> Box<str> {
    match text.char_indices().nth(LONGEST_QUOTE) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()).into(),
        None => text.into(),
    }
}

impl fmt::Display for BadRowReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uncut(uncut) => uncut.fmt(f),
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

impl fmt::Display for Uncut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.why.fmt(f)?;
        match (self.why, self.quote) {
            (UncutReason::OpenQuote { .. }, _) | (_, None) => {}
            (_, Some(line)) => write!(f, "; a quote opened on line {line}")?,
        }
        if let Some((bytes, lines)) = self.taken {
            let s = if lines == 1 { "" } else { "s" };
            write!(f, "; it took {bytes} bytes on {lines} line{s}")?;
        }
        if self.resumed {
            f.write_str("; reading goes on at the next line")?;
        }
        Ok(())
    }
}

impl fmt::Display for UncutReason {
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
