//! Lines as the format of a text source or of a queue.

use std::error::Error;
use std::str::FromStr;

use crate::source::format::marker::{Lines, NoFormat};
use crate::source::format::{Format, FormatOf};
use crate::source::queue::QueueSource;
use crate::source::text::TextSource;
use crate::text::chunk::{ChunkSize, RawChunk};
use crate::text::dialect::Dialect;
use crate::text::fault::BadRow;
use crate::text::lines::LinesDecoder;

impl<'a, T: Send + 'static, F> TextSource<'a, T, F> {
    /// Reads lines instead of CSV: each line is a row, parsed by `FromStr`; blank lines are rows too.
    pub fn lines(self) -> TextSource<'a, T, Lines>
    where
        F: NoFormat,
    {
        self.in_format()
    }
}

impl<T> TextSource<'_, T, Lines>
where
    T: FromStr + Send + 'static,
    T::Err: Into<Box<dyn Error + Send + Sync>>,
{
    /// Adds the lines, cut into chunks of `size`. Each line is parsed by `FromStr`.
    pub fn into_chunks(self, size: ChunkSize) {
        self.add(size, |_| Ok(Lines));
    }
}

impl Format for Lines {
    type Head = ();

    const NUMBER: u8 = 0;

    fn dialect(&self) -> Dialect {
        Dialect::Lines { blank: true }
    }

    fn head(&self, _: &str, _: &RawChunk) -> Result<(), BadRow> {
        Ok(())
    }
}

impl<T> FormatOf<T> for Lines
where
    T: FromStr + 'static,
    T::Err: Into<Box<dyn Error + Send + Sync>>,
{
    type Decoder = LinesDecoder<T>;

    fn decoder((): &()) -> LinesDecoder<T> {
        LinesDecoder::new()
    }
}

impl<T> QueueSource<'_, T>
where
    T: FromStr + Send + 'static,
    T::Err: Into<Box<dyn Error + Send + Sync>>,
{
    /// Adds the queue's messages, which hold lines. Each line is parsed by `FromStr`.
    pub fn lines(self) {
        self.add::<Lines>();
    }
}
