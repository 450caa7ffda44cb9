//! Lines as the format of a text source or of a queue.

use std::error::Error;
use std::str::FromStr;
use std::sync::Arc;

use crate::queue::Kind;
use crate::source::format::marker::{Lines, NoFormat};
use crate::source::queue::QueueSource;
use crate::source::text::TextSource;
use crate::source::text::{MakeDecoder, TextFormat};
use crate::text::chunk::ChunkSize;
use crate::text::chunk::RawChunk;
use crate::text::decode::DynDecoders;
use crate::text::dialect::Dialect;
use crate::text::fault::BadRow;
use crate::text::lines::LinesDecoder;

impl<'a, T: Send + 'static, Format> TextSource<'a, T, Format> {
    /// Reads lines instead of CSV: each line is a row, parsed by `FromStr`; blank lines are rows too.
    pub fn lines(self) -> TextSource<'a, T, Lines>
    where
        Format: NoFormat,
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
        self.add(size, |_| {
            Ok(TextFormat {
                dialect: Dialect::Lines { blank: true },
                headers: false,
                decoders: Arc::new(LineDecoders(decoders::<T>)),
                whole: false,
            })
        });
    }
}

struct LineDecoders(fn() -> DynDecoders);

fn decoders<T>() -> DynDecoders
where
    T: FromStr + Send + 'static,
    T::Err: Into<Box<dyn Error + Send + Sync>>,
{
    DynDecoders::new::<T>(Arc::new(|| Box::new(LinesDecoder::new())))
}

impl MakeDecoder for LineDecoders {
    fn learn(&self, _: &str, _: &RawChunk) -> Result<DynDecoders, BadRow> {
        Ok((self.0)())
    }

    fn kind(&self, _: &str, _: &RawChunk) -> Result<Kind, BadRow> {
        Ok(Kind::Lines)
    }
}

impl<T> QueueSource<'_, T>
where
    T: FromStr + Send + 'static,
    T::Err: Into<Box<dyn Error + Send + Sync>>,
{
    /// Adds the queue's messages, which hold lines. Each line is parsed by `FromStr`.
    pub fn lines(self) {
        self.add(|kind| match kind {
            Kind::Lines => Ok(decoders::<T>()),
            other => Err(other),
        });
    }
}
