//! Refused records: their oddities, and the way back to the end of their first line.

use memchr::memchr_iter;

use crate::text::cut::record::Record;
use crate::text::cut::scan::Scanner;
use crate::text::dialect::Checks;
use crate::text::grammar::machine::State;

/// A reason to refuse a record of CSV that the csv crate may accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Oddity {
    QuoteInField,
    TextAfterQuote,
    TooManyLines,
}

/// The record that is being scanned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UnderWay {
    pub(crate) start: usize,
    /// The offset of its last quote that opened a field. Of no meaning before one has.
    pub(crate) quote: usize,
    /// Its first oddity, and the offset of that.
    pub(crate) odd: Option<(usize, Oddity)>,
    line_end: QuotedLineEnd,
    scanned: ScannedExtent,
}

/// The way on after an oddity.
pub(crate) enum Noted {
    /// To the record's end, as without it.
    ReadOn,
    /// To the end of the line: the record's first line has not ended.
    PassOverLine,
    /// Only the first line is to be refused, and it has ended. This is the record up to the oddity.
    Refused(Record),
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
    fn rebased(self, n: usize) -> Self {
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
struct ScannedExtent {
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
const NO_LINE_END: QuotedLineEnd = QuotedLineEnd { start: NONE, end: 0, quote: 0, lines: 0 };
const NO_EXTENT: ScannedExtent = ScannedExtent { from: 0, to: 0, state: State::Between, quote: 0, lines: 0 };

impl UnderWay {
    pub(crate) fn new() -> Self {
        Self { start: 0, quote: 0, odd: None, line_end: NO_LINE_END, scanned: NO_EXTENT }
    }

    /// Moves all offsets down, since the first `n` bytes of the data were removed.
    pub(crate) fn rebase(&mut self, n: usize) {
        self.start = self.start.saturating_sub(n);
        self.quote = self.quote.saturating_sub(n);
        self.odd = self.odd.map(|(at, odd)| (at.saturating_sub(n), odd));
        self.line_end = self.line_end.rebased(n);
        // All of the data was scanned: the extent can spare nothing any more.
        self.scanned = NO_EXTENT;
    }

    /// Notes that a line has ended before `next` within quotes, with this `byte`. Returns true if what follows
    /// was scanned before.
    #[inline]
    pub(crate) fn ends_line_in_quotes(&mut self, byte: u8, next: usize) -> bool {
        if self.line_end.start != self.start {
            self.line_end = QuotedLineEnd { start: self.start, end: next, quote: self.quote, lines: 0 };
        }
        self.line_end.lines += u64::from(byte == b'\n');
        self.scanned.to > next
    }

    /// True if the record has too many lines, and that is not noted.
    #[inline]
    pub(crate) fn has_too_many_lines(&self, checks: Checks) -> bool {
        self.line_end.lines >= checks.max_lines && self.odd.is_none()
    }

    /// Notes an oddity of the record, at `at`.
    pub(crate) fn note(&mut self, checks: Checks, at: usize, oddity: Oddity) -> Noted {
        self.odd.get_or_insert((at, oddity));
        if !checks.resync {
            Noted::ReadOn
        } else if self.line_end.start == self.start {
            Noted::Refused(Record { start: self.start, end: at, next: at })
        } else {
            Noted::PassOverLine
        }
    }
}

impl Scanner {
    /// Goes to the end of the scanned extent. Returns the record up to there if it is to be refused.
    #[cold]
    pub(crate) fn jump_to_extent_end(&mut self, checks: Checks, data: &[u8]) -> Option<Record> {
        let UnderWay { start, quote, scanned, .. } = self.under_way;
        let before = data.get(scanned.from..start).map_or(0, |bytes| memchr_iter(b'\n', bytes).count());
        self.under_way.line_end.lines = scanned.lines.saturating_sub(before as u64);
        self.under_way.quote = quote.max(scanned.quote);
        self.walker.jump(scanned.to, scanned.state);
        if !self.under_way.has_too_many_lines(checks) {
            return None;
        }
        // Only the first line of a record that was scanned before is refused, and here it has ended.
        match self.under_way.note(checks, scanned.to, Oddity::TooManyLines) {
            Noted::Refused(record) => Some(record),
            Noted::ReadOn | Noted::PassOverLine => None,
        }
    }

    /// True if an oddity of the record that has ended last is noted.
    pub(crate) fn is_odd(&self) -> bool {
        self.under_way.odd.is_some()
    }

    /// Takes the oddity of the record, and its offset.
    pub(crate) fn take_oddity(&mut self) -> Option<(usize, Oddity)> {
        self.under_way.odd.take()
    }

    /// Returns the end of the first line of the record that begins at `start`, if that line ends within
    /// quotes. It is known only for the record that was scanned last.
    pub(crate) fn quoted_line_end(&self, start: usize) -> Option<QuotedLineEnd> {
        let line_end = self.under_way.line_end;
        (line_end.start == start).then_some(line_end)
    }

    /// Gives up the record under way: the rest of its first line is passed over.
    pub(crate) fn pass_over_line(&mut self) {
        self.walker.jump(self.walker.at(), State::Rest);
    }

    /// Goes back to the end of the first line of a refused record, which has ended at `end` or was scanned up
    /// to there.
    pub(crate) fn go_back(&mut self, data: &[u8], line_end: QuotedLineEnd, end: usize, odd: Option<Oddity>) {
        let state = match (odd, self.walker.state()) {
            (Some(Oddity::TextAfterQuote), _) => State::QuoteEnded,
            // Scanned again: the quote in the field, or the record's end.
            (Some(Oddity::QuoteInField), _) | (None, State::Between) => State::Plain,
            (_, state) => state,
        };
        let ended_before = u64::from(data.get(line_end.end.wrapping_sub(1)) == Some(&b'\n'));
        let lines = line_end.lines.saturating_sub(ended_before);
        self.under_way.scanned =
            ScannedExtent { from: line_end.end, to: end, state, quote: self.under_way.quote, lines };
        self.walker.jump(line_end.end, State::Between);
    }
}
