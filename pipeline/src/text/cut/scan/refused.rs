//! Refused records: their oddities, and the way back to the end of their first line.

use memchr::memchr_iter;

use crate::text::cut::scan::{Record, Scanner, State};
use crate::text::dialect::Checks;

/// A reason to refuse a record of CSV that the csv crate may accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Oddity {
    QuoteInField,
    TextAfterQuote,
    TooManyLines,
}

/// The end of a record's first line, if it lies within quotes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QuotedLineEnd {
    /// The start of the record, which identifies it; [`NONE`] stands for no record.
    start: usize,
    /// The offset after the line end.
    pub(crate) end: usize,
    /// The offset of the quote that is open there.
    pub(crate) quote: usize,
    /// The number of the record's lines that have ended within quotes.
    lines: u64,
}

impl QuotedLineEnd {
    /// Returns the same for data without its first `n` bytes.
    pub(crate) fn rebased(self, n: usize) -> Self {
        let Self { start, end, quote, lines } = self;
        match start.checked_sub(n) {
            Some(rebased) if start != NONE => {
                Self { start: rebased, end: end.saturating_sub(n), quote: quote.saturating_sub(n), lines }
            }
            _ => NO_LINE_END,
        }
    }
}

/// The extent to which a refused record was scanned. A later record that is within quotes at a line end in
/// that extent, as the refused one was, reaches the same state at its end. The scanner then jumps there, so a
/// text in which every line opens a quote is scanned in linear time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScannedExtent {
    /// The offset after the record's first line.
    from: usize,
    /// The offset up to which it was scanned.
    to: usize,
    /// The scanner's state at `to`.
    state: State,
    quote: usize,
    /// The number of lines that end between `from` and `to`.
    lines: u64,
}

/// Stands for no offset.
const NONE: usize = usize::MAX;
pub(crate) const NO_LINE_END: QuotedLineEnd = QuotedLineEnd { start: NONE, end: 0, quote: 0, lines: 0 };
pub(crate) const NO_EXTENT: ScannedExtent =
    ScannedExtent { from: 0, to: 0, state: State::Between, quote: 0, lines: 0 };

impl Scanner {
    /// Notes that a line has ended within quotes, with this `byte`, right before the scanner's position.
    /// Returns what [`note`](Self::note) returns if the record has too many lines.
    pub(crate) fn note_line_end(&mut self, checks: Checks, data: &[u8], byte: u8) -> Option<Record> {
        if self.line_end.start != self.start {
            self.line_end = QuotedLineEnd { start: self.start, end: self.at, quote: self.quote, lines: 0 };
        }
        self.line_end.lines += u64::from(byte == b'\n');
        if self.scanned.to > self.at {
            self.jump_to_extent_end(data);
        }
        if self.line_end.lines >= checks.max_lines && self.odd.is_none() {
            return self.note(checks, self.at, Oddity::TooManyLines);
        }
        None
    }

    /// Goes to the end of the scanned extent.
    #[cold]
    fn jump_to_extent_end(&mut self, data: &[u8]) {
        let ScannedExtent { from, to, state, quote, lines } = self.scanned;
        let before = data.get(from..self.start).map_or(0, |bytes| memchr_iter(b'\n', bytes).count());
        self.line_end.lines = lines.saturating_sub(before as u64);
        self.quote = self.quote.max(quote);
        (self.at, self.state) = (to, state);
    }

    /// Notes an oddity of the record, at `at`. If only the record's first line is to be rejected, and that
    /// line has ended, returns the record up to `at`.
    #[cold]
    pub(crate) fn note(&mut self, checks: Checks, at: usize, oddity: Oddity) -> Option<Record> {
        self.odd.get_or_insert((at, oddity));
        if !checks.resync {
            self.state = if oddity == Oddity::TooManyLines { State::Quoted } else { State::Plain };
        } else if self.line_end.start == self.start {
            return Some(Record { start: self.start, end: at, next: at });
        } else {
            self.state = State::Rest;
        }
        None
    }

    /// True if an oddity of the record that was returned last is noted.
    pub(crate) fn is_odd(&self) -> bool {
        self.odd.is_some()
    }

    /// Takes the oddity of the record, and its offset.
    pub(crate) fn take_oddity(&mut self) -> Option<(usize, Oddity)> {
        self.odd.take()
    }

    /// Returns the end of the first line of the record that begins at `start`, if that line ends within
    /// quotes. It is known only for the record that was scanned last.
    pub(crate) fn quoted_line_end(&self, start: usize) -> Option<QuotedLineEnd> {
        (self.line_end.start == start).then_some(self.line_end)
    }

    /// Gives up the record under way: the rest of its first line is passed over.
    pub(crate) fn pass_over_line(&mut self) {
        self.state = State::Rest;
    }

    /// Goes back to the end of the first line of a refused record, which has ended at `end` or was scanned up
    /// to there.
    pub(crate) fn go_back(&mut self, data: &[u8], line_end: QuotedLineEnd, end: usize, odd: Option<Oddity>) {
        let state = match (odd, self.state) {
            (Some(Oddity::TextAfterQuote), _) => State::QuoteEnded,
            // Scanned again: the quote in the field, or the record's end.
            (Some(Oddity::QuoteInField), _) | (None, State::Between) => State::Plain,
            (_, state) => state,
        };
        let ended_before = u64::from(data.get(line_end.end.wrapping_sub(1)) == Some(&b'\n'));
        let lines = line_end.lines.saturating_sub(ended_before);
        self.scanned = ScannedExtent { from: line_end.end, to: end, state, quote: self.quote, lines };
        (self.at, self.state) = (line_end.end, State::Between);
        self.mask.jump(self.at);
    }
}
