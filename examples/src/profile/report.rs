//! What is told at the end, as data.

use anyhow::bail;
use serde::Serialize;
use sweet_async::pipeline::{FinalEvent, RowError};

use super::Profile;
use super::column::{Cell, Column};

/// A file, profiled.
#[derive(Debug, PartialEq, Serialize)]
pub struct Report {
    /// Rows after the header, bad ones too.
    pub rows: u64,
    /// Rows that no column counts.
    pub bad_rows: BadRows,
    /// In the file's order.
    pub columns: Vec<ColumnReport>,
}

/// Rows with more or fewer fields than the header, and rows that cannot be read.
#[derive(Debug, PartialEq, Serialize)]
pub struct BadRows {
    /// All of them.
    pub count: u64,
    /// The first of them, in the file's order.
    pub first: Vec<BadRow>,
}

/// A bad row.
#[derive(Debug, PartialEq, Serialize)]
pub struct BadRow {
    /// Where it begins: its line, from 1.
    pub line: Option<u64>,
    /// Where it begins: its offset in the file, from 0.
    pub byte: Option<u64>,
    /// What is wrong; for a row of another width, how many fields were expected and found.
    pub reason: String,
}

/// A column. What does not apply to its type is `None`.
#[derive(Debug, PartialEq, Serialize)]
pub struct ColumnReport {
    /// From the header.
    pub name: String,
    /// `integer`, `boolean`, `date` or `text` if all cells that are not empty are [that](super::Value); `float` if
    /// they are floats and integers; `text` for any other mixture; `empty` if there are none.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Cells without a single character.
    pub empty: u64,
    /// Of numbers, the smallest.
    pub min: Option<Number>,
    /// Of numbers, the largest.
    pub max: Option<Number>,
    /// Of numbers, the exact sum, rounded, divided by their count; `None` too if one is beyond 1e289.
    pub mean: Option<f64>,
    /// Of all but numbers, the first of the shortest cells that are not empty.
    pub shortest: Option<Extreme>,
    /// Of all but numbers, the first of the longest cells.
    pub longest: Option<Extreme>,
}

/// A number as its column has it: integers keep all their digits.
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
    /// In characters.
    pub length: usize,
    /// The cell.
    pub value: String,
}

impl Report {
    /// Puts together what the columns hold and what the pipeline says. An empty file has no columns and no rows.
    ///
    /// # Errors
    ///
    /// The header cannot be read, so that there is nothing to measure the rows against.
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
        let (min, max) = match (kind, self.whole, self.range) {
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
