//! Gathers records into chunks: decides which records go together, which are bad, and what is dropped.
//!
//! It plans in offsets; the buffer itself is the cutter's. Bytes leave the front of the buffer in order,
//! through `skip_to`, which is therefore the one place that counts lines.

use std::mem;

use memchr::memchr_iter;

use super::chunk::ChunkSize;
use super::fault::{BadRow, BadRowReason, Unreadable};
use super::scan::{Last, Pause, Record};

/// A piece of the plan, in source order.
pub(super) enum Piece {
    Header(Span),
    Chunk(Span),
    Bad(BadRow),
}

/// A chunk as offsets into the buffer.
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) first_row: u64,
    pub(super) rows: u64,
    pub(super) first_line: u64,
    pub(super) first_byte: u64,
}

pub(super) struct Gather {
    size: ChunkSize,
    max_record: usize,
    /// The next record is the header.
    header: bool,
    /// Inside a record that was too long: its bytes are dropped as they come.
    discarding: bool,
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
    pub(super) fn new(size: ChunkSize, max_record: usize, header: bool) -> Self {
        Self {
            size,
            max_record,
            header,
            discarding: false,
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
    pub(super) fn done_to(&self) -> usize {
        self.start
    }

    pub(super) fn take_plan(&mut self) -> Vec<Piece> {
        mem::take(&mut self.plan)
    }

    /// Gives the plan's room back for the next one.
    pub(super) fn reuse(&mut self, mut plan: Vec<Piece>) {
        plan.clear();
        self.plan = plan;
    }

    /// The first `n` bytes of the buffer are gone: offsets move down.
    pub(super) fn rebase(&mut self, n: usize) {
        self.start = self.start.saturating_sub(n);
        self.end = self.end.saturating_sub(n);
        self.base += n as u64;
    }

    /// A record is complete.
    #[inline]
    pub(super) fn record(&mut self, data: &[u8], record: Record) -> Result<(), Unreadable> {
        let Record { start, end, next } = record;
        if self.discarding || end.saturating_sub(start) > self.max_record {
            return self.overlong(data, start, next);
        }
        if self.rows == 0 {
            self.skip_to(data, start);
        } else if start.saturating_sub(self.end) > self.max_record {
            self.flush(data);
            self.skip_to(data, start);
        }
        self.end = next;
        self.rows += 1;
        let full = match self.size {
            ChunkSize::Rows(rows) => self.rows >= rows as u64,
            ChunkSize::Bytes(bytes) => next.saturating_sub(self.start) >= bytes,
        };
        if full || self.header {
            self.flush(data);
        }
        Ok(())
    }

    /// The end of a record that is too long.
    #[cold]
    fn overlong(&mut self, data: &[u8], start: usize, next: usize) -> Result<(), Unreadable> {
        if !mem::take(&mut self.discarding) {
            let reason = BadRowReason::TooLong { limit: self.max_record };
            self.reject(data, start, start, reason)?;
        }
        self.skip_to(data, next);
        Ok(())
    }

    /// The data is used up: drops what is of no use and meets the limit, so that neither an endless
    /// record nor endless blank lines fill the buffer.
    pub(super) fn pause(&mut self, data: &[u8], pause: Pause) -> Result<(), Unreadable> {
        match pause {
            Pause::Between { at } => {
                if self.rows > 0 && at.saturating_sub(self.end) > self.max_record {
                    self.flush(data);
                }
                if self.rows == 0 {
                    self.skip_to(data, at);
                }
            }
            Pause::Inside { at, .. } if self.discarding => self.skip_to(data, at),
            Pause::Inside { start, end, at } => {
                if end.saturating_sub(start) > self.max_record {
                    let reason = BadRowReason::TooLong { limit: self.max_record };
                    self.reject(data, start, start, reason)?;
                    self.discarding = true;
                    self.skip_to(data, at);
                } else if self.rows == 0 {
                    self.skip_to(data, start);
                }
            }
        }
        Ok(())
    }

    /// The source has ended.
    pub(super) fn finish(&mut self, data: &[u8], last: Last) -> Result<(), Unreadable> {
        match last {
            Last::Nothing => {}
            Last::Record(record) => self.record(data, record)?,
            // Too long as well, and already said so.
            Last::OpenQuote { .. } if self.discarding => {}
            Last::OpenQuote { start, quote } => {
                let line = self.line + lines(data, self.start, quote);
                self.reject(data, start, quote, BadRowReason::OpenQuote { line })?;
            }
        }
        self.flush(data);
        self.skip_to(data, data.len());
        Ok(())
    }

    /// Plans a bad row that begins at `start` and is wrong at `at`.
    fn reject(
        &mut self,
        data: &[u8],
        start: usize,
        at: usize,
        reason: BadRowReason,
    ) -> Result<(), Unreadable> {
        self.flush(data);
        self.skip_to(data, start);
        let line = self.line + lines(data, start, at);
        let bad = BadRow { sequence: self.row, line, byte: self.base + at as u64, reason };
        if self.header {
            return Err(Unreadable::Header(bad));
        }
        self.row += 1;
        self.plan.push(Piece::Bad(bad));
        Ok(())
    }

    /// Plans the chunk under way, if it holds anything.
    pub(super) fn flush(&mut self, data: &[u8]) {
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
