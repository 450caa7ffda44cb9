//! JSON Lines as the format of a text source or of a queue.

use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::queue::Kind;
use crate::source::format::marker::{JsonLines, NoFormat};
use crate::source::queue::QueueSource;
use crate::source::text::TextSource;
use crate::source::text::{MakeDecoder, TextFormat};
use crate::text::chunk::ChunkSize;
use crate::text::chunk::RawChunk;
use crate::text::decode::DynDecoders;
use crate::text::dialect::Dialect;
use crate::text::fault::BadRow;
use crate::text::json::JsonDecoder;

impl<'a, T: Send + 'static, Format> TextSource<'a, T, Format> {
    /// Reads JSON Lines instead of CSV: each line is a JSON value, read through serde; blank lines are no
    /// rows. A column in an error counts bytes, from the first one that is not white space.
    pub fn json_lines(self) -> TextSource<'a, T, JsonLines>
    where
        Format: NoFormat,
    {
        self.in_format()
    }
}

impl<T: DeserializeOwned + Send + 'static> TextSource<'_, T, JsonLines> {
    /// Adds the lines, cut into chunks of `size`. Each line is read into a `T` through serde.
    pub fn into_chunks(self, size: ChunkSize) {
        let dialect = Dialect::Lines { blank: false };
        let decoders = Arc::new(JsonDecoders(decoders::<T>));
        self.add(size, |_| Ok(TextFormat { dialect, headers: false, decoders, whole: false }));
    }
}

struct JsonDecoders(fn() -> DynDecoders);

fn decoders<T: DeserializeOwned + Send + 'static>() -> DynDecoders {
    DynDecoders::new::<T>(Arc::new(|| Box::new(JsonDecoder::new())))
}

impl MakeDecoder for JsonDecoders {
    fn learn(&self, _: &str, _: &RawChunk) -> Result<DynDecoders, BadRow> {
        Ok((self.0)())
    }

    fn kind(&self, _: &str, _: &RawChunk) -> Result<Kind, BadRow> {
        Ok(Kind::JsonLines)
    }
}

impl<T: DeserializeOwned + Send + 'static> QueueSource<'_, T> {
    /// Adds the queue's messages, which hold JSON Lines. Each line is read into a `T` through serde.
    pub fn json_lines(self) {
        self.add(|kind| match kind {
            Kind::JsonLines => Ok(decoders::<T>()),
            other => Err(other),
        });
    }
}
