//! The wire format of a chunk, which one pipeline publishes and another makes rows of.
//!
//! ```text
//! version u8 | head length u32 | head |
//!   first row u64 | rows u64 | first line u64 | first byte u64 | the chunk's text
//! head: kind u8, the data of that kind, the source's name
//! ```
//!
//! All numbers are little endian. A text has its length before it, as a u32. The head is the same for all
//! chunks of a source.

use std::fmt;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};

use crate::queue::QueueMessage;
use crate::text::chunk::RawChunk;
use crate::text::decode::{Decoded, Decoder, Decoders};

const VERSION: u8 = 2;

/// The most rows, lines or bytes that a source may have: no source is longer.
const MAX_POSITION: u64 = 1 << 60;

/// The kind of a source's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Lines,
    JsonLines,
    #[cfg(feature = "csv")]
    Csv(CsvHead),
}

#[cfg(feature = "csv")]
pub(crate) use csv::CsvHead;

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lines => "lines",
            Self::JsonLines => "JSON Lines",
            #[cfg(feature = "csv")]
            Self::Csv(_) => "CSV",
        })
    }
}

/// The data that all chunks of a source have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) source: Arc<str>,
    pub(crate) kind: Kind,
}

/// Makes messages of the chunks of a source.
pub(crate) struct Sealing {
    head: Bytes,
    /// The beginning of its messages' keys.
    key: Arc<str>,
}

struct Sealer {
    sealing: Arc<Sealing>,
    chunk: Option<RawChunk>,
}

impl Sealing {
    pub(crate) fn new(head: &Head, key: Arc<str>) -> Self {
        Self { head: head.write(), key }
    }

    /// Decoders that make one message of each chunk.
    pub(crate) fn decoders(self) -> Decoders<QueueMessage> {
        let sealing = Arc::new(self);
        Arc::new(move || Box::new(Sealer { sealing: sealing.clone(), chunk: None }))
    }

    fn seal(&self, chunk: &RawChunk) -> QueueMessage {
        let mut body = BytesMut::with_capacity(self.head.len() + chunk.bytes.len() + 37);
        body.put_u8(VERSION);
        put(&mut body, &self.head);
        for number in [chunk.first_row, chunk.rows, chunk.first_line, chunk.first_byte] {
            body.put_u64_le(number);
        }
        body.put_slice(&chunk.bytes);
        // The length is part of the key: a chunk that was cut elsewhere is another message.
        let key = format!("{}/{}+{}", self.key, chunk.first_byte, chunk.bytes.len());
        QueueMessage::new(key, body)
    }
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
        let mut body = Reader(message.body.clone());
        if body.take(1)?.first() != Some(&VERSION) {
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

fn put(bytes: &mut BytesMut, text: &[u8]) {
    // The length fits into 32 bits: a record is smaller than 4 GiB, and so are the names of its columns.
    bytes.put_u32_le(text.len() as u32);
    bytes.put_slice(text);
}

impl Head {
    fn write(&self) -> Bytes {
        let mut bytes = BytesMut::new();
        match &self.kind {
            Kind::Lines => bytes.put_u8(0),
            Kind::JsonLines => bytes.put_u8(1),
            #[cfg(feature = "csv")]
            Kind::Csv(csv) => {
                bytes.put_u8(2);
                csv.write(&mut bytes);
            }
        }
        put(&mut bytes, self.source.as_bytes());
        bytes.freeze()
    }

    pub(crate) fn read(head: &Bytes) -> Option<Self> {
        let mut head = Reader(head.clone());
        let kind = match head.take(1)?.first()? {
            0 => Kind::Lines,
            1 => Kind::JsonLines,
            #[cfg(feature = "csv")]
            2 => Kind::Csv(CsvHead::read(&mut head)?),
            _ => return None,
        };
        Some(Self { kind, source: head.text()?.into() })
    }
}

/// A cursor that reads bytes from the front.
struct Reader(Bytes);

impl Reader {
    fn take(&mut self, len: usize) -> Option<Bytes> {
        (len <= self.0.len()).then(|| self.0.split_to(len))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.as_ref().try_into().ok()?))
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.as_ref().try_into().ok()?))
    }

    fn bytes(&mut self) -> Option<Bytes> {
        let len = self.u32()?;
        self.take(usize::try_from(len).ok()?)
    }

    fn text(&mut self) -> Option<String> {
        String::from_utf8(self.bytes()?.to_vec()).ok()
    }
}

#[cfg(feature = "csv")]
mod csv {
    use super::*;
    use crate::text::csv::layout::Layout;
    use crate::text::dialect::CsvDialect;

    /// Stands for a mark that there is not: all marks are ASCII.
    const NO_MARK: u8 = u8::MAX;

    /// Flag: [`CsvDialect::double_quote`].
    const DOUBLE_QUOTE: u8 = 1;

    /// Flag: [`CsvDialect::trim`].
    const TRIM: u8 = 2;

    /// The head of CSV: the data that makes rows of its chunks.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) struct CsvHead {
        pub(crate) dialect: CsvDialect,
        pub(crate) layout: Arc<Layout>,
    }

    impl CsvHead {
        pub(super) fn write(&self, bytes: &mut BytesMut) {
            let CsvDialect { delimiter, quote, escape, double_quote, comment, terminator, trim } =
                self.dialect;
            bytes.put_u8(delimiter);
            for mark in [quote, escape, comment, terminator] {
                bytes.put_u8(mark.unwrap_or(NO_MARK));
            }
            bytes.put_u8(if double_quote { DOUBLE_QUOTE } else { 0 } | if trim { TRIM } else { 0 });
            bytes.put_u32_le(self.layout.width().map_or(u32::MAX, |width| width as u32));
            let names = self.layout.names();
            bytes.put_u32_le(names.map_or(u32::MAX, |names| names.len() as u32));
            for name in names.into_iter().flatten() {
                put(bytes, name.as_bytes());
            }
        }

        pub(super) fn read(head: &mut Reader) -> Option<Self> {
            let bytes = head.take(6)?;
            let mark = |byte: u8| (byte != NO_MARK).then_some(byte);
            let [delimiter, quote, escape, comment, terminator, flags] = *bytes.as_ref() else { return None };
            let dialect = CsvDialect {
                delimiter,
                quote: mark(quote),
                escape: mark(escape),
                double_quote: flags & DOUBLE_QUOTE != 0,
                comment: mark(comment),
                terminator: mark(terminator),
                trim: flags & TRIM != 0,
            };
            let dialect = dialect.check().ok()?;
            let some = |number: u32| (number != u32::MAX).then_some(number);
            let width = some(head.u32()?).map(|width| width as usize);
            let names = match some(head.u32()?) {
                Some(names) => Some((0..names).map(|_| head.text().map(Into::into)).collect::<Option<_>>()?),
                None => None,
            };
            Some(Self { dialect, layout: Arc::new(Layout::new(names, width)) })
        }
    }
}
