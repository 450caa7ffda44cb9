//! Text as CSV: what makes rows of it.

use std::sync::Arc;

use super::csv_options::CsvSettings;
use super::text::{MakeDecoder, TextFormat};
use super::{Csv, QueueSource, TextSource, Undecided};
use crate::queue::{CsvHead, Kind};
use crate::rows::{BadRow, CsvDecoder, CsvDialect, Decoders, Dialect, Layout, RawChunk};
use crate::{ChunkSize, FromRow};

// The bounds are those of the methods: of a type that keeps none of them the compiler then says what to do.
impl<T: Send + 'static> TextSource<'_, T, Undecided> {
    /// Adds the rows of CSV, cut into chunks of `size`, each row to be read into a `T`: through serde, or as a
    /// [`Row`](crate::Row).
    pub fn into_chunks(self, size: ChunkSize)
    where
        T: FromRow,
    {
        self.csv().into_chunks(size);
    }
}

impl<T: Send + 'static> TextSource<'_, T, Csv> {
    /// Adds the rows, cut into chunks of `size`, each row to be read into a `T`: through serde, or as a
    /// [`Row`](crate::Row).
    pub fn into_chunks(self, size: ChunkSize)
    where
        T: FromRow,
    {
        self.add(size, |options| {
            let CsvSettings { headers, flexible, .. } = options.csv;
            let (dialect, checks) = (options.csv.dialect()?, options.csv.checks()?);
            let decoders = Arc::new(CsvDecoders { dialect, headers, flexible });
            Ok(TextFormat { dialect: Dialect::Csv(dialect, checks), headers, decoders, whole: false })
        });
    }
}

struct CsvDecoders {
    dialect: CsvDialect,
    headers: bool,
    flexible: bool,
}

impl<T: FromRow + Send + 'static> MakeDecoder<T> for CsvDecoders {
    fn learn(&self, first: &RawChunk) -> Result<Decoders<T>, BadRow> {
        Ok(decoders(self.head(first)?))
    }

    fn kind(&self, first: &RawChunk) -> Result<Kind, BadRow> {
        Ok(Kind::Csv(self.head(first)?))
    }
}

impl CsvDecoders {
    fn head(&self, first: &RawChunk) -> Result<CsvHead, BadRow> {
        let layout = Layout::read(self.dialect, first, self.headers, self.flexible)?;
        Ok(CsvHead { dialect: self.dialect, layout: Arc::new(layout) })
    }
}

fn decoders<T: FromRow + Send + 'static>(head: CsvHead) -> Decoders<T> {
    Arc::new(move || Box::new(CsvDecoder::new(head.dialect, head.layout.clone())))
}

impl<T: FromRow + Send + 'static> QueueSource<'_, T> {
    /// Adds the queue's messages, which are of CSV: each row is read into a `T`, through serde or as a
    /// [`Row`](crate::Row). Delimiter, columns and all else are as its publisher had them.
    pub fn csv(self) {
        self.add(|kind| match kind {
            Kind::Csv(head) => Ok(decoders(head)),
            other => Err(other),
        });
    }
}
