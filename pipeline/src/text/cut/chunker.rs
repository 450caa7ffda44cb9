//! The chunker: decides which records go together into a chunk, which are bad, and what is dropped.
//!
//! It plans in offsets; the cutter owns the buffer. Bytes leave the front of the buffer in order, through
//! `skip_to`, which is therefore the only function that advances the line number.

use std::mem;

use memchr::memchr_iter;

use crate::text::chunk::ChunkSize;
use crate::text::cut::limits::Limits;
use crate::text::cut::record::{Pause, Record};
use crate::text::fault::{BadRow, BadRowReason, RefusedRecord, Unreadable};

/// A piece of the plan, in source order.
pub(crate) enum Piece {
    Header(Span),
    Chunk(Span),
    Bad(BadRow),
}

/// A chunk as offsets into the buffer.
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) first_row: u64,
    pub(crate) rows: u64,
    pub(crate) first_line: u64,
    pub(crate) first_byte: u64,
}

/// A record whose bytes are dropped as they arrive.
struct Discarded {
    bad: BadRow,
    refused: RefusedRecord,
    /// The line of its first byte.
    line: u64,
    /// The offset of its first byte in the source.
    byte: u64,
    /// True if the part that is dropped so far ends with a line end.
    line_ended: bool,
}

pub(crate) struct Chunker {
    size: ChunkSize,
    /// `skip` is the number of rows that are still to be passed over.
    limits: Limits,
    /// The next record is the header. Set from the start until the header is planned, where the source has
    /// one.
    header: bool,
    /// Set inside a refused record, whose bytes are dropped as they arrive. Excludes a chunk under way:
    /// `rows` is 0.
    discarding: bool,
    /// The error of that record, planned once the record has ended. `None` if it was planned at once, or
    /// if the record is one that is passed over.
    discarded: Option<Discarded>,
    /// The chunk under way: its start and end in the buffer.
    start: usize,
    end: usize,
    rows: u64,
    /// Line of `start`.
    line: u64,
    /// Offset of the buffer in the source.
    buffer_offset: u64,
    /// Rows planned so far, bad ones included. Those that were passed over are not counted.
    row: u64,
    plan: Vec<Piece>,
}

impl Chunker {
    pub(crate) fn new(size: ChunkSize, limits: Limits, header: bool) -> Self {
        Self {
            size,
            limits,
            header,
            discarding: false,
            discarded: None,
            start: 0,
            end: 0,
            rows: 0,
            line: 1,
            buffer_offset: 0,
            row: 0,
            plan: Vec::new(),
        }
    }

    /// Everything before this offset is planned or dropped.
    pub(crate) fn done_to(&self) -> usize {
        self.start
    }

    /// The number of rows that are complete so far, planned or not.
    pub(crate) fn rows(&self) -> u64 {
        self.row + self.rows
    }

    /// True if no more rows are wanted.
    #[inline]
    pub(crate) fn is_done(&self) -> bool {
        // The error of a row that is being dropped is still to be planned.
        self.rows() >= self.limits.max_rows && self.discarded.is_none()
    }

    /// True if the next row is to be passed over.
    #[inline]
    fn skips(&self) -> bool {
        self.limits.skip > 0 && !self.header
    }

    pub(crate) fn take_plan(&mut self) -> Vec<Piece> {
        mem::take(&mut self.plan)
    }

    /// Takes back the memory of a plan, for the next one.
    pub(crate) fn reuse(&mut self, mut plan: Vec<Piece>) {
        plan.clear();
        self.plan = plan;
    }

    /// Moves all offsets down, since the first `n` bytes of the buffer were removed.
    pub(crate) fn rebase(&mut self, n: usize) {
        self.start = self.start.saturating_sub(n);
        self.end = self.end.saturating_sub(n);
        self.buffer_offset += n as u64;
    }

    /// True if this is a record that is too long, or the end of a record that is being dropped.
    #[inline]
    pub(crate) fn refuses(&self, record: &Record) -> bool {
        self.discarding || self.is_over(record.start, record.end)
    }

    pub(crate) fn is_over(&self, start: usize, end: usize) -> bool {
        end.saturating_sub(start) > self.limits.max_record
    }

    pub(crate) fn max_record(&self) -> usize {
        self.limits.max_record
    }

    pub(crate) fn is_discarding(&self) -> bool {
        self.discarding
    }

    /// Adds a record that is complete and not refused.
    #[inline]
    pub(crate) fn record(&mut self, data: &[u8], record: Record) {
        let Record { start, next, .. } = record;
        if self.skips() {
            self.limits.skip -= 1;
            self.skip_to(data, next);
            return;
        }
        if self.rows == 0 {
            self.skip_to(data, start);
        } else if start.saturating_sub(self.end) > self.limits.max_record {
            self.flush(data);
            self.skip_to(data, start);
        }
        self.end = next;
        self.rows += 1;
        let full = match self.size {
            ChunkSize::Rows(rows) => {
                self.rows >= rows as u64 || next.saturating_sub(self.start) >= self.limits.max_chunk
            }
            ChunkSize::Bytes(bytes) => next.saturating_sub(self.start) >= bytes,
        };
        if full || self.header || self.rows() >= self.limits.max_rows {
            self.flush(data);
        }
    }

    /// Drops data that is no longer needed and enforces the limit once the data is used up, so that neither
    /// an endless record nor endless blank lines fill the buffer. Returns the start of the record under way,
    /// if it is too long.
    pub(crate) fn pause(&mut self, data: &[u8], pause: Pause) -> Option<usize> {
        match pause {
            Pause::Between { at } => {
                if self.rows > 0 && at.saturating_sub(self.end) > self.limits.max_record {
                    self.flush(data);
                }
                if self.rows == 0 {
                    self.skip_to(data, at);
                }
            }
            Pause::Inside { at, .. } if self.discarding => self.drop_to(data, at),
            // The CR is not part of the record.
            Pause::AfterCr { at, .. } if self.discarding => self.drop_to(data, at.saturating_sub(1)),
            Pause::Inside { start, at } if self.is_over(start, at) => return Some(start),
            Pause::Inside { start, .. } | Pause::AfterCr { start, .. } => {
                if self.rows == 0 {
                    self.skip_to(data, start);
                }
            }
        }
        None
    }

    /// Plans the rest of a source that has ended.
    pub(crate) fn finish(&mut self, data: &[u8]) {
        self.flush(data);
        self.skip_to(data, data.len());
    }

    /// Plans a bad row that begins at `start`, is wrong at `at`, and ends before `next`.
    pub(crate) fn reject(
        &mut self,
        data: &[u8],
        (start, at, next): (usize, usize, usize),
        refused: RefusedRecord,
    ) -> Result<(), Unreadable> {
        let bad = self.bad(data, start, at, refused)?;
        self.plan.extend(bad.map(Piece::Bad));
        self.skip_to(data, next);
        Ok(())
    }

    /// Starts to drop a record that begins at `start`, does not end in the data, and is dropped up to `to`.
    /// Its error is planned once the record has ended, or at once if `at_once`.
    pub(crate) fn discard(
        &mut self,
        data: &[u8],
        (start, at, to): (usize, usize, usize),
        refused: RefusedRecord,
        at_once: bool,
    ) -> Result<(), Unreadable> {
        let bad = self.bad(data, start, at, refused.clone())?;
        if at_once {
            self.plan.extend(bad.map(Piece::Bad));
        } else if let Some(bad) = bad {
            let (line, byte) = (self.line, self.buffer_offset + self.start as u64);
            self.discarded = Some(Discarded { bad, refused, line, byte, line_ended: false });
        }
        self.discarding = true;
        self.drop_to(data, to);
        Ok(())
    }

    /// Ends the record that is being dropped, at `end`; its line end is before `next`.
    pub(crate) fn discarded(&mut self, data: &[u8], end: usize, next: usize) {
        self.discarding = false;
        self.drop_to(data, end.max(self.start));
        if let Some(Discarded { mut bad, mut refused, line, byte, line_ended }) = self.discarded.take() {
            let bytes = (self.buffer_offset + self.start as u64).saturating_sub(byte);
            refused.extent = Some((bytes, self.line.saturating_sub(line) + u64::from(!line_ended)));
            bad.reason = BadRowReason::Refused(refused.into());
            self.plan.push(Piece::Bad(bad));
        }
        self.skip_to(data, next);
    }

    /// Drops everything before `to`.
    fn drop_to(&mut self, data: &[u8], to: usize) {
        if let Some(discarded) = &mut self.discarded
            && to > self.start
        {
            discarded.line_ended = data.get(to - 1) == Some(&b'\n');
        }
        self.skip_to(data, to);
    }

    /// Returns the number of bytes and of lines between the two offsets.
    pub(crate) fn extent(data: &[u8], from: usize, to: usize) -> (u64, u64) {
        let line_ended = data.get(to.wrapping_sub(1)) == Some(&b'\n');
        (to.saturating_sub(from) as u64, lines(data, from, to) + u64::from(!line_ended))
    }

    /// Returns the line of an offset that is not planned yet.
    pub(crate) fn line_of(&self, data: &[u8], at: usize) -> u64 {
        self.line + lines(data, self.start, at)
    }

    /// Makes a bad row and counts it, after planning the chunk under way. `None` if the row is one that is
    /// passed over. A bad header is an error: the source cannot be read.
    fn bad(
        &mut self,
        data: &[u8],
        start: usize,
        at: usize,
        refused: RefusedRecord,
    ) -> Result<Option<BadRow>, Unreadable> {
        self.flush(data);
        self.skip_to(data, start);
        let (line, byte) = (self.line_of(data, at), self.buffer_offset + at as u64);
        let bad = BadRow { sequence: self.row, line, byte, reason: BadRowReason::Refused(refused.into()) };
        if self.header {
            return Err(Unreadable::Header(bad));
        }
        if self.skips() {
            self.limits.skip -= 1;
            return Ok(None);
        }
        self.row += 1;
        Ok(Some(bad))
    }

    /// Plans the chunk under way, if it holds anything.
    pub(crate) fn flush(&mut self, data: &[u8]) {
        if self.rows == 0 {
            return;
        }
        let span = Span {
            start: self.start,
            end: self.end,
            first_row: self.row,
            rows: self.rows,
            first_line: self.line,
            first_byte: self.buffer_offset + self.start as u64,
        };
        if mem::take(&mut self.header) {
            self.plan.push(Piece::Header(span));
        } else {
            self.row += self.rows;
            self.plan.push(Piece::Chunk(span));
        }
        self.rows = 0;
        self.skip_to(data, self.end);
    }

    /// Moves the start to `to`, and counts the lines before it.
    fn skip_to(&mut self, data: &[u8], to: usize) {
        self.line += lines(data, self.start, to);
        self.start = to;
        self.end = to;
    }
}

/// Returns the number of lines that end between the two offsets.
fn lines(data: &[u8], from: usize, to: usize) -> u64 {
    data.get(from..to).map_or(0, |bytes| memchr_iter(b'\n', bytes).count() as u64)
}
