//! The decoder of CSV: splits some records at a time, and makes a value of each.

use std::marker::PhantomData;
use std::sync::Arc;

use bytes::Bytes;

use crate::text::chunk::RawChunk;
use crate::text::csv::layout::Layout;
use crate::text::csv::row::{FromRow, Row};
use crate::text::csv::split::Splitter;
use crate::text::csv::table::Table;
use crate::text::decode::{Decoded, Decoder, Fault, parsed};
use crate::text::dialect::CsvDialect;
use crate::text::fault::BadRowReason;

/// The most capacity that a table keeps between chunks, in bytes of text, in fields and in records each:
/// records of unusual size must not hold their memory.
const KEPT: usize = 64 << 10;

/// Decodes each record into a `T`.
pub(crate) struct CsvDecoder<T> {
    splitter: Splitter,
    width: Option<usize>,
    /// The next row. Its table holds the records that are split so far.
    row: Row,
    sequence: u64,
    first_line: u64,
    first_byte: u64,
    of: PhantomData<fn() -> T>,
}

impl<T: FromRow> CsvDecoder<T> {
    pub(crate) fn new(dialect: CsvDialect, layout: Arc<Layout>) -> Self {
        Self {
            splitter: Splitter::new(dialect),
            width: layout.width,
            row: Row::first(Table::new(layout)),
            sequence: 0,
            first_line: 1,
            first_byte: 0,
            of: PhantomData,
        }
    }

    #[cold]
    fn wrong_width(&self, expected: usize) -> BadRowReason {
        BadRowReason::Width { expected, found: self.row.len() }
    }
}

impl<T: FromRow> Decoder<T> for CsvDecoder<T> {
    fn start(&mut self, chunk: &RawChunk) {
        self.splitter.start(chunk.bytes.clone());
        self.row.restart(Table::clear);
        self.sequence = chunk.first_row;
        (self.first_line, self.first_byte) = (chunk.first_line, chunk.first_byte);
    }

    fn next(&mut self) -> Option<Decoded<T>> {
        if self.row.span().is_none() {
            self.row.restart(|table| self.splitter.fill(table));
        }
        let span = *self.row.span()?;
        let data = match self.width {
            Some(expected) if expected != self.row.len() => Err(Fault::Bad(self.wrong_width(expected))),
            _ => parsed(|| T::from_row(&self.row).map_err(BadRowReason::from)),
        };
        self.row.index += 1;
        let sequence = self.sequence;
        self.sequence += 1;
        let (line, byte) = (self.first_line + span.line, self.first_byte + span.start as u64);
        Some(Decoded { sequence, line, byte, len: span.len, data })
    }

    fn release(&mut self) {
        self.splitter.start(Bytes::new());
        self.splitter.release(KEPT);
        self.row.restart(|table| table.shrink(KEPT));
    }
}
