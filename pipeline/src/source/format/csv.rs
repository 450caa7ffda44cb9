//! CSV as the format of a text source or of a queue.

use std::sync::Arc;

use crate::queue::{CsvHead, Kind};
use crate::source::format::csv_options::CsvSettings;
use crate::source::format::marker::{Csv, Undecided};
use crate::source::queue::QueueSource;
use crate::source::text::TextSource;
use crate::source::text::{MakeDecoder, TextFormat};
use crate::text::chunk::ChunkSize;
use crate::text::chunk::RawChunk;
use crate::text::csv::decoder::CsvDecoder;
use crate::text::csv::layout::Layout;
use crate::text::csv::row::FromRow;
use crate::text::decode::DynDecoders;
use crate::text::dialect::{ColumnNames, CsvDialect, Dialect};
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
            let headers = options.csv.names == ColumnNames::Header;
            let decoders = Arc::new(CsvDecoders { dialect, settings: options.csv, decoders: decoders::<T> });
            Ok(TextFormat { dialect: Dialect::Csv(dialect, checks), headers, decoders, whole: false })
        });
    }
}

struct CsvDecoders {
    dialect: CsvDialect,
    settings: CsvSettings,
    decoders: fn(CsvHead) -> DynDecoders,
}

impl MakeDecoder for CsvDecoders {
    fn learn(&self, name: &str, first: &RawChunk) -> Result<DynDecoders, BadRow> {
        Ok((self.decoders)(self.head(name, first)?))
    }

    fn kind(&self, name: &str, first: &RawChunk) -> Result<Kind, BadRow> {
        Ok(Kind::Csv(self.head(name, first)?))
    }
}

impl CsvDecoders {
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

fn decoders<T: FromRow + Send + 'static>(head: CsvHead) -> DynDecoders {
    DynDecoders::new::<T>(Arc::new(move || Box::new(CsvDecoder::new(head.dialect, head.layout.clone()))))
}

impl<T: FromRow + Send + 'static> QueueSource<'_, T> {
    /// Adds the queue's messages, which hold CSV. Each row is read into a `T`, through serde or as a
    /// [`Row`](crate::Row). Delimiter, columns and all other options are those of its publisher.
    pub fn csv(self) {
        self.add(|kind| match kind {
            Kind::Csv(head) => Ok(decoders::<T>(head)),
            other => Err(other),
        });
    }
}
