//! The decoder of plain lines.

use std::error::Error;
use std::marker::PhantomData;
use std::str::FromStr;

use bytes::Bytes;
use memchr::{memchr, memchr_iter};

use crate::text::chunk::RawChunk;
use crate::text::decode::{Decoded, Decoder, parsed};
use crate::text::fault::BadRowReason;

/// A cursor over the lines of a chunk. Formats with one record in each line build on it.
#[derive(Debug, Default)]
pub(crate) struct LineCursor {
    bytes: Bytes,
    at: usize,
    sequence: u64,
    line: u64,
    first_byte: u64,
    /// True if it passes over lines of white space alone, and over white space in front of others.
    no_blank: bool,
}

/// A line without its line end, and its position.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawLine<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) sequence: u64,
    pub(crate) line: u64,
    pub(crate) byte: u64,
}

/// True if the byte is white space, for lines whose blank ones are no records.
pub(crate) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

impl LineCursor {
    /// A cursor that passes over blank lines.
    #[cfg(feature = "json")]
    pub(crate) fn without_blank() -> Self {
        Self { no_blank: true, ..Self::default() }
    }

    pub(crate) fn start(&mut self, chunk: &RawChunk) {
        self.bytes = chunk.bytes.clone();
        self.at = 0;
        self.sequence = chunk.first_row;
        self.line = chunk.first_line;
        self.first_byte = chunk.first_byte;
    }

    /// Returns the next line. LF or CR LF ends a line; a CR elsewhere is text.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<RawLine<'_>> {
        if self.no_blank {
            self.skip_blank();
        }
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

    fn skip_blank(&mut self) {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let blank = rest.iter().position(|byte| !is_blank(*byte)).unwrap_or(rest.len());
        let skipped = rest.get(..blank).unwrap_or_default();
        self.line += memchr_iter(b'\n', skipped).count() as u64;
        self.at += blank;
    }

    /// Drops the chunk.
    pub(crate) fn release(&mut self) {
        self.bytes = Bytes::new();
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
        self.cursor.release();
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
