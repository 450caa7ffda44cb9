//! Rows as JSON values, one a line.

use serde::Serialize;

use crate::output::rows::{LineText, RowFormat, RowText};
use crate::source::format::marker::JsonLines;
use sweet_async_core::error::AsyncTaskError;

// For a type that cannot be written, the compiler is to name the format.
#[diagnostic::do_not_recommend]
impl<T: Serialize> RowFormat<T> for JsonLines {
    type Text = JsonText;
}

/// The text of values as JSON.
#[derive(Default)]
pub struct JsonText(LineText);

impl<T: Serialize> RowText<T> for JsonText {
    fn add(&mut self, row: &T) -> Result<(), AsyncTaskError> {
        self.0.add(|text| serde_json::to_writer(text, row).map_err(AsyncTaskError::failure))
    }

    fn bytes(&self) -> usize {
        self.0.complete
    }

    fn mark(&self) -> usize {
        self.0.complete
    }

    fn undo(&mut self, mark: usize) {
        // The next row, or `take`, removes the text after it.
        self.0.complete = mark;
    }

    fn take(&mut self) -> Vec<u8> {
        self.0.take()
    }
}
