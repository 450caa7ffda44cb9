//! Gathers records into chunks: decides which records go together, which are bad, and what is dropped.
//!
//! It plans in offsets; the buffer itself is the cutter's. Bytes leave the front of the buffer in order,
//! through `skip_to`, which is therefore the one place that counts lines.

use std::mem;

use memchr::memchr_iter;

use crate::text::chunk::ChunkSize;
use crate::text::cut::scan::{Pause, Record};
use crate::text::fault::{BadRow, BadRowReason, Uncut, Unreadable};

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

/// At so many bytes a chunk goes out, however few rows it has: rows that grow are not to take the memory.
const MOST_BYTES: usize = 8 << 20;

/// A record that is dropped as it comes.
struct Discarded {
    bad: BadRow,
    uncut: Uncut,
    /// Where it began.
    line: u64,
    byte: u64,
    /// What has been dropped of it ends with a line.
    line_ended: bool,
}

pub(crate) struct Gather {
    size: ChunkSize,
    max_record: usize,
    /// The next record is the header.
    header: bool,
    /// Inside a record that is refused: its bytes are dropped as they come.
    discarding: bool,
    /// The error of that record, which is planned once it has ended.
    discarded: Option<Discarded>,
    /// The chunk under way: where it starts and ends, in the buffer.
    start: usize,
    end: usize,
    rows: u64,
    /// Line of `start`.
    line: u64,
    /// Offset of the buffer in the source.
    base: u64,
    /// Rows planned so far, bad ones too.
    row: u64,
    plan: Vec<Piece>,
}

impl Gather {
    pub(crate) fn new(size: ChunkSize, max_record: usize, header: bool) -> Self {
        Self {
            size,
            max_record,
            header,
            discarding: false,
            discarded: None,
            start: 0,
            end: 0,
            rows: 0,
            line: 1,
            base: 0,
            row: 0,
            plan: Vec::new(),
        }
    }

    /// Everything before this offset is planned or dropped.
    pub(crate) fn done_to(&self) -> usize {
        self.start
    }

    /// Rows that are complete so far, planned or not.
    pub(crate) fn rows(&self) -> u64 {
        self.row + self.rows
    }

    pub(crate) fn take_plan(&mut self) -> Vec<Piece> {
        mem::take(&mut self.plan)
    }

    /// Gives the plan's room back for the next one.
    pub(crate) fn reuse(&mut self, mut plan: Vec<Piece>) {
        plan.clear();
        self.plan = plan;
    }

    /// The first `n` bytes of the buffer are gone: offsets move down.
    pub(crate) fn rebase(&mut self, n: usize) {
        self.start = self.start.saturating_sub(n);
        self.end = self.end.saturating_sub(n);
        self.base += n as u64;
    }

    /// Whether this is, or is the end of, a record that is too long.
    #[inline]
    pub(crate) fn refuses(&self, record: &Record) -> bool {
        self.discarding || self.is_over(record.start, record.end)
    }

    pub(crate) fn is_over(&self, start: usize, end: usize) -> bool {
        end.saturating_sub(start) > self.max_record
    }

    pub(crate) fn max_record(&self) -> usize {
        self.max_record
    }

    pub(crate) fn is_discarding(&self) -> bool {
        self.discarding
    }

    /// A record is complete, and not refused.
    #[inline]
    pub(crate) fn record(&mut self, data: &[u8], record: Record) -> Result<(), Unreadable> {
        let Record { start, next, .. } = record;
        if self.rows == 0 {
            self.skip_to(data, start);
        } else if start.saturating_sub(self.end) > self.max_record {
            self.flush(data);
            self.skip_to(data, start);
        }
        self.end = next;
        self.rows += 1;
        let full = match self.size {
            ChunkSize::Rows(rows) => {
                self.rows >= rows as u64 || next.saturating_sub(self.start) >= MOST_BYTES
            }
            ChunkSize::Bytes(bytes) => next.saturating_sub(self.start) >= bytes,
        };
        if full || self.header {
            self.flush(data);
        }
        Ok(())
    }

    /// The data is used up: drops what is of no use and meets the limit, so that neither an endless
    /// record nor endless blank lines fill the buffer. Says where the record under way begins, if it is too long.
    pub(crate) fn pause(&mut self, data: &[u8], pause: Pause) -> Option<usize> {
        match pause {
            Pause::Between { at } => {
                if self.rows > 0 && at.saturating_sub(self.end) > self.max_record {
                    self.flush(data);
                }
                if self.rows == 0 {
                    self.skip_to(data, at);
                }
            }
            Pause::Inside { at, .. } if self.discarding => self.drop_to(data, at),
            // The CR is no part of the record.
            Pause::Behind { at, .. } if self.discarding => self.drop_to(data, at.saturating_sub(1)),
            Pause::Inside { start, at } if self.is_over(start, at) => return Some(start),
            Pause::Inside { start, .. } | Pause::Behind { start, .. } => {
                if self.rows == 0 {
                    self.skip_to(data, start);
                }
            }
        }
        None
    }

    /// The source has ended.
    pub(crate) fn finish(&mut self, data: &[u8]) {
        self.flush(data);
        self.skip_to(data, data.len());
    }

    /// Plans a bad row that begins at `start`, is wrong at `at`, and ends before `next`.
    pub(crate) fn reject(
        &mut self,
        data: &[u8],
        (start, at, next): (usize, usize, usize),
        uncut: Uncut,
    ) -> Result<(), Unreadable> {
        let bad = self.bad(data, start, at, uncut)?;
        self.plan.push(Piece::Bad(bad));
        self.skip_to(data, next);
        Ok(())
    }

    /// Drops a record that begins at `start` and does not end in the data, which goes to `to`. It is planned when it has
    /// ended, unless it is `told` at once.
    pub(crate) fn discard(
        &mut self,
        data: &[u8],
        (start, at, to): (usize, usize, usize),
        uncut: Uncut,
        told: bool,
    ) -> Result<(), Unreadable> {
        let bad = self.bad(data, start, at, uncut.clone())?;
        if told {
            self.plan.push(Piece::Bad(bad));
        } else {
            let (line, byte) = (self.line, self.base + self.start as u64);
            self.discarded = Some(Discarded { bad, uncut, line, byte, line_ended: false });
        }
        self.discarding = true;
        self.drop_to(data, to);
        Ok(())
    }

    /// The record that is being dropped has ended at `end`, its line end before `next`.
    pub(crate) fn discarded(&mut self, data: &[u8], end: usize, next: usize) {
        self.discarding = false;
        self.drop_to(data, end.max(self.start));
        if let Some(Discarded { mut bad, mut uncut, line, byte, line_ended }) = self.discarded.take() {
            let bytes = (self.base + self.start as u64).saturating_sub(byte);
            uncut.taken = Some((bytes, self.line.saturating_sub(line) + u64::from(!line_ended)));
            bad.reason = BadRowReason::Uncut(uncut.into());
            self.plan.push(Piece::Bad(bad));
        }
        self.skip_to(data, next);
    }

    /// What is before `to` is dropped.
    fn drop_to(&mut self, data: &[u8], to: usize) {
        if let Some(discarded) = &mut self.discarded
            && to > self.start
        {
            discarded.line_ended = data.get(to - 1) == Some(&b'\n');
        }
        self.skip_to(data, to);
    }

    /// How many bytes and lines there are between the two offsets.
    pub(crate) fn taken(data: &[u8], from: usize, to: usize) -> (u64, u64) {
        let line_ended = data.get(to.wrapping_sub(1)) == Some(&b'\n');
        (to.saturating_sub(from) as u64, lines(data, from, to) + u64::from(!line_ended))
    }

    /// The line of an offset that is not planned yet.
    pub(crate) fn line_of(&self, data: &[u8], at: usize) -> u64 {
        self.line + lines(data, self.start, at)
    }

    /// A bad row, where it stands among the others.
    fn bad(&mut self, data: &[u8], start: usize, at: usize, uncut: Uncut) -> Result<BadRow, Unreadable> {
        self.flush(data);
        self.skip_to(data, start);
        let (line, byte) = (self.line_of(data, at), self.base + at as u64);
        let bad = BadRow { sequence: self.row, line, byte, reason: BadRowReason::Uncut(uncut.into()) };
        if self.header {
            return Err(Unreadable::Header(bad));
        }
        self.row += 1;
        Ok(bad)
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
            first_byte: self.base + self.start as u64,
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

    /// Everything before `to` is done with.
    fn skip_to(&mut self, data: &[u8], to: usize) {
        self.line += lines(data, self.start, to);
        self.start = to;
        self.end = to;
    }
}

/// How many lines end between the two offsets.
fn lines(data: &[u8], from: usize, to: usize) -> u64 {
    data.get(from..to).map_or(0, |bytes| memchr_iter(b'\n', bytes).count() as u64)
}
