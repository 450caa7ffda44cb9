//! Records that the cutter refuses, and how much of the text is passed over with each.
//!
//! A refused record is one bad row, and all of it is passed over. With
//! [`resync`](crate::text::dialect::Checks::resync) only its first line is passed over, and the lines after
//! it are cut again. That takes no more time than a text without quotes takes; see
//! [`ScannedExtent`](crate::text::cut::scan::refused::ScannedExtent).

use crate::text::cut::chunker::Chunker;
use crate::text::cut::record::Record;
use crate::text::cut::scan::{Oddity, QuotedLineEnd, Scanner};
use crate::text::dialect::Dialect;
use crate::text::fault::{RefusalReason, RefusedRecord, Unreadable};

/// The scanner and the chunker of a cutter, over its current data.
pub(crate) struct Refusal<'a> {
    pub(crate) scanner: &'a mut Scanner,
    pub(crate) chunker: &'a mut Chunker,
    pub(crate) data: &'a [u8],
    /// True if a record that is too long is an error before its end is seen.
    pub(crate) at_once: bool,
}

impl Refusal<'_> {
    fn resyncs(&self) -> bool {
        matches!(self.scanner.dialect, Dialect::Csv(_, checks) if checks.resync)
    }

    /// Refuses a complete record: it is too long, or odd, or the end of one that was being dropped.
    #[cold]
    pub(crate) fn record(mut self, record: Record) -> Result<(), Unreadable> {
        let Record { start, end, next } = record;
        let odd = self.scanner.take_oddity();
        if self.chunker.is_discarding() {
            self.chunker.discarded(self.data, end, next);
            return Ok(());
        }
        let line_end = self.scanner.quoted_line_end(start);
        let (at, reason) = self.reason(start, odd);
        let mut refused = self.refused_record(reason, start, line_end);
        match line_end {
            Some(line_end) if self.resyncs() => {
                self.resume_at_next_line(refused, (start, at, end), line_end, odd)
            }
            _ => {
                refused.extent = (!self.resyncs()).then(|| Chunker::extent(self.data, start, end));
                self.chunker.reject(self.data, (start, at, next), refused)
            }
        }
    }

    /// Refuses a record that is too long before it has ended. It began at `start`, and all of the data was
    /// scanned.
    #[cold]
    pub(crate) fn endless(mut self, start: usize) -> Result<(), Unreadable> {
        let (end, odd) = (self.data.len(), self.scanner.take_oddity());
        let line_end = self.scanner.quoted_line_end(start);
        let (at, reason) = self.reason(start, odd);
        let refused = self.refused_record(reason, start, line_end);
        if !self.resyncs() {
            return self.chunker.discard(self.data, (start, at, end), refused, self.at_once);
        }
        match line_end {
            Some(line_end) => self.resume_at_next_line(refused, (start, at, end), line_end, odd),
            None => {
                self.scanner.pass_over_line();
                self.chunker.discard(self.data, (start, at, end), refused, true)
            }
        }
    }

    /// Refuses the record in which the source has ended. It began at `start`, and is within the quotes that
    /// `quote` opened. Returns true if cutting goes on.
    #[cold]
    pub(crate) fn open_quote(mut self, start: usize, quote: usize) -> Result<bool, Unreadable> {
        let (end, odd) = (self.data.len(), self.scanner.take_oddity());
        if self.chunker.is_discarding() {
            self.chunker.discarded(self.data, end, end);
            return Ok(false);
        }
        let line_end = self.scanner.quoted_line_end(start);
        let open = |quote| (quote, RefusalReason::OpenQuote { line: self.chunker.line_of(self.data, quote) });
        let resumed = line_end.filter(|_| self.resyncs());
        let (at, reason) = match odd {
            Some(_) => self.reason(start, odd),
            None => open(resumed.map_or(quote, |line_end| line_end.quote)),
        };
        let mut refused = self.refused_record(reason, start, line_end);
        if let Some(line_end) = resumed {
            self.resume_at_next_line(refused, (start, at, end), line_end, odd)?;
            return Ok(true);
        }
        (refused.extent, refused.resumed) = (Some(Chunker::extent(self.data, start, end)), false);
        self.chunker.reject(self.data, (start, at, end), refused)?;
        Ok(false)
    }

    /// Returns the offset and the reason of the record's first fault. Only the part within the limit is
    /// considered, so that the result does not depend on how far the record was read.
    fn reason(&self, start: usize, odd: Option<(usize, Oddity)>) -> (usize, RefusalReason) {
        let limit = self.chunker.max_record();
        match (odd, self.scanner.dialect) {
            (Some((at, odd)), Dialect::Csv(_, checks)) if !self.chunker.is_over(start, at) => match odd {
                Oddity::QuoteInField => (at, RefusalReason::QuoteInField),
                Oddity::TextAfterQuote => (at, RefusalReason::TextAfterQuote),
                Oddity::TooManyLines => (start, RefusalReason::TooManyLines { limit: checks.max_lines }),
            },
            (_, Dialect::Csv(..)) => (start, RefusalReason::RecordTooLong { limit }),
            (_, Dialect::Lines { .. }) => (start, RefusalReason::LineTooLong { limit }),
        }
    }

    fn refused_record(
        &self,
        reason: RefusalReason,
        start: usize,
        line_end: Option<QuotedLineEnd>,
    ) -> RefusedRecord {
        let within = line_end.filter(|line_end| !self.chunker.is_over(start, line_end.end));
        let quote = within.map(|line_end| self.chunker.line_of(self.data, line_end.quote));
        RefusedRecord { reason, quote, extent: None, resumed: self.resyncs() }
    }

    /// Rejects the first line of a record that extends to `end`, and goes back to that line's end.
    fn resume_at_next_line(
        &mut self,
        refused: RefusedRecord,
        (start, at, end): (usize, usize, usize),
        line_end: QuotedLineEnd,
        odd: Option<(usize, Oddity)>,
    ) -> Result<(), Unreadable> {
        self.chunker.reject(self.data, (start, at, line_end.end), refused)?;
        self.scanner.go_back(self.data, line_end, end, odd.map(|(_, odd)| odd));
        Ok(())
    }
}
