//! A row: one record that owns itself and copies nothing.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::de::{Deserialize, DeserializeOwned};

use crate::text::csv::deserialize;
use crate::text::csv::table::{Place, Record, Table};
use crate::text::fault::BadRowReason;
use sealed::Key;

/// One record of a CSV source, its fields as bytes or text, by index or by the name of their column.
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
/// Fields are as the csv crate reads them: without the quotes around them, doubled quotes made one. A row with fewer or
/// more fields than the first record is rejected before a receiver sees it, unless the source is
/// [`flexible`](crate::TextSource::flexible). UTF-8 is looked at only where text is asked for.
///
/// # Cost
///
/// Nothing is allocated for a row: the records of a chunk are split a few hundred at a time, and their rows share one
/// table, which no other worker touches. A row that is kept, or cloned, keeps that table: the text of its neighbours, at
/// most 256 of them, and of one record more than 32 KiB. Where few of many rows are kept, keep what is wanted of them
/// instead.
#[derive(Clone)]
pub struct Row {
    pub(crate) table: Arc<Table>,
    pub(crate) index: usize,
}

impl Row {
    pub(crate) fn first(table: Table) -> Self {
        Self { table: Arc::new(table), index: 0 }
    }

    /// Goes to the first record of what `refill` makes of the table. Rows that were kept keep theirs, and there is a new
    /// one.
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
    pub(crate) fn place(&self) -> Option<&Place> {
        self.table.records.get(self.index)
    }

    #[inline]
    fn record(&self) -> Record<'_> {
        self.table.record(self.index)
    }

    /// How many fields it has.
    #[inline]
    pub fn len(&self) -> usize {
        self.record().len()
    }

    /// True if it has none. No row that is read from a source is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of a field, by its index, from 0, or by the name of its column; `None` if there is no such field. Of
    /// several columns of one name, the first is taken.
    #[inline]
    pub fn get(&self, column: impl Column) -> Option<&[u8]> {
        self.record().get(self.index(column)?)
    }

    /// The text of a field.
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

    /// A field, parsed.
    ///
    /// # Errors
    ///
    /// There is no such field, it is not valid UTF-8, or it does not parse: the error names field and column.
    #[inline]
    pub fn parse<T: FromStr<Err: fmt::Display>>(&self, column: impl Column) -> Result<T, FieldError> {
        self.text(column)?.parse().map_err(|error| self.fault(column, &error))
    }

    /// The whole row, read through serde; a `&str` or `&[u8]` in it borrows from the row.
    ///
    /// # Errors
    ///
    /// A field does not fit; the error names it, and its column.
    #[inline]
    pub fn deserialize<'a, T: Deserialize<'a>>(&'a self) -> Result<T, FieldError> {
        deserialize::record(self.record()).map_err(FieldError)
    }

    /// The bytes of all fields, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        let record = self.record();
        (0..record.len()).map(move |index| record.get(index).unwrap_or_default())
    }

    /// The names of the columns, in order; `None` where there is no header.
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

/// What a field is found by: its index, from 0, or the name of its column.
pub trait Column: Copy + sealed::Find {}

impl Column for usize {}
impl Column for &str {}

mod sealed {
    /// A [`Column`](crate::Column), seen through.
    pub enum Key<'a> {
        Index(usize),
        Name(&'a str),
    }

    pub trait Find {
        fn key(&self) -> Key<'_>;
    }

    impl Find for usize {
        #[inline]
        fn key(&self) -> Key<'_> {
            Key::Index(*self)
        }
    }

    impl Find for &str {
        #[inline]
        fn key(&self) -> Key<'_> {
            Key::Name(self)
        }
    }
}

/// Made from a row of CSV. Every type that serde can read without borrowing is, and so is [`Row`] itself.
///
/// A type that is not read through serde may implement it: reading a few fields by hand spares the rest.
///
/// A type that borrows, such as `&str`, is read from a [`Row`] that the receiver is handed ([`Row::deserialize`]): an event
/// outlives the chunk that its row is in. Asked for itself, the compiler says that its `Deserialize` is not general enough.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from a row of CSV",
    note = "derive `serde::Deserialize` for it, implement `FromRow`, or take `Row`",
    note = "a type that borrows from its row: take `Row`, and read it with `Row::deserialize`"
)]
pub trait FromRow: Sized {
    /// Reads the row.
    ///
    /// # Errors
    ///
    /// It does not fit; the row is rejected then.
    fn from_row(row: &Row) -> Result<Self, FieldError>;
}

// What is said of a type that is none is to name this trait, and not serde's.
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

/// A field of a row that is not there, or is not what it should be. It tells which one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError(BadRowReason);

impl FieldError {
    /// An error of a type that reads rows by hand.
    pub fn new(reason: impl fmt::Display) -> Self {
        Self(BadRowReason::parse(&reason))
    }

    /// The field's number, from 1 as people count columns, where one field is to blame.
    pub fn field(&self) -> Option<u64> {
        match &self.0 {
            BadRowReason::Field(fault) => Some(fault.number),
            _ => None,
        }
    }

    /// The name of its column, where there is a header.
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
