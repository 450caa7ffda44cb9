//! The decoder of JSON Lines: one JSON value in each line.

use std::marker::PhantomData;

use serde::de::DeserializeOwned;

use crate::text::chunk::RawChunk;
use crate::text::decode::{Decoded, Decoder, parsed};
use crate::text::fault::BadRowReason;
use crate::text::lines::LineCursor;

/// Decodes each line into a `T`.
pub(crate) struct JsonDecoder<T> {
    cursor: LineCursor,
    of: PhantomData<fn() -> T>,
}

impl<T> JsonDecoder<T> {
    pub(crate) fn new() -> Self {
        Self { cursor: LineCursor::without_blank(), of: PhantomData }
    }
}

impl<T: DeserializeOwned> Decoder<T> for JsonDecoder<T> {
    fn start(&mut self, chunk: &RawChunk) {
        self.cursor.start(chunk);
    }

    fn next(&mut self) -> Option<Decoded<T>> {
        let raw = self.cursor.next()?;
        let data = parsed(|| serde_json::from_slice(raw.bytes).map_err(|error| explain(raw.bytes, &error)));
        Some(Decoded { sequence: raw.sequence, line: raw.line, byte: raw.byte, len: raw.bytes.len(), data })
    }

    fn release(&mut self) {
        self.cursor.release();
    }
}

#[cold]
fn explain(line: &[u8], error: &serde_json::Error) -> BadRowReason {
    if let Err(fault) = std::str::from_utf8(line) {
        return BadRowReason::not_utf8(&fault);
    }
    // The parser sees this one line only; the row's position says which line of the source it is.
    let (message, column) = (error.to_string(), error.column());
    let suffix = format!(" at line {} column {column}", error.line());
    let reason = message.strip_suffix(&suffix).unwrap_or(&message);
    match column {
        0 => BadRowReason::parse(&reason),
        _ => BadRowReason::parse(&format_args!("column {column}: {reason}")),
    }
}
