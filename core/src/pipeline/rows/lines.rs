//! Decodes chunks of plain lines.

use std::error::Error;
use std::marker::PhantomData;
use std::str::FromStr;

use bytes::Bytes;
use memchr::memchr;

use super::chunk::RawChunk;
use super::decode::{Decoded, Decoder, parsed};
use super::fault::BadRowReason;

/// Walks the lines of a chunk; formats with one record a line build on it.
#[derive(Debug, Default)]
pub(crate) struct LineCursor {
    bytes: Bytes,
    at: usize,
    sequence: u64,
    line: u64,
    first_byte: u64,
}

/// A line without its line end, and where it stood.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawLine<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) sequence: u64,
    pub(crate) line: u64,
    pub(crate) byte: u64,
}

impl LineCursor {
    pub(crate) fn start(&mut self, chunk: &RawChunk) {
        self.bytes = chunk.bytes.clone();
        self.at = 0;
        self.sequence = chunk.first_row;
        self.line = chunk.first_line;
        self.first_byte = chunk.first_byte;
    }

    /// The next line. LF ends one, CR LF too; a CR elsewhere is text.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<RawLine<'_>> {
        let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
        let (bytes, taken) = match memchr(b'\n', rest).and_then(|lf| rest.split_at_checked(lf)) {
            Some((line, _)) => (line.strip_suffix(b"\r").unwrap_or(line), line.len() + 1),
            None => (rest, rest.len()),
        };
        let byte = self.first_byte + self.at as u64;
        let line = RawLine { bytes, sequence: self.sequence, line: self.line, byte };
        self.at += taken;
        self.sequence += 1;
        self.line += 1;
        Some(line)
    }
}

/// Decodes each line with `FromStr`.
pub(crate) struct LinesDecoder<T> {
    cursor: LineCursor,
    of: PhantomData<fn() -> T>,
}

impl<T> LinesDecoder<T> {
    pub(crate) fn new() -> Self {
        Self { cursor: LineCursor::default(), of: PhantomData }
    }
}

impl<T> Decoder<T> for LinesDecoder<T>
where
    T: FromStr,
    T::Err: Into<Box<dyn Error + Send + Sync>>,
{
    fn start(&mut self, chunk: &RawChunk) {
        self.cursor.start(chunk);
    }

    fn next(&mut self) -> Option<Decoded<T>> {
        let raw = self.cursor.next()?;
        let data = parsed(|| parse(raw.bytes));
        Some(Decoded { sequence: raw.sequence, line: raw.line, byte: raw.byte, len: raw.bytes.len(), data })
    }

    fn release(&mut self) {
        self.cursor = LineCursor::default();
    }
}

fn parse<T>(line: &[u8]) -> Result<T, BadRowReason>
where
    T: FromStr,
    T::Err: Into<Box<dyn Error + Send + Sync>>,
{
    let text = std::str::from_utf8(line).map_err(|fault| BadRowReason::not_utf8(&fault))?;
    text.parse::<T>().map_err(|error| BadRowReason::parse(&error.into()))
}
