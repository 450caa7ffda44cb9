//! The scanner: finds where each record begins and ends, and nothing else.
//!
//! It is a sink of the [grammar](crate::text::grammar). A deviation that is to be [refused](Checks) is only
//! noted here, as an [`Oddity`]: a worker parses each chunk by the grammar alone, apart from the others.

pub(crate) mod refused;
pub(crate) mod rows;

use memchr::memchr;

use crate::text::cut::chunker::Chunker;
use crate::text::cut::record::{AtEnd, Pause, Record};
use crate::text::cut::scan::refused::UnderWay;
pub(crate) use crate::text::cut::scan::refused::{Oddity, QuotedLineEnd};
use crate::text::cut::scan::rows::{Rows, Stop, add};
use crate::text::dialect::{Checks, CsvDialect, Dialect};
use crate::text::grammar::machine::{Event, Machine, State};
use crate::text::grammar::walker::Walker;

pub(crate) struct Scanner {
    pub(crate) dialect: Dialect,
    /// The position. In the lines dialect, a line is plain text.
    walker: Walker,
    /// The record under way, or the one that ended last.
    under_way: UnderWay,
}

/// The reason why the scanner has stopped.
pub(crate) enum Scanned {
    /// More data is needed. Every byte of this data was scanned: once, unless the scanner went back.
    UsedUp,
    /// This record is one to be refused.
    Refused(Record),
    /// The chunker wants no more rows.
    Done,
}

impl Scanner {
    pub(crate) fn new(dialect: Dialect) -> Self {
        let csv = if let Dialect::Csv(csv, _) = dialect { csv } else { CsvDialect::default() };
        Self { dialect, walker: Walker::new::<Rows<'_>>(csv), under_way: UnderWay::new() }
    }

    /// Moves all offsets down, since the first `n` bytes of the data were removed. More may have come.
    pub(crate) fn rebase(&mut self, n: usize) {
        self.walker.jump(self.walker.at().saturating_sub(n), self.walker.state());
        self.under_way.rebase(n);
    }

    /// Skips the first `n` bytes. Only allowed before the first record.
    pub(crate) fn skip(&mut self, n: usize) {
        self.walker.jump(n, State::Between);
    }

    /// Adds the records of the data to the chunker, up to one that is to be refused.
    #[inline]
    pub(crate) fn scan(&mut self, data: &[u8], chunker: &mut Chunker) -> Scanned {
        match self.dialect {
            Dialect::Csv(_, checks) => self.scan_csv(checks, data, chunker),
            Dialect::Lines { blank } => self.scan_lines(blank, data, chunker),
        }
    }

    #[inline]
    fn scan_csv(&mut self, checks: Checks, data: &[u8], chunker: &mut Chunker) -> Scanned {
        loop {
            let mut rows = Rows { checks, data, under_way: &mut self.under_way, chunker };
            match self.walker.walk(data, &mut rows) {
                None => return Scanned::UsedUp,
                Some(Stop::Done) => return Scanned::Done,
                Some(Stop::Refused(record)) => return Scanned::Refused(record),
                Some(Stop::PassOverLine) => self.pass_over_line(),
                Some(Stop::Jump) => {
                    if let Some(record) = self.jump_to_extent_end(checks, data) {
                        return Scanned::Refused(record);
                    }
                }
            }
        }
    }

    fn scan_lines(&mut self, blank: bool, data: &[u8], chunker: &mut Chunker) -> Scanned {
        loop {
            let (mut at, state) = (self.walker.at(), self.walker.state());
            let rest = data.get(at..).unwrap_or_default();
            if state == State::Between {
                if !blank {
                    at += rest
                        .iter()
                        .position(|byte| !crate::text::lines::is_blank(*byte))
                        .unwrap_or(rest.len());
                }
                if at == data.len() {
                    self.walker.jump(at, State::Between);
                    return Scanned::UsedUp;
                }
                self.under_way.start = at;
            }
            let Some(found) = memchr(b'\n', data.get(at..).unwrap_or_default()) else {
                self.walker.jump(data.len(), State::Plain);
                return Scanned::UsedUp;
            };
            let end = at + found;
            self.walker.jump(end + 1, State::Between);
            let record = Record { start: self.under_way.start, end, next: end + 1 };
            match add(chunker, &self.under_way, data, record) {
                None => {}
                Some(Stop::Refused(record)) => return Scanned::Refused(record),
                Some(_) => return Scanned::Done,
            }
        }
    }

    pub(crate) fn pause(&self) -> Pause {
        let (start, at) = (self.under_way.start, self.walker.at());
        match self.walker.state() {
            State::Between | State::Comment => Pause::Between { at },
            State::AfterCr => Pause::AfterCr { start, at },
            _ => Pause::Inside { start, at },
        }
    }

    /// Ends the source where the data ends.
    pub(crate) fn finish(&mut self) -> AtEnd {
        let (UnderWay { start, quote, .. }, next) = (self.under_way, self.walker.at());
        let ended = |end| AtEnd::Record(Record { start, end, next });
        let at_end = match Machine::end(self.walker.state()) {
            Event::Blank => AtEnd::Nothing,
            Event::QuoteOpen => return AtEnd::OpenQuote { start, quote },
            Event::CrAlone => ended(next.saturating_sub(1)),
            _ => ended(next),
        };
        self.walker.jump(next, State::Between);
        at_end
    }
}
