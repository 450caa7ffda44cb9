//! The wire format of a chunk, which one pipeline publishes and another makes rows of.
//!
//! ```text
//! version u8 | head length u32 | head |
//!   first row u64 | rows u64 | first line u64 | first byte u64 | the chunk's text
//! head: the format's number u8, the data of that format, the source's name
//! ```
//!
//! All numbers are little endian. A text has its length before it, as a u32. The head is the same for all
//! chunks of a source.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};

use crate::queue::engine::QueueMessage;
use crate::text::chunk::RawChunk;
use crate::text::decode::{Decoded, Decoder, Decoders};

const VERSION: u8 = 2;

/// The most rows, lines or bytes that a source may have: no source is longer.
const MAX_POSITION: u64 = 1 << 60;

/// Makes messages of the chunks of a source.
pub(crate) struct Sealing {
    job: Arc<str>,
    head: Bytes,
    /// The beginning of its messages' keys.
    key: Arc<str>,
}

struct Sealer {
    sealing: Arc<Sealing>,
    chunk: Option<RawChunk>,
}

impl Sealing {
    /// `head` is that of all messages of the source.
    pub(crate) fn new(job: Arc<str>, head: Bytes, key: Arc<str>) -> Self {
        Self { job, head, key }
    }

    /// Decoders that make one message of each chunk.
    pub(crate) fn decoders(self) -> Decoders<QueueMessage> {
        let sealing = Arc::new(self);
        Arc::new(move || Box::new(Sealer { sealing: sealing.clone(), chunk: None }))
    }

    fn seal(&self, chunk: &RawChunk) -> QueueMessage {
        // The length is part of the key: a chunk that was cut elsewhere is another message.
        let key = format!("{}/{}+{}", self.key, chunk.first_byte, chunk.bytes.len());
        message(&self.job, &self.head, chunk, key)
    }
}

/// Makes a message of a chunk.
pub(crate) fn message(job: &Arc<str>, head: &[u8], chunk: &RawChunk, key: String) -> QueueMessage {
    let mut body = BytesMut::with_capacity(head.len() + chunk.bytes.len() + 37);
    body.put_u8(VERSION);
    put_text(&mut body, head);
    for number in [chunk.first_row, chunk.rows, chunk.first_line, chunk.first_byte] {
        body.put_u64_le(number);
    }
    body.put_slice(&chunk.bytes);
    QueueMessage::new(job.clone(), key, body)
}

impl Decoder<QueueMessage> for Sealer {
    fn start(&mut self, chunk: &RawChunk) {
        self.chunk = Some(chunk.clone());
    }

    fn next(&mut self) -> Option<Decoded<QueueMessage>> {
        let chunk = self.chunk.take()?;
        Some(Decoded {
            sequence: chunk.first_row,
            line: chunk.first_line,
            byte: chunk.first_byte,
            len: 0,
            data: Ok(self.sealing.seal(&chunk)),
        })
    }

    fn release(&mut self) {
        self.chunk = None;
    }
}

/// A message, decoded as far as that is possible without the type of its rows.
pub(crate) struct Unsealed {
    pub(crate) head: Bytes,
    pub(crate) chunk: RawChunk,
}

impl Unsealed {
    /// Reads a message. `None` if it is not a chunk in this format, or is one of another version.
    pub(crate) fn read(message: &QueueMessage) -> Option<Self> {
        let mut body = Reader(message.body().clone());
        if body.u8()? != VERSION {
            return None;
        }
        let head = body.bytes()?;
        let (first_row, rows) = (body.u64()?, body.u64()?);
        let (first_line, first_byte) = (body.u64()?, body.u64()?);
        // Positions are counted on from these numbers. Larger ones were published by no pipeline.
        let is_position = |number: u64| number <= MAX_POSITION;
        if !(1..=body.0.len() as u64).contains(&rows)
            || ![first_row, first_line, first_byte].into_iter().all(is_position)
        {
            return None;
        }
        let chunk = RawChunk { bytes: body.0, first_row, rows, first_line, first_byte };
        Some(Self { head, chunk })
    }
}

/// Adds a text, or other bytes, with their length before them.
pub(crate) fn put_text(bytes: &mut BytesMut, text: &[u8]) {
    // The length fits into 32 bits: a record is smaller than 4 GiB, and so are the names of its columns.
    bytes.put_u32_le(text.len() as u32);
    bytes.put_slice(text);
}

/// A cursor that reads bytes from the front. Each method returns `None` where there are too few.
pub(crate) struct Reader(pub(crate) Bytes);

impl Reader {
    pub(crate) fn take(&mut self, len: usize) -> Option<Bytes> {
        (len <= self.0.len()).then(|| self.0.split_to(len))
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.as_ref().try_into().ok()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.as_ref().try_into().ok()?))
    }

    fn bytes(&mut self) -> Option<Bytes> {
        let len = self.u32()?;
        self.take(usize::try_from(len).ok()?)
    }

    pub(crate) fn text(&mut self) -> Option<String> {
        String::from_utf8(self.bytes()?.to_vec()).ok()
    }
}
