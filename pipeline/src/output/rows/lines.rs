//! Rows as lines of text.

use std::fmt::Display;
use std::io::Write as _;

use crate::output::rows::{LineText, RowFormat, RowText};
use crate::source::format::marker::Lines;
use sweet_async_core::error::AsyncTaskError;

// For a type that cannot be written, the compiler is to name the format.
#[diagnostic::do_not_recommend]
impl<T: Display> RowFormat<T> for Lines {
    type Text = LinesText;
}

/// The text of values as they show themselves.
#[derive(Default)]
pub struct LinesText(LineText);

impl<T: Display> RowText<T> for LinesText {
    fn add(&mut self, row: &T) -> Result<(), AsyncTaskError> {
        self.0.add(|text| write!(text, "{row}").map_err(AsyncTaskError::failure))
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
