//! Text as JSON Lines.

use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::queue::Kind;
use crate::source::format::{JsonLines, NoFormat};
use crate::source::queue::QueueSource;
use crate::source::text::TextSource;
use crate::source::text::{MakeDecoder, TextFormat};
use crate::text::chunk::ChunkSize;
use crate::text::chunk::RawChunk;
use crate::text::decode::Decoders;
use crate::text::dialect::Dialect;
use crate::text::fault::BadRow;
use crate::text::json::JsonDecoder;

impl<'a, T: Send + 'static, Format> TextSource<'a, T, Format> {
    /// Reads JSON Lines in place of CSV: each line is a JSON value, read through serde; blank lines are no rows. What an
    /// error says of a column counts bytes, from the first one that is not white space.
    pub fn json_lines(self) -> TextSource<'a, T, JsonLines>
    where
        Format: NoFormat,
    {
        self.in_format()
    }
}

impl<T: DeserializeOwned + Send + 'static> TextSource<'_, T, JsonLines> {
    /// Adds the lines, cut into chunks of `size`, each line to be read into a `T` through serde.
    pub fn into_chunks(self, size: ChunkSize) {
        let dialect = Dialect::Lines { blank: false };
        let decoders = Arc::new(JsonDecoders);
        self.add(size, |_| Ok(TextFormat { dialect, headers: false, decoders, whole: false }));
    }
}

struct JsonDecoders;

impl<T: DeserializeOwned + Send + 'static> MakeDecoder<T> for JsonDecoders {
    fn learn(&self, _: &RawChunk) -> Result<Decoders<T>, BadRow> {
        Ok(Arc::new(|| Box::new(JsonDecoder::new())))
    }

    fn kind(&self, _: &RawChunk) -> Result<Kind, BadRow> {
        Ok(Kind::JsonLines)
    }
}

impl<T: DeserializeOwned + Send + 'static> QueueSource<'_, T> {
    /// Adds the queue's messages, which are of JSON Lines: each line is read into a `T` through serde.
    pub fn json_lines(self) {
        self.add(|kind| match kind {
            Kind::JsonLines => Ok(Arc::new(|| Box::new(JsonDecoder::new()))),
            other => Err(other),
        });
    }
}
