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
    /// The reason why they cannot, with the setting and its value.
    pub(crate) fn check(self) -> Result<Self, String> {
        let delimiter = ("with_delimiter", Some(self.delimiter));
        let (quote, comment) = (("with_quote", self.quote), ("with_comment", self.comment));
        for (setting, byte) in [delimiter, quote, comment] {
            if let Some(byte @ (b'\r' | b'\n')) = byte {
                return Err(refused(setting, byte, "CR and LF, which end a record"));
            }
        }
        for ((setting, byte), (other, its)) in [(quote, delimiter), (comment, delimiter), (comment, quote)] {
            if let Some(byte) = byte.filter(|_| byte == its) {
                return Err(refused(setting, byte, &format!("that of `{other}`")));
            }
        }
        Ok(self)
    }
}

fn refused(setting: &str, byte: u8, others: &str) -> String {
    format!("`{setting}` is {:?}: it must be another character than {others}", char::from(byte))
}
