//! JSON Lines as the format of a text source or of a queue.

use serde::de::DeserializeOwned;

use crate::source::format::marker::{JsonLines, NoFormat};
use crate::source::format::{Format, FormatOf};
use crate::source::queue::QueueSource;
use crate::source::text::TextSource;
use crate::text::chunk::{ChunkSize, RawChunk};
use crate::text::dialect::Dialect;
use crate::text::fault::BadRow;
use crate::text::json::JsonDecoder;

impl<'a, T: Send + 'static, F> TextSource<'a, T, F> {
    /// Reads JSON Lines instead of CSV: each line is a JSON value, read through serde; blank lines are no
    /// rows. A column in an error counts bytes, from the first one that is not white space.
    pub fn json_lines(self) -> TextSource<'a, T, JsonLines>
    where
        F: NoFormat,
    {
        self.in_format()
    }
}

impl<T: DeserializeOwned + Send + 'static> TextSource<'_, T, JsonLines> {
    /// Adds the lines, cut into chunks of `size`. Each line is read into a `T` through serde.
    pub fn into_chunks(self, size: ChunkSize) {
        self.add(size, |_| Ok(JsonLines));
    }
}

impl Format for JsonLines {
    type Head = ();

    const NUMBER: u8 = 1;

    fn dialect(&self) -> Dialect {
        Dialect::Lines { blank: false }
    }

    fn head(&self, _: &str, _: &RawChunk) -> Result<(), BadRow> {
        Ok(())
    }
}

impl<T: DeserializeOwned + 'static> FormatOf<T> for JsonLines {
    type Decoder = JsonDecoder<T>;

    fn decoder((): &()) -> JsonDecoder<T> {
        JsonDecoder::new()
    }
}

impl<T: DeserializeOwned + Send + 'static> QueueSource<'_, T> {
    /// Adds the queue's messages, which hold JSON Lines. Each line is read into a `T` through serde.
    pub fn json_lines(self) {
        self.add::<JsonLines>();
    }
}
