//! Records that are refused where records are told apart, and how much is passed over with each.
//!
//! A refused record is one bad row, and all of it is passed over. Where cutting is to go on at the next line, only the
//! record's first line is: the others are cut anew, in no more time than a text without quotes takes; see
//! [`scan`](crate::text::cut::scan).

use crate::text::cut::chunker::Gather;
use crate::text::cut::scan::refused::{Crossed, Oddity};
use crate::text::cut::scan::{Record, Scanner};
use crate::text::dialect::Dialect;
use crate::text::fault::{Uncut, UncutReason, Unreadable};

/// The scanner and the gatherer of a cutter, at some data.
pub(crate) struct Refuse<'a> {
    pub(crate) scanner: &'a mut Scanner,
    pub(crate) gather: &'a mut Gather,
    pub(crate) data: &'a [u8],
    /// A record that is too long is an error before its end is seen.
    pub(crate) at_once: bool,
}

impl Refuse<'_> {
    fn resyncs(&self) -> bool {
        matches!(self.scanner.dialect, Dialect::Csv(_, checks) if checks.resync)
    }

    /// A record that is complete: it is too long, or odd, or the end of one that was passed over.
    #[cold]
    pub(crate) fn record(mut self, record: Record) -> Result<(), Unreadable> {
        let Record { start, end, next } = record;
        let odd = self.scanner.take_oddity();
        if self.gather.is_discarding() {
            self.gather.discarded(self.data, end, next);
            return Ok(());
        }
        let crossed = self.scanner.crossed(start);
        let (at, why) = self.reason(start, odd);
        let mut uncut = self.uncut(why, start, crossed);
        match crossed {
            Some(crossed) if self.resyncs() => self.back(uncut, (start, at, end), crossed, odd),
            _ => {
                uncut.taken = (!self.resyncs()).then(|| Gather::taken(self.data, start, end));
                self.gather.reject(self.data, (start, at, next), uncut)
            }
        }
    }

    /// A record that is too long before it has ended; it began at `start`, and all of the data was looked at.
    #[cold]
    pub(crate) fn endless(mut self, start: usize) -> Result<(), Unreadable> {
        let (end, odd) = (self.data.len(), self.scanner.take_oddity());
        let crossed = self.scanner.crossed(start);
        let (at, why) = self.reason(start, odd);
        let uncut = self.uncut(why, start, crossed);
        if !self.resyncs() {
            return self.gather.discard(self.data, (start, at, end), uncut, self.at_once);
        }
        match crossed {
            Some(crossed) => self.back(uncut, (start, at, end), crossed, odd),
            None => {
                self.scanner.pass_over_line();
                self.gather.discard(self.data, (start, at, end), uncut, true)
            }
        }
    }

    /// The source has ended in a record that began at `start`, within the quotes that `quote` opened. Says whether cutting goes on.
    #[cold]
    pub(crate) fn open(mut self, start: usize, quote: usize) -> Result<bool, Unreadable> {
        let (end, odd) = (self.data.len(), self.scanner.take_oddity());
        if self.gather.is_discarding() {
            self.gather.discarded(self.data, end, end);
            return Ok(false);
        }
        let crossed = self.scanner.crossed(start);
        let open = |quote| (quote, UncutReason::OpenQuote { line: self.gather.line_of(self.data, quote) });
        let resumed = crossed.filter(|_| self.resyncs());
        let (at, why) = match odd {
            Some(_) => self.reason(start, odd),
            None => open(resumed.map_or(quote, |crossed| crossed.quote)),
        };
        let mut uncut = self.uncut(why, start, crossed);
        if let Some(crossed) = resumed {
            self.back(uncut, (start, at, end), crossed, odd)?;
            return Ok(true);
        }
        (uncut.taken, uncut.resumed) = (Some(Gather::taken(self.data, start, end)), false);
        self.gather.reject(self.data, (start, at, end), uncut)?;
        Ok(false)
    }

    /// What is wrong first with the record, and where. Only what the limit permits is looked at: so it does not depend
    /// on how far the record was read.
    fn reason(&self, start: usize, odd: Option<(usize, Oddity)>) -> (usize, UncutReason) {
        let limit = self.gather.max_record();
        match (odd, self.scanner.dialect) {
            (Some((at, odd)), Dialect::Csv(_, checks)) if !self.gather.is_over(start, at) => match odd {
                Oddity::QuoteInField => (at, UncutReason::QuoteInField),
                Oddity::TextAfterQuote => (at, UncutReason::TextAfterQuote),
                Oddity::TooManyLines => (start, UncutReason::TooManyLines { limit: checks.max_lines }),
            },
            (_, Dialect::Csv(..)) => (start, UncutReason::RecordTooLong { limit }),
            (_, Dialect::Lines { .. }) => (start, UncutReason::LineTooLong { limit }),
        }
    }

    fn uncut(&self, why: UncutReason, start: usize, crossed: Option<Crossed>) -> Uncut {
        let within = crossed.filter(|crossed| !self.gather.is_over(start, crossed.end));
        let quote = within.map(|crossed| self.gather.line_of(self.data, crossed.quote));
        Uncut { why, quote, taken: None, resumed: self.resyncs() }
    }

    /// Rejects the first line of a record that reaches to `end`, and goes back to the line's end.
    fn back(
        &mut self,
        uncut: Uncut,
        (start, at, end): (usize, usize, usize),
        crossed: Crossed,
        odd: Option<(usize, Oddity)>,
    ) -> Result<(), Unreadable> {
        self.gather.reject(self.data, (start, at, crossed.end), uncut)?;
        self.scanner.go_back(self.data, crossed, end, odd.map(|(_, odd)| odd));
        Ok(())
    }
}
