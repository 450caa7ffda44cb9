//! A row of CSV, which shares one table of split records with its neighbours, and the types that are made
//! from a row.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::de::{Deserialize, DeserializeOwned};

use crate::text::csv::deserialize;
use crate::text::csv::table::{Record, RecordSpan, Table};
use crate::text::fault::BadRowReason;
use sealed::Key;

/// One record of a CSV source: its fields as bytes or text, by index or by the name of their column.
///
/// ```no_run
/// # use sweet_async_pipeline::{ChunkSizeExt as _, Event, FieldError, PipelineBuilder, Row};
/// # async fn sum<R: sweet_async_core::Runtime>(rt: R) -> Result<(), sweet_async_core::AsyncTaskError> {
/// let (sum, _) = PipelineBuilder::<Row, _>::new(rt)
///     .sender(|sources| sources.of_file("data.csv").into_chunks(256.kib()))
///     .fold(
///         || 0.0,
///         |sum, event: Event<Row>| -> Result<(), FieldError> {
///             *sum += event.data().parse::<f64>("amount")?;
///             Ok(())
///         },
///         |left, right| left + right,
///     )
///     .await?;
/// # Ok(())
/// # }
/// ```
///
/// Fields are as the csv crate reads them: without the quotes around them, and a doubled quote as one. A row
/// with fewer or more fields than the first record is rejected before a receiver sees it, unless the source
/// is [`flexible`](crate::TextSource::flexible). A field that is not valid UTF-8 is an error only where its
/// text is requested.
///
/// # Cost
///
/// Nothing is allocated for a row: the records of a chunk are split a few hundred at a time, and their rows
/// share one table, which no other worker touches. UTF-8 is checked once for a whole table, and for each
/// requested text only if the table is not valid as a whole.
///
/// A row that is kept, or cloned, keeps its table: at most 256 records, and at most 32 KiB of text plus one
/// record. Where few of many rows are kept, keep only the values that are needed.
#[derive(Clone)]
pub struct Row {
    pub(crate) table: Arc<Table>,
    pub(crate) index: usize,
}

impl Row {
    pub(crate) fn first(table: Table) -> Self {
        Self { table: Arc::new(table), index: 0 }
    }

    /// Refills the table with `refill`, and goes to its first record. If rows that were kept still hold the
    /// table, a new one is made.
    pub(crate) fn restart(&mut self, refill: impl FnOnce(&mut Table)) {
        self.index = 0;
        if Arc::get_mut(&mut self.table).is_none() {
            self.table = Arc::new(Table::new(self.table.layout.clone()));
        }
        if let Some(table) = Arc::get_mut(&mut self.table) {
            refill(table);
        }
    }

    #[inline]
    pub(crate) fn span(&self) -> Option<&RecordSpan> {
        self.table.records.get(self.index)
    }

    #[inline]
    fn record(&self) -> Record<'_> {
        self.table.record(self.index)
    }

    /// The number of fields.
    #[inline]
    pub fn len(&self) -> usize {
        self.record().len()
    }

    /// True if the row has no fields. No row that is read from a source is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the bytes of a field, by its index, from 0, or by the name of its column; `None` if there is
    /// no such field. Of several columns with the same name, the first is used.
    #[inline]
    pub fn get(&self, column: impl Column) -> Option<&[u8]> {
        self.record().get(self.index(column)?)
    }

    /// Returns the text of a field.
    ///
    /// # Errors
    ///
    /// There is no such field, or it is not valid UTF-8.
    #[inline]
    pub fn text(&self, column: impl Column) -> Result<&str, FieldError> {
        match self.index(column).and_then(|index| self.record().text(index)) {
            Some(Ok(text)) => Ok(text),
            Some(Err(fault)) => Err(self.fault(column, &BadRowReason::not_utf8(&fault))),
            None => Err(self.missing(column)),
        }
    }

    /// Returns the value of a field, parsed from its text.
    ///
    /// # Errors
    ///
    /// There is no such field, it is not valid UTF-8, or it does not parse. The text of the error names the
    /// field or its column.
    #[inline]
    pub fn parse<T: FromStr<Err: fmt::Display>>(&self, column: impl Column) -> Result<T, FieldError> {
        self.text(column)?.parse().map_err(|error| self.fault(column, &error))
    }

    /// Returns the whole row, read through serde. A `&str` or `&[u8]` in it borrows from the row.
    ///
    /// # Errors
    ///
    /// A field does not fit; the error names it, and its column.
    #[inline]
    pub fn deserialize<'a, T: Deserialize<'a>>(&'a self) -> Result<T, FieldError> {
        deserialize::record(self.record()).map_err(FieldError)
    }

    /// Returns the bytes of all fields, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        let record = self.record();
        (0..record.len()).map(move |index| record.get(index).unwrap_or_default())
    }

    /// Returns the names of the columns, in order; `None` where there is no header.
    pub fn names(&self) -> Option<impl ExactSizeIterator<Item = &str>> {
        Some(self.table.layout.names.as_ref()?.iter().map(|name| &**name))
    }

    #[inline]
    fn index(&self, column: impl Column) -> Option<usize> {
        match column.key() {
            Key::Index(index) => Some(index),
            Key::Name(name) => self.table.layout.index(name),
        }
    }

    #[cold]
    fn fault(&self, column: impl Column, reason: &impl fmt::Display) -> FieldError {
        let index = self.index(column).unwrap_or_default();
        FieldError(BadRowReason::field(index, self.table.layout.name(index), reason))
    }

    #[cold]
    fn missing(&self, column: impl Column) -> FieldError {
        match (column.key(), self.index(column)) {
            (Key::Name(name), None) => FieldError::new(format_args!("there is no column {name:?}")),
            (_, index) => {
                let number = index.unwrap_or_default() + 1;
                FieldError::new(format_args!("there is no field {number}: the row has {}", self.len()))
            }
        }
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(String::from_utf8_lossy)).finish()
    }
}

/// A way to find a field: its index, from 0, or the name of its column.
pub trait Column: Copy + sealed::AsKey {}

impl Column for usize {}
impl Column for &str {}

#[allow(unnameable_types, reason = "a seal")]
mod sealed {
    /// The content of a [`Column`](crate::Column).
    pub enum Key<'a> {
        Index(usize),
        Name(&'a str),
    }

    pub trait AsKey {
        fn key(&self) -> Key<'_>;
    }

    impl AsKey for usize {
        #[inline]
        fn key(&self) -> Key<'_> {
            Key::Index(*self)
        }
    }

    impl AsKey for &str {
        #[inline]
        fn key(&self) -> Key<'_> {
            Key::Name(self)
        }
    }
}

/// A type that is made from a row of CSV. It is implemented for every type that serde can read without
/// borrowing, and for [`Row`] itself.
///
/// A type that is not read through serde may implement it. Reading a few fields by hand saves reading the
/// others.
///
/// A type that borrows, such as `&str`, is read by the receiver from a [`Row`], with [`Row::deserialize`]: an
/// event outlives the chunk that its row is in. If such a type is the type of the events, the compiler says
/// that its `Deserialize` is not general enough.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from a row of CSV",
    note = "derive `serde::Deserialize` for it, implement `FromRow`, or take `Row`",
    note = "a type that borrows from its row: take `Row`, and read it with `Row::deserialize`"
)]
pub trait FromRow: Sized {
    /// Makes a value of the row.
    ///
    /// # Errors
    ///
    /// The row does not fit this type. It is rejected then.
    fn from_row(row: &Row) -> Result<Self, FieldError>;
}

// For a type without an implementation, the compiler is to name this trait and not serde's.
#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned> FromRow for T {
    #[inline]
    fn from_row(row: &Row) -> Result<Self, FieldError> {
        row.deserialize()
    }
}

impl FromRow for Row {
    #[inline]
    fn from_row(row: &Row) -> Result<Self, FieldError> {
        Ok(row.clone())
    }
}

/// The error of a row in which a field is missing, or is not what it should be. [`field`](Self::field) and
/// [`column`](Self::column) say which one, if one field is at fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError(BadRowReason);

impl FieldError {
    /// Makes an error with this reason, for a type that reads rows by hand. A reason of more than 400
    /// characters is cut.
    pub fn new(reason: impl fmt::Display) -> Self {
        Self(BadRowReason::parse(&reason))
    }

    /// The field's number, from 1 as people count columns; `None` if no single field is at fault.
    pub fn field(&self) -> Option<u64> {
        match &self.0 {
            BadRowReason::Field(fault) => Some(fault.number),
            _ => None,
        }
    }

    /// The name of the field's column, if there is a header.
    pub fn column(&self) -> Option<&str> {
        match &self.0 {
            BadRowReason::Field(fault) => fault.name.as_deref(),
            _ => None,
        }
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for FieldError {}

impl From<FieldError> for BadRowReason {
    fn from(error: FieldError) -> Self {
        error.0
    }
}
