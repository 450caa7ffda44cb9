//! The report on a file, as data.

use anyhow::bail;
use serde::Serialize;
use sweet_async::pipeline::{FinalEvent, RowError};

use super::Profile;
use super::column::{Cell, Column};

/// The profile of a whole file.
#[derive(Debug, PartialEq, Serialize)]
pub struct Report {
    /// The number of rows after the header, bad ones included.
    pub rows: u64,
    /// The rows that no column counts.
    pub bad_rows: BadRows,
    /// The columns, in the file's order.
    pub columns: Vec<ColumnReport>,
}

/// Rows with more or fewer fields than the header, and rows that cannot be read.
#[derive(Debug, PartialEq, Serialize)]
pub struct BadRows {
    /// The number of all of them.
    pub count: u64,
    /// The first of them, in the file's order.
    pub first: Vec<BadRow>,
}

/// A bad row.
#[derive(Debug, PartialEq, Serialize)]
pub struct BadRow {
    /// The line at which it begins, from 1.
    pub line: Option<u64>,
    /// The offset in the file at which it begins, from 0.
    pub byte: Option<u64>,
    /// The reason. For a row of another width, it says how many fields were expected and found.
    pub reason: String,
}

/// The profile of one column. A figure that does not apply to its type is `None`.
#[derive(Debug, PartialEq, Serialize)]
pub struct ColumnReport {
    /// The name, from the header.
    pub name: String,
    /// The type: `integer`, `boolean`, `date` or `text` if all cells that are not empty are
    /// [that](super::Value); `float` if they are floats and integers; `text` for any other mixture; `empty`
    /// if there are none.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The number of cells without a single character.
    pub empty: u64,
    /// The smallest number, in a column of numbers.
    pub min: Option<Number>,
    /// The largest number, in a column of numbers.
    pub max: Option<Number>,
    /// The mean, in a column of numbers: the exact sum, rounded, divided by the count. Also `None` if a
    /// number is beyond 1e289.
    pub mean: Option<f64>,
    /// The first of the shortest cells that are not empty, in a column of anything but numbers.
    pub shortest: Option<Extreme>,
    /// The first of the longest cells, in a column of anything but numbers.
    pub longest: Option<Extreme>,
}

/// A number in the type of its column: integers keep all their digits.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Number {
    /// In a column of integers.
    Integer(i128),
    /// In a column of floats.
    Float(f64),
}

/// A cell that stands out by its length.
#[derive(Debug, PartialEq, Serialize)]
pub struct Extreme {
    /// The length in characters.
    pub length: usize,
    /// The text of the cell.
    pub value: String,
}

impl Report {
    /// Combines the columns of the profile with the counts of the pipeline. An empty file has no columns and
    /// no rows.
    ///
    /// # Errors
    ///
    /// If the header cannot be read, since rows have nothing to be measured against then.
    pub fn new(profile: Profile, summary: &FinalEvent) -> anyhow::Result<Self> {
        let Profile { header, mut columns } = profile;
        let header = match (header, summary.errors().first()) {
            (Some(header), _) => header,
            (None, Some(error)) => bail!("the header cannot be read: {error}"),
            (None, None) => Vec::new(),
        };
        columns.resize_with(header.len(), Column::default);
        Ok(Self {
            rows: summary.read().saturating_sub(1),
            bad_rows: BadRows {
                count: summary.rejected(),
                first: summary.errors().iter().map(BadRow::from).collect(),
            },
            columns: header.into_iter().zip(columns).map(|(name, column)| column.report(name)).collect(),
        })
    }
}

impl From<&RowError> for BadRow {
    fn from(error: &RowError) -> Self {
        let position = error.position();
        Self { line: position.line(), byte: position.byte(), reason: error.reason() }
    }
}

impl Column {
    fn report(self, name: String) -> ColumnReport {
        let kind = self.kind();
        let (min, max) = match (kind, self.integer_range, self.range) {
            ("integer", Some((min, max)), _) => (Some(Number::Integer(min)), Some(Number::Integer(max))),
            ("float", _, Some((min, max))) => (Some(Number::Float(min)), Some(Number::Float(max))),
            _ => (None, None),
        };
        let numbers = min.is_some();
        let count = (self.integers + self.floats) as f64;
        let mean = self.sum.value().filter(|_| numbers).map(|sum| sum / count);
        let extreme = |cell: Option<Cell>| {
            cell.filter(|_| !numbers).map(|cell| Extreme { length: cell.chars, value: cell.text })
        };
        let (shortest, longest) = (extreme(self.shortest), extreme(self.longest));
        ColumnReport { name, kind, empty: self.empty, min, max, mean, shortest, longest }
    }

    fn kind(&self) -> &'static str {
        match (self.integers, self.floats, self.booleans, self.dates, self.texts) {
            (0, 0, 0, 0, 0) => "empty",
            (_, 0, 0, 0, 0) => "integer",
            (_, _, 0, 0, 0) => "float",
            (0, 0, _, 0, 0) => "boolean",
            (0, 0, 0, _, 0) => "date",
            _ => "text",
        }
    }
}
