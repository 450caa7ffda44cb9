//! The cutter's sink of the grammar: takes the starts and the ends of records.

use std::ops::ControlFlow;

use crate::text::cut::chunker::Chunker;
use crate::text::cut::record::Record;
use crate::text::cut::scan::refused::{Noted, Oddity, UnderWay};
use crate::text::dialect::Checks;
use crate::text::grammar::machine::Event;
use crate::text::grammar::walker::Sink;

/// The sink: adds each record to the chunker.
pub(crate) struct Rows<'a> {
    pub(crate) checks: Checks,
    pub(crate) data: &'a [u8],
    pub(crate) under_way: &'a mut UnderWay,
    pub(crate) chunker: &'a mut Chunker,
}

/// The reason why the sink stops.
pub(crate) enum Stop {
    /// This record is one to be refused.
    Refused(Record),
    /// The chunker wants no more rows.
    Done,
    /// The rest of the line is to be passed over.
    PassOverLine,
    /// The text that follows was scanned before.
    Jump,
}

/// Adds a record that has ended, unless it is one to be refused. Returns the reason to stop, if there is one.
#[inline(always)]
pub(crate) fn add(chunker: &mut Chunker, under_way: &UnderWay, data: &[u8], record: Record) -> Option<Stop> {
    if chunker.refuses(&record) || under_way.odd.is_some() {
        return Some(Stop::Refused(record));
    }
    chunker.record(data, record);
    chunker.is_done().then_some(Stop::Done)
}

impl Rows<'_> {
    #[inline(always)]
    fn ended(&mut self, end: usize, next: usize) -> ControlFlow<Stop> {
        let record = Record { start: self.under_way.start, end, next };
        match add(self.chunker, self.under_way, self.data, record) {
            None => ControlFlow::Continue(()),
            Some(stop) => ControlFlow::Break(stop),
        }
    }

    /// Takes the row end before `next`, which is in quotes.
    #[inline]
    fn row_end_in_quotes(&mut self, byte: u8, next: usize) -> ControlFlow<Stop> {
        if self.under_way.ends_line_in_quotes(byte, next) {
            return ControlFlow::Break(Stop::Jump);
        }
        if self.under_way.has_too_many_lines(self.checks) {
            return self.note(next, Oddity::TooManyLines);
        }
        ControlFlow::Continue(())
    }

    #[cold]
    fn note(&mut self, at: usize, oddity: Oddity) -> ControlFlow<Stop> {
        match self.under_way.note(self.checks, at, oddity) {
            Noted::ReadOn => ControlFlow::Continue(()),
            Noted::PassOverLine => ControlFlow::Break(Stop::PassOverLine),
            Noted::Refused(record) => ControlFlow::Break(Stop::Refused(record)),
        }
    }
}

impl Sink for Rows<'_> {
    const FIELDS: bool = false;

    type Stop = Stop;

    #[inline(always)]
    fn take(&mut self, event: Event, byte: u8, at: usize) -> ControlFlow<Stop> {
        match event {
            Event::RecordBegins => self.under_way.start = at,
            Event::RecordEnds { .. } => return self.ended(at, at + 1),
            Event::CrLf => return self.ended(at.saturating_sub(1), at + 1),
            Event::CrAlone => return self.ended(at.saturating_sub(1), at),
            Event::QuoteOpens => self.under_way.quote = at,
            Event::RowEndInQuotes => return self.row_end_in_quotes(byte, at + 1),
            Event::QuoteInField if self.checks.strict => return self.note(at, Oddity::QuoteInField),
            Event::TextAfterQuote if self.checks.strict => return self.note(at, Oddity::TextAfterQuote),
            _ => {}
        }
        ControlFlow::Continue(())
    }
}
