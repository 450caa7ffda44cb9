//! The columns that all rows of one source have in common.

use std::sync::Arc;

use crate::text::chunk::RawChunk;
use crate::text::csv::split::Splitter;
use crate::text::csv::table::Table;
use crate::text::dialect::{ColumnNames, CsvDialect};
use crate::text::fault::{BadRow, BadRowReason};

/// The columns of a source.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Their names, if there is a header.
    pub(crate) names: Option<Box<[Box<str>]>>,
    /// The number of fields that each row must have; `None` allows any number.
    pub(crate) width: Option<usize>,
}

impl Layout {
    pub(crate) fn new(names: Option<Box<[Box<str>]>>, width: Option<usize>) -> Self {
        Self { names, width }
    }

    pub(crate) fn names(&self) -> Option<&[Box<str>]> {
        self.names.as_deref()
    }

    pub(crate) fn width(&self) -> Option<usize> {
        self.width
    }

    /// Reads the layout from the header's chunk, or from the first chunk where there is no header. With
    /// `flexible`, rows may have any number of fields.
    ///
    /// # Errors
    ///
    /// The header is not valid UTF-8, so that no field could be found by its name.
    pub(crate) fn read(
        dialect: CsvDialect,
        chunk: &RawChunk,
        names: &ColumnNames,
        flexible: bool,
    ) -> Result<Self, BadRow> {
        let width = |found: usize| (!flexible).then_some(found);
        if let ColumnNames::Given(names) = names {
            return Ok(Self { names: Some(names.iter().cloned().collect()), width: width(names.len()) });
        }
        let mut splitter = Splitter::new(dialect);
        let mut table = Table::new(Arc::default());
        splitter.start(chunk.bytes.clone());
        splitter.fill(&mut table);
        let Some(span) = table.records.first() else { return Ok(Self::default()) };
        let record = table.record(0);
        let width = width(record.len());
        if let ColumnNames::None = names {
            return Ok(Self { names: None, width });
        }
        let name = |index| match record.text(index).unwrap_or(Ok("")) {
            Ok(name) => Ok(name.into()),
            Err(fault) => Err(BadRow {
                sequence: chunk.first_row,
                line: chunk.first_line + span.line,
                byte: chunk.first_byte + span.start as u64,
                reason: BadRowReason::field(index, None, &BadRowReason::not_utf8(&fault)),
            }),
        };
        let names = (0..record.len()).map(name).collect::<Result<_, _>>()?;
        Ok(Self { names: Some(names), width })
    }

    /// The name of the column at `index`, from 0.
    pub(crate) fn name(&self, index: usize) -> Option<&str> {
        self.names.as_ref()?.get(index).map(|name| &**name)
    }

    /// The index of the column with this name; of several, the first.
    pub(crate) fn index(&self, name: &str) -> Option<usize> {
        self.names.as_ref()?.iter().position(|other| **other == *name)
    }
}
