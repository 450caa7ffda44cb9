//! The dialects in which a source can be cut.

/// The rules that separate records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Delimited fields and quotes; CR, LF or both end a record; blank lines are no records.
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

/// The three bytes that structure a CSV file. A quote inside quotes is written twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CsvDialect {
    pub(crate) delimiter: u8,
    pub(crate) quote: Option<u8>,
    /// A line that begins with this byte is skipped; it ends at LF only.
    pub(crate) comment: Option<u8>,
}

impl Default for CsvDialect {
    fn default() -> Self {
        Self { delimiter: b',', quote: Some(b'"'), comment: None }
    }
}

impl CsvDialect {
    /// Checks that the three bytes can work together. The cutter and the parser agree on every dialect that
    /// passes; on others they may not.
    ///
    /// # Errors
    ///
    /// The reason why they cannot.
    pub(crate) fn check(self) -> Result<Self, &'static str> {
        let ends_line = |byte: u8| matches!(byte, b'\r' | b'\n');
        if ends_line(self.delimiter) {
            return Err("the field delimiter cannot be CR or LF: they end a record");
        }
        if self.quote.is_some_and(ends_line) || self.comment.is_some_and(ends_line) {
            return Err("the quote and comment marks cannot be CR or LF: they end a record");
        }
        if self.quote == Some(self.delimiter) || self.comment == Some(self.delimiter) {
            return Err("the field delimiter must differ from the quote and comment marks");
        }
        if self.quote.is_some() && self.quote == self.comment {
            return Err("the quote mark must differ from the comment mark");
        }
        Ok(self)
    }
}
