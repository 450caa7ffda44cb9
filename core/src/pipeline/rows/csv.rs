//! Decodes chunks of CSV with the csv crate and serde.

use std::io::{self, Read, Seek, SeekFrom};
use std::marker::PhantomData;
use std::mem;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use csv::{ByteRecord, ErrorKind, Position, StringRecord};
use memchr::{memchr, memchr_iter};
use serde::de::DeserializeOwned;

use super::chunk::RawChunk;
use super::decode::{Decoded, Decoder, parsed};
use super::dialect::CsvDialect;
use super::fault::{BadRow, BadRowReason};

/// What the rows of one source have in common.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layout {
    /// The header's fields.
    pub(crate) headers: Option<StringRecord>,
    /// How many fields each row must have; `None` allows any number.
    pub(crate) width: Option<usize>,
}

impl Layout {
    /// Reads the layout off the header's chunk, or off the first chunk where there is no header.
    ///
    /// # Errors
    ///
    /// The header is not valid UTF-8, so that no field could be found by its name.
    pub(crate) fn read(
        dialect: CsvDialect,
        chunk: &RawChunk,
        header: bool,
        ragged: bool,
    ) -> Result<Self, BadRow> {
        let mut parser = Parser::new(dialect);
        parser.start(chunk);
        let Some((line, byte)) = parser.next() else {
            return Ok(Self::default());
        };
        let record = parser.record;
        let width = (!ragged).then_some(record.len());
        if !header {
            return Ok(Self { headers: None, width });
        }
        match StringRecord::from_byte_record(record) {
            Ok(names) => Ok(Self { headers: Some(names), width }),
            Err(fault) => {
                let (field, fault) = (
                    fault.utf8_error().field() as u64,
                    BadRowReason::NotUtf8 { valid_up_to: fault.utf8_error().valid_up_to() },
                );
                let reason = BadRowReason::field(field + 1, None, &fault);
                Err(BadRow { sequence: chunk.first_row, line, byte, reason })
            }
        }
    }

    fn name(&self, field: u64) -> Option<&str> {
        self.headers.as_ref()?.get(usize::try_from(field).ok()?)
    }

    /// Decodes the record in `slot`, which has its room back afterwards.
    fn decode<T: DeserializeOwned>(&self, slot: &mut ByteRecord) -> Result<T, BadRowReason> {
        match self.width {
            Some(expected) if slot.len() != expected => {
                return Err(BadRowReason::Width { expected, found: slot.len() });
            }
            _ => {}
        }
        // One check of the whole record in place of one for each text in it.
        match StringRecord::from_byte_record(mem::take(slot)) {
            Ok(record) => {
                let data = record.deserialize(self.headers.as_ref());
                *slot = record.into_byte_record();
                data.map_err(|error| self.explain(error.kind()))
            }
            // Bytes that are no text do no harm in a field that is not wanted, or wanted as bytes.
            Err(fault) => {
                *slot = fault.into_byte_record();
                let headers = self.headers.as_ref().map(StringRecord::as_byte_record);
                slot.deserialize(headers).map_err(|error| self.explain(error.kind()))
            }
        }
    }

    #[cold]
    fn explain(&self, error: &ErrorKind) -> BadRowReason {
        use csv::DeserializeErrorKind::InvalidUtf8;
        let ErrorKind::Deserialize { err, .. } = error else {
            return BadRowReason::Parse(format!("{error:?}").into());
        };
        match (err.field(), err.kind()) {
            (None, InvalidUtf8(fault)) => BadRowReason::not_utf8(fault),
            (None, kind) => BadRowReason::parse(kind),
            (Some(field), InvalidUtf8(fault)) => {
                BadRowReason::field(field + 1, self.name(field), &BadRowReason::not_utf8(fault))
            }
            (Some(field), kind) => BadRowReason::field(field + 1, self.name(field), kind),
        }
    }
}

/// Decodes each record into a `T`.
pub(crate) struct CsvDecoder<T> {
    parser: Parser,
    layout: Arc<Layout>,
    sequence: u64,
    of: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> CsvDecoder<T> {
    pub(crate) fn new(dialect: CsvDialect, layout: Arc<Layout>) -> Self {
        Self { parser: Parser::new(dialect), layout, sequence: 0, of: PhantomData }
    }
}

impl<T: DeserializeOwned> Decoder<T> for CsvDecoder<T> {
    fn start(&mut self, chunk: &RawChunk) {
        self.parser.start(chunk);
        self.sequence = chunk.first_row;
    }

    fn next(&mut self) -> Option<Decoded<T>> {
        let (line, byte) = self.parser.next()?;
        let len = self.parser.len(byte);
        let sequence = self.sequence;
        self.sequence += 1;
        let data = parsed(|| self.layout.decode(&mut self.parser.record));
        Some(Decoded { sequence, line, byte, len, data })
    }

    fn release(&mut self) {
        self.parser.bytes = Bytes::new();
        self.parser.reader.get_mut().load(Bytes::new());
    }
}

/// One csv reader, used for chunk after chunk: building one writes a transition table and allocates a
/// buffer, which is too dear for chunks of a hundred rows.
struct Parser {
    reader: csv::Reader<Feed>,
    record: ByteRecord,
    comment: Option<u8>,
    bytes: Bytes,
    first_line: u64,
    first_byte: u64,
}

impl Parser {
    fn new(dialect: CsvDialect) -> Self {
        Self {
            reader: parser(dialect).from_reader(Feed::default()),
            record: ByteRecord::new(),
            comment: dialect.comment,
            bytes: Bytes::new(),
            first_line: 1,
            first_byte: 0,
        }
    }

    fn start(&mut self, chunk: &RawChunk) {
        // The old content must be gone before the seek: the very first one reads a record, for headers.
        self.reader.get_mut().load(Bytes::new());
        // A feed never fails, and neither does a seek in it.
        let _ = self.reader.seek_raw(SeekFrom::Start(0), Position::new());
        self.reader.get_mut().load(chunk.bytes.clone());
        self.bytes = chunk.bytes.clone();
        self.first_line = chunk.first_line;
        self.first_byte = chunk.first_byte;
    }

    /// Reads the next record into `record`; says on which line and byte it begins.
    #[inline]
    fn next(&mut self) -> Option<(u64, u64)> {
        let before = self.reader.position();
        // The feed's extra LF is byte 0 and ends line 1: take both off again.
        let (mut at, mut line) = (before.byte().saturating_sub(1), before.line().saturating_sub(2));
        let more = self.reader.read_byte_record(&mut self.record);
        if !more.is_ok_and(|more| more) {
            return None;
        }
        let rest = usize::try_from(at).ok().and_then(|at| self.bytes.get(at..)).unwrap_or_default();
        if let Some(&first) = rest.first()
            && (matches!(first, b'\r' | b'\n') || self.comment == Some(first))
        {
            let blank = blank(rest, self.comment);
            at += blank.len() as u64;
            line += memchr_iter(b'\n', blank).count() as u64;
        }
        Some((self.first_line + line, self.first_byte + at))
    }

    /// How many bytes the record that begins at `byte` has, without its line end.
    fn len(&self, byte: u64) -> usize {
        let offset = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
        let (start, end) =
            (offset(byte - self.first_byte), offset(self.reader.position().byte().saturating_sub(1)));
        let raw = self.bytes.get(start..end).unwrap_or_default();
        let raw = raw.strip_suffix(b"\n").unwrap_or(raw);
        raw.strip_suffix(b"\r").unwrap_or(raw).len()
    }
}

/// A builder of readers that parse what the cutter cut: any width, and no row taken for a header.
fn parser(dialect: CsvDialect) -> csv::ReaderBuilder {
    let mut builder = csv::ReaderBuilder::new();
    builder
        .delimiter(dialect.delimiter)
        .quoting(dialect.quote.is_some())
        .quote(dialect.quote.unwrap_or(b'"'))
        .comment(dialect.comment)
        .flexible(true)
        .has_headers(false);
    builder
}

/// The blank and comment lines at the front: the parser skips them but counts its records from there.
fn blank(bytes: &[u8], comment: Option<u8>) -> &[u8] {
    let mut rest = bytes;
    loop {
        rest = match rest.split_first() {
            Some((b'\r' | b'\n', tail)) => tail,
            Some((first, _)) if comment == Some(*first) => {
                memchr(b'\n', rest).and_then(|lf| rest.get(lf..)).unwrap_or_default()
            }
            _ => return bytes.get(..bytes.len() - rest.len()).unwrap_or_default(),
        };
    }
}

/// A reader whose content is replaced from chunk to chunk. It gives one LF before each: the parser
/// skips it as a blank line, and so cannot take the chunk's first bytes for a byte order mark.
#[derive(Default)]
struct Feed {
    bytes: Bytes,
    begun: bool,
}

impl Feed {
    fn load(&mut self, bytes: Bytes) {
        self.begun = bytes.is_empty();
        self.bytes = bytes;
    }
}

impl Read for Feed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if !mem::replace(&mut self.begun, true) {
            return b"\n".as_slice().read(into);
        }
        let n = self.bytes.as_ref().read(into)?;
        self.bytes.advance(n);
        Ok(n)
    }
}

impl Seek for Feed {
    /// There is nothing to move: `load` follows each seek.
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        Ok(0)
    }
}
