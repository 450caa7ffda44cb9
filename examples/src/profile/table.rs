//! The report as a table for people, with aligned columns.

use std::fmt;

use super::report::{ColumnReport, Extreme, Number, Report};

const TITLES: [&str; 8] = ["column", "type", "empty", "min", "max", "mean", "shortest", "longest"];

/// The most characters of a value that are shown.
const MAX_CHARS: usize = 28;

/// The most bad rows that are shown.
const MAX_SHOWN: usize = 10;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<_> = std::iter::once(TITLES.map(str::to_owned))
            .chain(self.columns.iter().map(ColumnReport::cells))
            .collect();
        let widths: Vec<_> = (0..TITLES.len()).map(|column| width(&rows, column)).collect();
        for row in &rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(&format!("{cell:<width$}  "));
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        writeln!(f, "\nrows      {}\nbad rows  {}", self.rows, self.bad_rows.count)?;
        let shown = self.bad_rows.first.iter().take(MAX_SHOWN);
        for bad in shown.clone() {
            match (bad.line, bad.byte) {
                (Some(line), Some(byte)) => writeln!(f, "  line {line} (byte {byte}): {}", bad.reason)?,
                _ => writeln!(f, "  {}", bad.reason)?,
            }
        }
        match self.bad_rows.count - shown.len() as u64 {
            0 => Ok(()),
            more => writeln!(f, "  and {more} more"),
        }
    }
}

fn width(rows: &[[String; 8]], column: usize) -> usize {
    rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
}

impl ColumnReport {
    fn cells(&self) -> [String; 8] {
        let number = |number: Option<Number>| number.map(|number| number.to_string()).unwrap_or_default();
        let mean = self.mean.map(|mean| format!("{mean:.4}")).unwrap_or_default();
        let extreme =
            |extreme: &Option<Extreme>| extreme.as_ref().map(Extreme::to_string).unwrap_or_default();
        [
            short(&self.name),
            self.kind.to_owned(),
            self.empty.to_string(),
            number(self.min),
            number(self.max),
            mean,
            extreme(&self.shortest),
            extreme(&self.longest),
        ]
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(number) => number.fmt(f),
            Self::Float(number) => number.fmt(f),
        }
    }
}

impl fmt::Display for Extreme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.length, short(&self.value))
    }
}

/// Returns the text on one line, cut off after `MAX_CHARS` characters.
fn short(text: &str) -> String {
    let mut chars = text.chars();
    let mut line = String::new();
    for char in chars.by_ref().take(MAX_CHARS) {
        match char.is_control() {
            true => line.extend(char.escape_default()),
            false => line.push(char),
        }
    }
    if chars.next().is_some() {
        line.push('…');
    }
    line
}
