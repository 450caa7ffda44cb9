//! The cutter: takes blocks of bytes as they are read, and returns whole records in chunks.
//!
//! It owns the buffer. The scanner finds where records end, and the chunker decides which ones go together.
//! The chunks cut from one block share one allocation, and only the unfinished rest is copied to the next
//! block, so that a byte is copied less than once on the common path.

use std::mem;

use bytes::Bytes;

use crate::text::chunk::{ChunkSize, RawChunk};
use crate::text::cut::chunker::{Chunker, Piece, Span};
use crate::text::cut::limits::Limits;
use crate::text::cut::record::{AtEnd, Record};
use crate::text::cut::refuse::Refusal;
use crate::text::cut::scan::{Scanned, Scanner};
use crate::text::dialect::Dialect;
use crate::text::fault::{BadRow, Unreadable};

/// A piece that was cut, in source order.
#[derive(Debug)]
pub(crate) enum Cut {
    /// Exactly the first record, where the source has a header.
    Header(RawChunk),
    Chunk(RawChunk),
    Bad(BadRow),
}

/// Cuts one source. Cutting does not depend on how the source was split into blocks, with one exception: the
/// chunk before a run of blank or comment lines longer than the record limit may come out sooner.
pub(crate) struct Cutter {
    scanner: Scanner,
    chunker: Chunker,
    /// `len` bytes of the source, then room to read into.
    buf: Vec<u8>,
    len: usize,
    block: usize,
    /// Set once the source's start was checked for a byte order mark, and a mark was skipped. Nothing is cut
    /// before.
    bom_checked: bool,
    /// See [`in_whole_chunks`](Self::in_whole_chunks).
    whole_chunks: bool,
    /// See [`reporting_at_once`](Self::reporting_at_once).
    at_once: bool,
}

enum Start {
    /// Too few bytes to decide.
    Unknown,
    Skip(usize),
}

impl Cutter {
    /// With `header`, the first record is no row.
    pub(crate) fn new(dialect: Dialect, size: ChunkSize, limits: Limits, header: bool) -> Self {
        Self {
            scanner: Scanner::new(dialect),
            chunker: Chunker::new(size, limits, header),
            buf: Vec::new(),
            len: 0,
            block: 0,
            bom_checked: false,
            whole_chunks: false,
            at_once: false,
        }
    }

    /// If true, a source that pauses or fails does not cut a chunk short: its unfinished chunk is held back.
    /// So the chunks are the same however the source is read, and how often.
    pub(crate) fn in_whole_chunks(mut self, whole_chunks: bool) -> Self {
        self.whole_chunks = whole_chunks;
        self
    }

    /// If true, a record that is too long is an error as soon as that is seen, for a pipeline that ends at
    /// its first error. If false, it is an error when its end is seen, and the error says how much the record
    /// took.
    pub(crate) fn reporting_at_once(mut self, at_once: bool) -> Self {
        self.at_once = at_once;
        self
    }

    /// Returns room for `block` bytes to read into.
    pub(crate) fn space(&mut self, block: usize) -> &mut [u8] {
        let end = self.len.saturating_add(block);
        if self.buf.is_empty() {
            // Allocated as zeros, not resized: the allocator has zeroed memory at hand.
            self.buf = vec![0; end];
        } else if self.buf.len() < end {
            self.buf.resize(end, 0);
        }
        self.block = block;
        self.buf.get_mut(self.len..end).unwrap_or_default()
    }

    /// Cuts the first `n` bytes of the room, which were filled. Complete pieces go to `out`.
    ///
    /// # Errors
    ///
    /// The source cannot be read at all; cut it no further.
    pub(crate) fn filled(&mut self, n: usize, out: &mut Vec<Cut>) -> Result<(), Unreadable> {
        let n = n.min(self.buf.len().saturating_sub(self.len));
        self.len += n;
        if self.begin(false)? {
            self.cut()?;
            self.hand_out(out);
        }
        Ok(())
    }

    /// Ends the source. The rest of it goes to `out`.
    ///
    /// # Errors
    ///
    /// The source cannot be read at all.
    pub(crate) fn finish(&mut self, out: &mut Vec<Cut>) -> Result<(), Unreadable> {
        self.begin(true)?;
        loop {
            self.cut()?;
            match self.scanner.finish() {
                _ if self.chunker.is_done() => break,
                AtEnd::Nothing => break,
                AtEnd::Record(record) => self.record(record)?,
                AtEnd::OpenQuote { start, quote } => {
                    if !self.refuse().open_quote(start, quote)? {
                        break;
                    }
                }
            }
        }
        self.chunker.finish(self.buf.get(..self.len).unwrap_or_default());
        self.hand_out(out);
        Ok(())
    }

    /// Stops at a source that cannot be read any further, or not for a while. The complete records go to
    /// `out`, unless chunks are to be whole.
    pub(crate) fn stop(&mut self, out: &mut Vec<Cut>) {
        if self.whole_chunks {
            return;
        }
        self.chunker.flush(self.buf.get(..self.len).unwrap_or_default());
        self.hand_out(out);
    }

    /// Gives up a source that cannot be read any further. The error of a record that was being dropped goes
    /// to `out`, and then what [`stop`](Self::stop) gives.
    pub(crate) fn give_up(&mut self, out: &mut Vec<Cut>) {
        if self.chunker.is_discarding() {
            self.chunker.discarded(self.buf.get(..self.len).unwrap_or_default(), self.len, self.len);
            self.hand_out(out);
        }
        self.stop(out);
    }

    /// True if all rows that are wanted were cut. The source need not be read any further.
    pub(crate) fn is_done(&self) -> bool {
        self.chunker.is_done()
    }

    /// The number of rows that are complete so far, handed out or not, bad ones included.
    pub(crate) fn rows(&self) -> u64 {
        self.chunker.rows()
    }

    /// Skips a byte order mark. Returns true if cutting can begin.
    fn begin(&mut self, ended: bool) -> Result<bool, Unreadable> {
        if self.bom_checked {
            return Ok(true);
        }
        match byte_order_mark(self.buf.get(..self.len).unwrap_or_default())? {
            Start::Unknown if !ended => return Ok(false),
            Start::Unknown => {}
            Start::Skip(n) => self.scanner.skip(n),
        }
        self.bom_checked = true;
        Ok(true)
    }

    fn cut(&mut self) -> Result<(), Unreadable> {
        while !self.chunker.is_done() {
            let data = self.buf.get(..self.len).unwrap_or_default();
            match self.scanner.scan(data, &mut self.chunker) {
                Scanned::Done => break,
                Scanned::Refused(record) => self.refuse().record(record)?,
                Scanned::UsedUp => match self.chunker.pause(data, self.scanner.pause()) {
                    Some(start) => self.refuse().endless(start)?,
                    None => break,
                },
            }
        }
        Ok(())
    }

    fn record(&mut self, record: Record) -> Result<(), Unreadable> {
        if self.chunker.refuses(&record) || self.scanner.is_odd() {
            return self.refuse().record(record);
        }
        self.chunker.record(self.buf.get(..self.len).unwrap_or_default(), record);
        Ok(())
    }

    fn refuse(&mut self) -> Refusal<'_> {
        let Self { scanner, chunker, buf, len, at_once, .. } = self;
        Refusal { scanner, chunker, data: buf.get(..*len).unwrap_or_default(), at_once: *at_once }
    }

    /// Turns the plan into pieces, and moves the rest to the front of the buffer.
    fn hand_out(&mut self, out: &mut Vec<Cut>) {
        let done = self.chunker.done_to().min(self.len);
        let mut plan = self.chunker.take_plan();
        let keeps_bytes = plan.iter().any(|piece| !matches!(piece, Piece::Bad(_)));
        let shared = self.release(done, keeps_bytes);
        out.extend(plan.drain(..).map(|piece| match piece {
            Piece::Header(span) => Cut::Header(chunk(&shared, &span)),
            Piece::Chunk(span) => Cut::Chunk(chunk(&shared, &span)),
            Piece::Bad(bad) => Cut::Bad(bad),
        }));
        self.chunker.reuse(plan);
        self.chunker.rebase(done);
        self.scanner.rebase(done);
    }

    /// Takes the first `done` bytes off the buffer, and returns them if they are to be kept.
    fn release(&mut self, done: usize, keep: bool) -> Bytes {
        let (front, rest) =
            self.buf.get(..self.len).and_then(|data| data.split_at_checked(done)).unwrap_or_default();
        // A small read in a large block is copied out: a chunk must not hold a block many times its size.
        let shared = if keep && front.len() >= self.buf.capacity() / 4 {
            let mut fresh = Vec::with_capacity(rest.len() + self.block);
            fresh.extend_from_slice(rest);
            let mut full = mem::replace(&mut self.buf, fresh);
            full.truncate(done);
            Bytes::from(full)
        } else {
            let kept = if keep { Bytes::copy_from_slice(front) } else { Bytes::new() };
            if done > 0
                && let Some(data) = self.buf.get_mut(..self.len)
            {
                data.copy_within(done.., 0);
            }
            kept
        };
        self.len -= done;
        shared
    }
}

fn chunk(shared: &Bytes, span: &Span) -> RawChunk {
    let mut bytes = shared.clone();
    bytes.truncate(span.end);
    RawChunk {
        bytes: bytes.split_off(span.start.min(bytes.len())),
        first_row: span.first_row,
        rows: span.rows,
        first_line: span.first_line,
        first_byte: span.first_byte,
    }
}

/// Reads the encoding from the first bytes: how many to skip, or an error for UTF-16.
fn byte_order_mark(data: &[u8]) -> Result<Start, Unreadable> {
    match data {
        [0xEF, 0xBB, 0xBF, ..] => Ok(Start::Skip(3)),
        [0xFF, 0xFE, ..] => Err(Unreadable::Utf16 { encoding: "UTF-16LE" }),
        [0xFE, 0xFF, ..] => Err(Unreadable::Utf16 { encoding: "UTF-16BE" }),
        [] | [0xEF | 0xFE | 0xFF] | [0xEF, 0xBB] => Ok(Start::Unknown),
        _ => Ok(Start::Skip(0)),
    }
}
