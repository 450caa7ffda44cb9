//! CSV as the format of a text source or of a queue.

use std::sync::Arc;

use bytes::{BufMut as _, BytesMut};

use crate::queue::wire::{Reader, put_text};
use crate::source::format::csv_settings::CsvSettings;
use crate::source::format::marker::{Csv, Undecided};
use crate::source::format::{Format, FormatOf, Head};
use crate::source::queue::QueueSource;
use crate::source::text::TextSource;
use crate::text::chunk::{ChunkSize, RawChunk};
use crate::text::csv::decoder::CsvDecoder;
use crate::text::csv::layout::Layout;
use crate::text::csv::row::FromRow;
use crate::text::dialect::{Checks, ColumnNames, CsvDialect, Dialect};
use crate::text::fault::{BadRow, BadRowReason};

// The bounds are on the methods and not on the impl: for a type that does not meet them, the compiler then
// says what to do.
impl<T: Send + 'static> TextSource<'_, T, Undecided> {
    /// Adds the rows of CSV, cut into chunks of `size`. Each row is read into a `T`, through serde or as a
    /// [`Row`](crate::Row).
    pub fn into_chunks(self, size: ChunkSize)
    where
        T: FromRow,
    {
        self.csv().into_chunks(size);
    }
}

impl<T: Send + 'static> TextSource<'_, T, Csv> {
    /// Adds the rows, cut into chunks of `size`. Each row is read into a `T`, through serde or as a
    /// [`Row`](crate::Row).
    pub fn into_chunks(self, size: ChunkSize)
    where
        T: FromRow,
    {
        self.add(size, |options| {
            let (dialect, checks) = (options.csv.dialect()?, options.csv.checks()?);
            Ok(CsvFormat { dialect, checks, settings: options.csv })
        });
    }
}

/// CSV with its options.
struct CsvFormat {
    dialect: CsvDialect,
    checks: Checks,
    settings: CsvSettings,
}

/// The data that makes rows of the chunks of a source.
pub(crate) struct CsvHead {
    dialect: CsvDialect,
    layout: Arc<Layout>,
}

/// Stands for a mark that there is not: all marks are ASCII.
const NO_MARK: u8 = u8::MAX;

/// Flag: [`CsvDialect::double_quote`].
const DOUBLE_QUOTE: u8 = 1;

/// Flag: [`CsvDialect::trim`].
const TRIM: u8 = 2;

impl Format for CsvFormat {
    type Head = CsvHead;

    const NUMBER: u8 = 2;

    fn dialect(&self) -> Dialect {
        Dialect::Csv(self.dialect, self.checks)
    }

    fn has_header(&self) -> bool {
        self.settings.names == ColumnNames::Header
    }

    fn head(&self, name: &str, first: &RawChunk) -> Result<CsvHead, BadRow> {
        let CsvSettings { trim, names, on_header, flexible, .. } = &self.settings;
        let of_header = CsvDialect { trim: trim.trims_header(), ..self.dialect };
        let layout = Layout::read(of_header, first, names, *flexible)?;
        if let (Some(on_header), Some(names)) = (on_header, layout.names()) {
            on_header.call(name, names).map_err(|reason| BadRow {
                sequence: first.first_row,
                line: first.first_line,
                byte: first.first_byte,
                reason: BadRowReason::parse(&reason),
            })?;
        }
        Ok(CsvHead { dialect: self.dialect, layout: Arc::new(layout) })
    }
}

impl Head for CsvHead {
    fn write(&self, message: &mut BytesMut) {
        let Self { dialect, layout } = self;
        let CsvDialect { delimiter, quote, escape, double_quote, comment, terminator, trim } = *dialect;
        message.put_u8(delimiter);
        for mark in [quote, escape, comment, terminator] {
            message.put_u8(mark.unwrap_or(NO_MARK));
        }
        message.put_u8(if double_quote { DOUBLE_QUOTE } else { 0 } | if trim { TRIM } else { 0 });
        message.put_u32_le(layout.width().map_or(u32::MAX, |width| width as u32));
        let names = layout.names();
        message.put_u32_le(names.map_or(u32::MAX, |names| names.len() as u32));
        for name in names.into_iter().flatten() {
            put_text(message, name.as_bytes());
        }
    }

    fn read(message: &mut Reader) -> Option<Self> {
        let bytes = message.take(6)?;
        let mark = |byte: u8| (byte != NO_MARK).then_some(byte);
        let [delimiter, quote, escape, comment, terminator, flags] = *bytes.as_ref() else { return None };
        let dialect = CsvDialect {
            delimiter,
            quote: mark(quote),
            escape: mark(escape),
            double_quote: flags & DOUBLE_QUOTE != 0,
            comment: mark(comment),
            terminator: mark(terminator),
            trim: flags & TRIM != 0,
        };
        let dialect = dialect.check().ok()?;
        let some = |number: u32| (number != u32::MAX).then_some(number);
        let width = some(message.u32()?).map(|width| width as usize);
        let names = match some(message.u32()?) {
            Some(names) => Some((0..names).map(|_| message.text().map(Into::into)).collect::<Option<_>>()?),
            None => None,
        };
        Some(Self { dialect, layout: Arc::new(Layout::new(names, width)) })
    }
}

impl<T: FromRow + 'static> FormatOf<T> for CsvFormat {
    type Decoder = CsvDecoder<T>;

    fn decoder(head: &CsvHead) -> CsvDecoder<T> {
        CsvDecoder::new(head.dialect, head.layout.clone())
    }
}

impl<T: FromRow + Send + 'static> QueueSource<'_, T> {
    /// Adds the queue's messages, which hold CSV. Each row is read into a `T`, through serde or as a
    /// [`Row`](crate::Row). Delimiter, columns and all other options are those of its publisher.
    pub fn csv(self) {
        self.add::<CsvFormat>();
    }
}
