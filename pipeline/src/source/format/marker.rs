//! The formats of text, as types: each has the options that it knows, and no others.

/// Marker: no format has been named. The text is CSV with a header, unless a format is named later.
#[derive(Clone, Copy, Debug)]
pub struct Undecided;

/// Marker: the text is CSV (RFC 4180).
#[derive(Clone, Copy, Debug)]
pub struct Csv;

/// Marker: each line of the text is a row.
#[derive(Clone, Copy, Debug)]
pub struct Lines;

/// Marker: each line of the text is a JSON value.
#[cfg(feature = "json")]
#[derive(Clone, Copy, Debug)]
pub struct JsonLines;

/// A format that has the options of CSV: CSV itself, or one that may still become CSV.
#[diagnostic::on_unimplemented(
    message = "this option is one of CSV, and the source is read as `{Self}`",
    label = "no option of `{Self}`",
    note = "leave it out, or leave out `.lines()` or `.json_lines()`: without these the source is CSV"
)]
pub trait CsvOptions: sealed::Format {}

impl CsvOptions for Undecided {}
impl CsvOptions for Csv {}

/// The format of a source that has not named one yet.
#[diagnostic::on_unimplemented(
    message = "the source is read as `{Self}` already: it cannot have a second format",
    label = "the format was decided before",
    note = "options of CSV, such as `with_delimiter`, decide for CSV: leave them out before `.lines()` and `.json_lines()`"
)]
pub trait NoFormat: sealed::Format {}

impl NoFormat for Undecided {}

mod sealed {
    #[allow(unnameable_types, reason = "a seal")]
    pub trait Format {}

    impl Format for crate::source::format::marker::Undecided {}
    impl Format for crate::source::format::marker::Csv {}
    impl Format for crate::source::format::marker::Lines {}
    #[cfg(feature = "json")]
    impl Format for crate::source::format::marker::JsonLines {}
}
