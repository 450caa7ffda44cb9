//! The dialects in which a source can be cut.

use std::sync::Arc;

/// The rules that separate records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Delimited fields and quotes; CR, LF or both end a record, or one byte of the dialect's own; blank
    /// lines are no records.
    Csv(CsvDialect, Checks),
    /// LF ends a line; a CR right before it is part of the line end.
    Lines {
        /// True if lines that are empty, or hold white space alone, are records.
        blank: bool,
    },
}

/// The records of CSV that the cutter refuses. The other records are parsed as without checks, so a parser
/// needs no knowledge of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Checks {
    /// Refuses a quote inside a field that is not in quotes, and text after a closing quote.
    pub(crate) strict: bool,
    /// Rejects only the first line of a refused record: cutting goes on at the line after it.
    pub(crate) resync: bool,
    /// The most lines of a record.
    pub(crate) max_lines: u64,
}

impl Default for Checks {
    fn default() -> Self {
        Self { strict: false, resync: false, max_lines: u64::MAX }
    }
}

/// The origin of the columns' names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum ColumnNames {
    /// The first record holds them.
    #[default]
    Header,
    /// There are none.
    None,
    /// They are set, and the first record is a row.
    Given(Arc<[Box<str>]>),
}

/// The bytes that structure a CSV file, and their meaning within quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CsvDialect {
    pub(crate) delimiter: u8,
    pub(crate) quote: Option<u8>,
    /// Within quotes, the byte after this one is text.
    pub(crate) escape: Option<u8>,
    /// True if a quote inside quotes may be written twice.
    pub(crate) double_quote: bool,
    /// A line that begins with this byte is skipped; it ends at LF only.
    pub(crate) comment: Option<u8>,
    /// The byte that ends a record. `None`: CR, LF or both.
    pub(crate) terminator: Option<u8>,
    /// True if white space around a field's text is no part of it, also where that text was in quotes.
    pub(crate) trim: bool,
}

impl Default for CsvDialect {
    fn default() -> Self {
        Self {
            delimiter: b',',
            quote: Some(b'"'),
            escape: None,
            double_quote: true,
            comment: None,
            terminator: None,
            trim: false,
        }
    }
}

impl CsvDialect {
    /// Checks that the bytes can work together. The cutter and the parser agree on every dialect that passes;
    /// on others they may not.
    ///
    /// # Errors
    ///
    /// The reason why they cannot, with the setting and its value.
    pub(crate) fn check(self) -> Result<Self, String> {
        let marks = [
            ("with_delimiter", Some(self.delimiter)),
            ("with_quote", self.quote),
            ("with_comment", self.comment),
            ("with_escape", self.escape),
        ];
        for (setting, byte) in marks {
            if let Some(byte @ (b'\r' | b'\n')) = byte {
                return Err(refused(setting, byte, "CR and LF, which end a record"));
            }
        }
        let marks = marks.into_iter().chain([("with_terminator", self.terminator)]);
        let mut before: Vec<(&str, u8)> = Vec::new();
        for (setting, byte) in marks {
            let Some(byte) = byte else { continue };
            // Only a message of a queue has such a mark. It could be a part of a character.
            if !byte.is_ascii() {
                return Err(format!("`{setting}` is the byte {byte:#x}: it must be an ASCII character"));
            }
            if let Some((other, _)) = before.iter().find(|(_, other)| *other == byte) {
                return Err(refused(setting, byte, &format!("that of `{other}`")));
            }
            before.push((setting, byte));
        }
        Ok(self)
    }
}

fn refused(setting: &str, byte: u8, others: &str) -> String {
    format!("`{setting}` is {:?}: it must be another character than {others}", char::from(byte))
}
