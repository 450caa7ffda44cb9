//! The formats of files that are written, and the text that a worker makes of its rows.

#[cfg(feature = "csv")]
pub(crate) mod csv;
#[cfg(feature = "json")]
pub(crate) mod json_lines;
pub(crate) mod lines;

use memchr::memchr;

use sweet_async_core::error::AsyncTaskError;

/// A format in which rows of type `T` can be written.
#[diagnostic::on_unimplemented(
    message = "`{T}` cannot be written as `{Self}`",
    note = "a line is a `Display`; a row of CSV and a JSON value are `serde::Serialize`"
)]
pub trait RowFormat<T>: Send + Sync + 'static {
    /// The rows of one worker.
    type Text: RowText<T>;
}

/// The text of a worker's rows that was not written yet.
pub trait RowText<T>: Default + Send + 'static {
    /// Adds a row. After an error or a panic, which is that of the row, nothing of it is there.
    #[doc(hidden)]
    fn add(&mut self, row: &T) -> Result<(), AsyncTaskError>;

    /// The number of bytes.
    #[doc(hidden)]
    fn bytes(&self) -> usize;

    /// The rows so far, as what [`undo`](Self::undo) goes back to.
    #[doc(hidden)]
    fn mark(&self) -> usize;

    /// Removes the rows after `mark`. None was taken since.
    #[doc(hidden)]
    fn undo(&mut self, mark: usize);

    /// Takes the rows, without a header.
    #[doc(hidden)]
    fn take(&mut self) -> Vec<u8>;

    /// The shape of all rows. `None` if no row was added, or if rows have no shape.
    #[doc(hidden)]
    fn shape(&self) -> Option<&Shape> {
        None
    }
}

/// The shape that all rows of a file have.
#[derive(Clone, PartialEq, Eq)]
pub struct Shape {
    /// The text before the first row.
    pub(crate) header: Box<[u8]>,
    /// The number of fields in a row.
    pub(crate) fields: usize,
}

/// Rows that are lines, each with its end.
#[derive(Default)]
struct LineText {
    text: Vec<u8>,
    /// The length of the text up to its last whole line. After a row that failed or panicked there may be
    /// more.
    complete: usize,
}

impl LineText {
    /// Adds a row. `write` adds its text, without the line's end.
    fn add(
        &mut self,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), AsyncTaskError>,
    ) -> Result<(), AsyncTaskError> {
        self.text.truncate(self.complete);
        write(&mut self.text)?;
        let line = self.text.get(self.complete..).unwrap_or_default();
        if memchr(b'\n', line).is_some() || line.last() == Some(&b'\r') {
            let reason = "the row has a line end within, and would be read as several lines";
            return Err(AsyncTaskError::failure(reason));
        }
        self.text.push(b'\n');
        self.complete = self.text.len();
        Ok(())
    }

    fn take(&mut self) -> Vec<u8> {
        self.text.truncate(std::mem::take(&mut self.complete));
        std::mem::take(&mut self.text)
    }
}
