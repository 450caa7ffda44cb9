//! Records that are to be refused: what is odd about them, and the way back to where their first line ends.

use memchr::memchr_iter;

use crate::text::cut::scan::{Record, Scanner, State};
use crate::text::dialect::Checks;

/// A reason to refuse a record of CSV, which may be sound for the csv crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Oddity {
    QuoteInField,
    TextAfterQuote,
    TooManyLines,
}

/// The end of a record's first line, where that lies within quotes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crossed {
    /// The record's start, which says whose it is; [`NONE`] is nobody's.
    start: usize,
    /// Behind the line end.
    pub(crate) end: usize,
    /// The quote that is open there.
    pub(crate) quote: usize,
    /// Lines of the record that have ended within quotes.
    lines: u64,
}

impl Crossed {
    /// With the first `n` bytes of the data gone.
    pub(crate) fn rebased(self, n: usize) -> Self {
        let Self { start, end, quote, lines } = self;
        match start.checked_sub(n) {
            Some(left) if start != NONE => {
                Self { start: left, end: end.saturating_sub(n), quote: quote.saturating_sub(n), lines }
            }
            _ => NOT_CROSSED,
        }
    }
}

/// How far a refused record was scanned. Another one that is within quotes at one of its line ends, as it was itself, comes
/// to stand where it stood: so a text in which every line opens a quote is scanned in a time that grows as its length does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trail {
    /// Behind the record's first line.
    from: usize,
    to: usize,
    /// What the scanner was in at `to`.
    state: State,
    quote: usize,
    /// Lines that end between `from` and `to`.
    lines: u64,
}

/// No offset.
const NONE: usize = usize::MAX;
pub(crate) const NOT_CROSSED: Crossed = Crossed { start: NONE, end: 0, quote: 0, lines: 0 };
pub(crate) const NO_TRAIL: Trail = Trail { from: 0, to: 0, state: State::Between, quote: 0, lines: 0 };

impl Scanner {
    /// A line has ended within quotes, right before here, at this `byte`.
    pub(crate) fn cross(&mut self, checks: Checks, data: &[u8], byte: u8) -> Option<Record> {
        if self.crossed.start != self.start {
            self.crossed = Crossed { start: self.start, end: self.at, quote: self.quote, lines: 0 };
        }
        self.crossed.lines += u64::from(byte == b'\n');
        if self.trail.to > self.at {
            self.follow(data);
        }
        if self.crossed.lines >= checks.max_lines && self.odd.is_none() {
            return self.note(checks, self.at, Oddity::TooManyLines);
        }
        None
    }

    /// Goes to where the trail ends.
    #[cold]
    fn follow(&mut self, data: &[u8]) {
        let Trail { from, to, state, quote, lines } = self.trail;
        let before = data.get(from..self.start).map_or(0, |bytes| memchr_iter(b'\n', bytes).count());
        self.crossed.lines = lines.saturating_sub(before as u64);
        self.quote = self.quote.max(quote);
        (self.at, self.state) = (to, state);
    }

    /// Notes what is odd about the record, at `at`. Where only its first line is to be rejected, and that has ended, the record
    /// is given as it stands.
    #[cold]
    pub(crate) fn note(&mut self, checks: Checks, at: usize, oddity: Oddity) -> Option<Record> {
        self.odd.get_or_insert((at, oddity));
        if !checks.resync {
            self.state = if oddity == Oddity::TooManyLines { State::Quoted } else { State::Plain };
        } else if self.crossed.start == self.start {
            return Some(Record { start: self.start, end: at, next: at });
        } else {
            self.state = State::Rest;
        }
        None
    }

    /// Whether something is odd about the record that was given last.
    pub(crate) fn is_odd(&self) -> bool {
        self.odd.is_some()
    }

    /// What is odd about the record, and where; it is forgotten with this.
    pub(crate) fn take_oddity(&mut self) -> Option<(usize, Oddity)> {
        self.odd.take()
    }

    /// The end of the first line of the record that begins at `start`, and is the one that was looked at last: where that line
    /// ends within quotes.
    pub(crate) fn crossed(&self, start: usize) -> Option<Crossed> {
        (self.crossed.start == start).then_some(self.crossed)
    }

    /// The record under way is given up: what is left of its first line is passed over.
    pub(crate) fn pass_over_line(&mut self) {
        self.state = State::Rest;
    }

    /// Goes back to the end of the first line of a record that is refused. It reaches to `end` so far, or has ended there.
    pub(crate) fn go_back(&mut self, data: &[u8], crossed: Crossed, end: usize, odd: Option<Oddity>) {
        let state = match (odd, self.state) {
            (Some(Oddity::TextAfterQuote), _) => State::QuoteEnded,
            // To be seen again: the quote in the field, or the record's end.
            (Some(Oddity::QuoteInField), _) | (None, State::Between) => State::Plain,
            (_, state) => state,
        };
        let ended_before = u64::from(data.get(crossed.end.wrapping_sub(1)) == Some(&b'\n'));
        let lines = crossed.lines.saturating_sub(ended_before);
        self.trail = Trail { from: crossed.end, to: end, state, quote: self.quote, lines };
        (self.at, self.state) = (crossed.end, State::Between);
        self.marks.jump(self.at);
    }
}
