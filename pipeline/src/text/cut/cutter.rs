//! The cutter: takes blocks of bytes as they are read and gives whole records back, in chunks.
//!
//! It owns the buffer. Where records end is the scanner's business, which ones go together the
//! gatherer's. The chunks cut from one block share one allocation, and only the unfinished rest is
//! copied to the next block, so that a byte is copied less than once on the common path.

use std::mem;

use bytes::Bytes;

use crate::text::chunk::{ChunkSize, RawChunk};
use crate::text::cut::chunker::{Gather, Piece, Span};
use crate::text::cut::refuse::Refuse;
use crate::text::cut::scan::{Last, Record, Scanner};
use crate::text::dialect::Dialect;
use crate::text::fault::{BadRow, Unreadable};

/// What was cut, in source order.
#[derive(Debug)]
pub(crate) enum Cut {
    /// Exactly the first record, when a header was asked for.
    Header(RawChunk),
    Chunk(RawChunk),
    Bad(BadRow),
}

/// Cuts one source. Cutting does not depend on how the source was split into blocks, but for one thing:
/// the chunk before a run of blank or comment lines longer than the record limit may come out sooner.
pub(crate) struct Cutter {
    scanner: Scanner,
    gather: Gather,
    /// `len` bytes of the source, then room to read into.
    buf: Vec<u8>,
    len: usize,
    block: usize,
    /// The byte order mark, if any, is behind us.
    begun: bool,
    /// A chunk ends where its size or its text says so, and nowhere else.
    whole_chunks: bool,
    /// See [`telling_at_once`](Self::telling_at_once).
    at_once: bool,
}

enum Start {
    /// Too short to tell.
    Unknown,
    Skip(usize),
}

impl Cutter {
    /// `max_record` is the most bytes one record may have, its line end not counted.
    pub(crate) fn new(dialect: Dialect, size: ChunkSize, max_record: usize, header: bool) -> Self {
        Self {
            scanner: Scanner::new(dialect),
            gather: Gather::new(size, max_record, header),
            buf: Vec::new(),
            len: 0,
            block: 0,
            begun: false,
            whole_chunks: false,
            at_once: false,
        }
    }

    /// With true, a chunk is never cut short by a source that pauses or fails: its unfinished chunk is held back. So the chunks
    /// are the same however the source was read, and how often.
    pub(crate) fn in_whole_chunks(mut self, whole_chunks: bool) -> Self {
        self.whole_chunks = whole_chunks;
        self
    }

    /// With true, a record that is too long is an error as soon as that is seen: for what ends at its first error. With false
    /// it is one when its end is seen, and the error says how much it took.
    pub(crate) fn telling_at_once(mut self, at_once: bool) -> Self {
        self.at_once = at_once;
        self
    }

    /// Room for `block` bytes to read into.
    pub(crate) fn space(&mut self, block: usize) -> &mut [u8] {
        let end = self.len.saturating_add(block);
        if self.buf.is_empty() {
            // All at once: the allocator has zeroed memory at hand.
            self.buf = vec![0; end];
        } else if self.buf.len() < end {
            self.buf.resize(end, 0);
        }
        self.block = block;
        self.buf.get_mut(self.len..end).unwrap_or_default()
    }

    /// The first `n` bytes of the room were filled: what is complete goes to `out`.
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

    /// The source has ended: the rest goes to `out`.
    ///
    /// # Errors
    ///
    /// The source cannot be read at all.
    pub(crate) fn finish(&mut self, out: &mut Vec<Cut>) -> Result<(), Unreadable> {
        self.begin(true)?;
        loop {
            self.cut()?;
            match self.scanner.finish() {
                Last::Nothing => break,
                Last::Record(record) => self.record(record)?,
                Last::OpenQuote { start, quote } => {
                    if !self.refuse().open(start, quote)? {
                        break;
                    }
                }
            }
        }
        self.gather.finish(self.buf.get(..self.len).unwrap_or_default());
        self.hand_out(out);
        Ok(())
    }

    /// The source cannot be read any further, or not for a while: the records that are complete go to `out`, unless chunks
    /// are to be whole.
    pub(crate) fn stop(&mut self, out: &mut Vec<Cut>) {
        if self.whole_chunks {
            return;
        }
        self.gather.flush(self.buf.get(..self.len).unwrap_or_default());
        self.hand_out(out);
    }

    /// The source cannot be read any further: beside what [`stop`](Self::stop) gives, the error of a record that was being
    /// passed over goes to `out`.
    pub(crate) fn give_up(&mut self, out: &mut Vec<Cut>) {
        if self.gather.is_discarding() {
            self.gather.discarded(self.buf.get(..self.len).unwrap_or_default(), self.len, self.len);
            self.hand_out(out);
        }
        self.stop(out);
    }

    /// Rows that are complete so far, handed out or not, the bad ones among them.
    pub(crate) fn rows(&self) -> u64 {
        self.gather.rows()
    }

    /// Sees to a byte order mark. Says whether cutting can begin.
    fn begin(&mut self, ended: bool) -> Result<bool, Unreadable> {
        if self.begun {
            return Ok(true);
        }
        match mark(self.buf.get(..self.len).unwrap_or_default())? {
            Start::Unknown if !ended => return Ok(false),
            Start::Unknown => {}
            Start::Skip(n) => self.scanner.skip(n),
        }
        self.begun = true;
        Ok(true)
    }

    fn cut(&mut self) -> Result<(), Unreadable> {
        loop {
            let data = self.buf.get(..self.len).unwrap_or_default();
            while let Some(record) = self.scanner.next(data) {
                if self.gather.refuses(&record) || self.scanner.is_odd() {
                    let (scanner, gather) = (&mut self.scanner, &mut self.gather);
                    Refuse { scanner, gather, data, at_once: self.at_once }.record(record)?;
                } else {
                    self.gather.record(data, record)?;
                }
            }
            let Some(start) = self.gather.pause(data, self.scanner.pause()) else { return Ok(()) };
            self.refuse().endless(start)?;
        }
    }

    fn record(&mut self, record: Record) -> Result<(), Unreadable> {
        if self.gather.refuses(&record) || self.scanner.is_odd() {
            return self.refuse().record(record);
        }
        self.gather.record(self.buf.get(..self.len).unwrap_or_default(), record)
    }

    fn refuse(&mut self) -> Refuse<'_> {
        let Self { scanner, gather, buf, len, at_once, .. } = self;
        Refuse { scanner, gather, data: buf.get(..*len).unwrap_or_default(), at_once: *at_once }
    }

    /// Turns the plan into chunks and moves the rest to the front of the buffer.
    fn hand_out(&mut self, out: &mut Vec<Cut>) {
        let done = self.gather.done_to().min(self.len);
        let mut plan = self.gather.take_plan();
        let keeps_bytes = plan.iter().any(|piece| !matches!(piece, Piece::Bad(_)));
        let shared = self.release(done, keeps_bytes);
        out.extend(plan.drain(..).map(|piece| match piece {
            Piece::Header(span) => Cut::Header(chunk(&shared, &span)),
            Piece::Chunk(span) => Cut::Chunk(chunk(&shared, &span)),
            Piece::Bad(bad) => Cut::Bad(bad),
        }));
        self.gather.reuse(plan);
        self.gather.rebase(done);
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

/// What the first bytes say about the encoding.
fn mark(data: &[u8]) -> Result<Start, Unreadable> {
    match data {
        [0xEF, 0xBB, 0xBF, ..] => Ok(Start::Skip(3)),
        [0xFF, 0xFE, ..] => Err(Unreadable::Utf16 { encoding: "UTF-16LE" }),
        [0xFE, 0xFF, ..] => Err(Unreadable::Utf16 { encoding: "UTF-16BE" }),
        [] | [0xEF | 0xFE | 0xFF] | [0xEF, 0xBB] => Ok(Start::Unknown),
        _ => Ok(Start::Skip(0)),
    }
}
