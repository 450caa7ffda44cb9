//! Rows as CSV, with a header where the row's type names its fields.

use std::mem;

use csv::{ByteRecord, ReaderBuilder, Writer, WriterBuilder};
use serde::Serialize;

use crate::output::rows::{RowFormat, RowText, Shape};
use crate::source::format::marker::Csv;
use sweet_async_core::error::AsyncTaskError;

// For a type that cannot be written, the compiler is to name the format.
#[diagnostic::do_not_recommend]
impl<T: Serialize> RowFormat<T> for Csv {
    type Text = CsvText;
}

/// Rows of CSV.
pub struct CsvText {
    /// A header and some rows. After a row that failed or panicked, also the part of it that was written.
    writer: Writer<Vec<u8>>,
    /// True while the writer may have a part of a row.
    is_torn: bool,
    /// The length of the writer's text up to its last whole row; 0 before its first row.
    complete: usize,
    /// Rows from before the writer's.
    rows: Vec<u8>,
    /// Set once there is a row.
    shape: Option<Shape>,
}

impl Default for CsvText {
    fn default() -> Self {
        let writer = Writer::from_writer(Vec::new());
        Self { writer, is_torn: false, complete: 0, rows: Vec::new(), shape: None }
    }
}

impl CsvText {
    fn write<T: Serialize>(&mut self, row: &T) -> Result<(), AsyncTaskError> {
        self.writer.serialize(row).map_err(AsyncTaskError::failure)?;
        self.writer.flush().map_err(AsyncTaskError::failure)?;
        match self.complete {
            0 => self.check_shape(row),
            // The writer refuses a row that has more fields or fewer than its first.
            _ => Ok(()),
        }
    }

    /// Checks that the shape of the writer's first row is that of all rows.
    fn check_shape<T: Serialize>(&mut self, row: &T) -> Result<(), AsyncTaskError> {
        let mut without = WriterBuilder::new().has_headers(false).from_writer(Vec::new());
        without.serialize(row).map_err(AsyncTaskError::failure)?;
        without.flush().map_err(AsyncTaskError::failure)?;
        let without = without.get_ref().as_slice();
        let header = self.writer.get_ref().strip_suffix(without).unwrap_or_default();
        let mut fields = ByteRecord::new();
        let mut reader = ReaderBuilder::new().has_headers(false).from_reader(without);
        reader.read_byte_record(&mut fields).map_err(AsyncTaskError::failure)?;
        let shape = Shape { header: header.into(), fields: fields.len() };
        if *self.shape.get_or_insert_with(|| shape.clone()) == shape {
            Ok(())
        } else {
            Err(AsyncTaskError::failure("the row has other columns than the rows before it"))
        }
    }

    /// Starts a new writer, and keeps the whole rows of the old one.
    fn renew(&mut self) {
        let old = mem::replace(&mut self.writer, Writer::from_writer(Vec::new()));
        let complete = mem::take(&mut self.complete);
        self.is_torn = false;
        // Flushing into memory does not fail.
        let Ok(text) = old.into_inner() else { return };
        let header = self.shape.as_ref().map_or(0, |shape| shape.header.len());
        if let Some(rows) = text.get(header..complete) {
            self.rows.extend_from_slice(rows);
        }
    }
}

impl<T: Serialize> RowText<T> for CsvText {
    fn add(&mut self, row: &T) -> Result<(), AsyncTaskError> {
        if self.is_torn {
            self.renew();
        }
        self.is_torn = true;
        self.write(row)?;
        self.is_torn = false;
        self.complete = self.writer.get_ref().len();
        Ok(())
    }

    fn bytes(&self) -> usize {
        self.rows.len() + self.complete
    }

    fn mark(&self) -> usize {
        let header = self.shape.as_ref().map_or(0, |shape| shape.header.len());
        self.rows.len() + self.complete.saturating_sub(header)
    }

    fn undo(&mut self, mark: usize) {
        self.renew();
        self.rows.truncate(mark);
    }

    fn take(&mut self) -> Vec<u8> {
        self.renew();
        mem::take(&mut self.rows)
    }

    fn shape(&self) -> Option<&Shape> {
        self.shape.as_ref()
    }
}
