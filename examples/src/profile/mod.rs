//! The profile of a table's columns, made in one pass and in bounded memory.
//!
//! Each worker fills a [`Profile`] of its own, and the profiles are merged at the end. No figure of it
//! depends on the order of the rows: there are counts, extremes whose ties are settled by a row's position in
//! the file, and sums that are exact until they are read. So neither chunks nor workers nor the runtime show
//! in the result.

mod column;
mod report;
mod sum;
mod table;
mod value;

use sweet_async::pipeline::Event;

pub use report::{BadRow, BadRows, ColumnReport, Extreme, Number, Report};
pub use sum::ExactSum;
pub use value::Value;

use column::Column;

/// The profile of some of the rows of a file: those of one worker, or all.
#[derive(Debug, Default)]
pub struct Profile {
    header: Option<Vec<String>>,
    columns: Vec<Column>,
}

impl Profile {
    /// Adds a row. The first row of the file is its header.
    pub fn add(&mut self, row: Event<Vec<String>>) {
        let sequence = row.sequence();
        let cells = row.take_data();
        if sequence == 0 {
            self.header = Some(cells);
            return;
        }
        if self.columns.len() < cells.len() {
            self.columns.resize_with(cells.len(), Column::default);
        }
        for (column, cell) in self.columns.iter_mut().zip(&cells) {
            column.add(cell, sequence);
        }
    }

    /// Merges the profiles of two workers.
    #[must_use]
    pub fn merge(mut self, mut other: Self) -> Self {
        if self.columns.len() < other.columns.len() {
            std::mem::swap(&mut self.columns, &mut other.columns);
        }
        for (column, more) in self.columns.iter_mut().zip(other.columns) {
            column.merge(more);
        }
        Self { header: self.header.or(other.header), columns: self.columns }
    }
}
