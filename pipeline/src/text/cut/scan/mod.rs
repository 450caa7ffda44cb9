//! The scanner: finds where each record begins and ends, and nothing else.
//!
//! ```text
//!             comment mark            LF
//!   Between ---------------> Comment ----> Between
//!      |
//!      | any byte but CR, LF
//!      v      quote             quote             quote
//!   FieldStart ------> Quoted <------> QuoteEnded    (twice: a quote as text)
//!      |                                 |
//!      | any other byte                  | any other byte
//!      v                                 v
//!    Plain <------------------------------
//!      |  delimiter: FieldStart
//!      |  LF: the record ends        -> Between
//!      |  CR: AfterCr, the record ends after an LF that may follow -> Between
//!
//!   Quoted --escape--> Escaped --any byte, which is text--> Quoted
//!
//!   Line (the lines dialect) --LF--> the line ends -> Between
//!   Rest (of the first line of a record that is refused) --CR or LF--> it ends -> Between
//! ```
//!
//! A quote opens only where a field starts; elsewhere it is text. In a dialect whose quotes are not
//! doubled, the quote after a closing one is text as well. A dialect may have one byte of its own that
//! ends records, in place of CR and LF, which are text then. These are the csv crate's rules, and they
//! must stay so to the byte, since a worker parses each chunk by them, apart from the others. A deviation
//! that is to be [refused](Checks) is only noted here, as an [`Oddity`].
//!
//! After a delimiter in unquoted text `FieldStart` is entered only where a block ends right there: a quote
//! that the search finds looks back at the byte before it, so that delimiters need no search. A delimiter
//! right after a closing quote leads to it directly. `AfterCr` waits for one more byte, so that the end of a
//! record does not depend on the end of a block.

pub(crate) mod refused;

use memchr::{memchr, memchr2};

use crate::text::cut::byte_mask::{ByteMask, Needles};
use crate::text::cut::scan::refused::{NO_EXTENT, NO_LINE_END, ScannedExtent};
pub(crate) use crate::text::cut::scan::refused::{Oddity, QuotedLineEnd};
use crate::text::dialect::{Checks, CsvDialect, Dialect};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Between,
    Comment,
    FieldStart,
    Plain,
    Quoted,
    Escaped,
    QuoteEnded,
    AfterCr,
    Line,
    Rest,
}

/// One record, as offsets into the data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record {
    pub(crate) start: usize,
    /// The offset after its last byte, its line end not counted.
    pub(crate) end: usize,
    /// The offset after its line end.
    pub(crate) next: usize,
}

/// The position of the scanner when the data is used up.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pause {
    /// In no record. Everything before `at` is done.
    Between { at: usize },
    /// In a record that began at `start`. The next byte to scan is at `at`.
    Inside { start: usize, at: usize },
    /// After a record that began at `start`, whose line end may go on at `at`.
    AfterCr { start: usize, at: usize },
}

/// The record under way, as the end of the source leaves it.
pub(crate) enum AtEnd {
    Nothing,
    Record(Record),
    OpenQuote { start: usize, quote: usize },
}

pub(crate) struct Scanner {
    pub(crate) dialect: Dialect,
    state: State,
    at: usize,
    start: usize,
    quote: usize,
    /// The quotes, escapes and row ends of CSV.
    mask: ByteMask,
    /// The first oddity of the record under way, or of the one returned last, and its offset.
    odd: Option<(usize, Oddity)>,
    line_end: QuotedLineEnd,
    scanned: ScannedExtent,
}

impl Scanner {
    pub(crate) fn new(dialect: Dialect) -> Self {
        let csv = if let Dialect::Csv(csv, _) = dialect { csv } else { CsvDialect::default() };
        let [end, other_end] = csv.row_ends();
        let mask =
            ByteMask::new(Needles([csv.quote.unwrap_or(end), csv.escape.unwrap_or(end), end, other_end]));
        let (odd, line_end, scanned) = (None, NO_LINE_END, NO_EXTENT);
        Self { dialect, state: State::Between, at: 0, start: 0, quote: 0, mask, odd, line_end, scanned }
    }

    /// Moves all offsets down, since the first `n` bytes of the data were removed.
    pub(crate) fn rebase(&mut self, n: usize) {
        self.at = self.at.saturating_sub(n);
        self.start = self.start.saturating_sub(n);
        self.quote = self.quote.saturating_sub(n);
        // The mask ends where the data ended before; more may have come.
        self.mask.jump(self.at);
        self.odd = self.odd.map(|(at, odd)| (at.saturating_sub(n), odd));
        self.line_end = self.line_end.rebased(n);
        // All of the data was scanned: the extent can spare nothing any more.
        self.scanned = NO_EXTENT;
    }

    /// Skips the first `n` bytes. Only allowed before the first record.
    pub(crate) fn skip(&mut self, n: usize) {
        self.at = n;
    }

    /// Returns the next record that is complete. `None` means that more data is needed, and that every byte
    /// of this data was scanned: once, unless the scanner went back.
    #[inline]
    pub(crate) fn next(&mut self, data: &[u8]) -> Option<Record> {
        match self.dialect {
            Dialect::Csv(csv, checks) => self.next_csv(csv, checks, data),
            Dialect::Lines { blank } => self.next_line(data, blank),
        }
    }

    #[inline]
    fn next_csv(&mut self, csv: CsvDialect, checks: Checks, data: &[u8]) -> Option<Record> {
        loop {
            match self.state {
                State::Between => match data.get(self.at).copied()? {
                    byte if csv.ends_row(byte) => self.at += 1,
                    byte if csv.comment == Some(byte) => self.state = State::Comment,
                    _ => {
                        self.start = self.at;
                        self.state = State::FieldStart;
                    }
                },
                State::Comment => {
                    self.seek(data, |rest| memchr(b'\n', rest))?;
                    self.state = State::Between;
                }
                State::FieldStart => {
                    let byte = data.get(self.at).copied()?;
                    if csv.quote == Some(byte) {
                        self.open_quote(self.at);
                    } else {
                        self.state = State::Plain;
                    }
                }
                State::Plain => {
                    if let Some(record) = self.plain(csv, checks, data)? {
                        return Some(record);
                    }
                }
                State::Quoted => {
                    let Some(quote) = csv.quote else {
                        self.state = State::Plain;
                        continue;
                    };
                    self.mask.skip_to(self.at);
                    let here = self.mask.next(data);
                    self.at = (here + 1).min(data.len());
                    let byte = *data.get(here)?;
                    if byte == quote {
                        self.state = State::QuoteEnded;
                    } else if csv.escape == Some(byte) {
                        self.state = State::Escaped;
                    } else if let Some(record) = self.note_line_end(checks, data, byte) {
                        return Some(record);
                    }
                }
                State::Escaped => {
                    let byte = data.get(self.at).copied()?;
                    self.at += 1;
                    self.state = State::Quoted;
                    if csv.ends_row(byte)
                        && let Some(record) = self.note_line_end(checks, data, byte)
                    {
                        return Some(record);
                    }
                }
                State::QuoteEnded => match data.get(self.at).copied()? {
                    byte if csv.double_quote && csv.quote == Some(byte) => {
                        self.at += 1;
                        self.state = State::Quoted;
                    }
                    // A file that quotes every field comes here for each of them, and needs no search.
                    byte if byte == csv.delimiter => {
                        self.at += 1;
                        self.state = State::FieldStart;
                    }
                    byte if csv.ends_row(byte) && !csv.awaits_lf(byte) => {
                        let end = self.at;
                        self.at += 1;
                        return Some(self.ended(end));
                    }
                    byte if checks.strict && !csv.awaits_lf(byte) => {
                        if let Some(record) = self.note(checks, self.at, Oddity::TextAfterQuote) {
                            return Some(record);
                        }
                    }
                    _ => self.state = State::Plain,
                },
                State::AfterCr => {
                    let end = self.at.saturating_sub(1);
                    if data.get(self.at).copied()? == b'\n' {
                        self.at += 1;
                    }
                    return Some(self.ended(end));
                }
                State::Rest => {
                    let end = self.seek(data, |rest| memchr2(b'\r', b'\n', rest))?;
                    return Some(self.ended(end));
                }
                // A state of the other dialect; a scanner keeps its dialect.
                State::Line => self.state = State::Between,
            }
        }
    }

    /// One search in unquoted text. `None`: the data is used up. `Some(None)`: the record goes on.
    #[inline]
    fn plain(&mut self, csv: CsvDialect, checks: Checks, data: &[u8]) -> Option<Option<Record>> {
        let from = self.at;
        self.mask.skip_to(from);
        let here = self.mask.peek(data);
        self.at = here + 1;
        let before = || data.get(here.wrapping_sub(1)).copied();
        match data.get(here).copied() {
            Some(byte) if csv.awaits_lf(byte) => self.state = State::AfterCr,
            Some(byte) if csv.ends_row(byte) => return Some(Some(self.ended(here))),
            // An escape is text outside quotes.
            Some(byte) if csv.escape == Some(byte) => {}
            // With nothing before it in this search, the byte before it was no delimiter: the state would be
            // FieldStart.
            Some(_) if here > from && before() == Some(csv.delimiter) => self.open_quote(here),
            Some(_) if checks.strict => return Some(self.note(checks, here, Oddity::QuoteInField)),
            Some(_) => {}
            None => {
                if here > from && before() == Some(csv.delimiter) {
                    self.state = State::FieldStart;
                }
                self.at = here;
                return None;
            }
        }
        Some(None)
    }

    fn next_line(&mut self, data: &[u8], blank: bool) -> Option<Record> {
        if self.state != State::Line {
            if !blank {
                let rest = data.get(self.at..)?;
                self.at +=
                    rest.iter().position(|byte| !crate::text::lines::is_blank(*byte)).unwrap_or(rest.len());
            }
            data.get(self.at)?;
            self.start = self.at;
            self.state = State::Line;
        }
        let end = self.seek(data, |rest| memchr(b'\n', rest))?;
        Some(self.ended(end))
    }

    /// Moves to after the byte that `find` finds and returns its offset, or uses the data up.
    #[inline]
    fn seek(&mut self, data: &[u8], find: impl FnOnce(&[u8]) -> Option<usize>) -> Option<usize> {
        let found = find(data.get(self.at..)?).map(|found| self.at + found);
        self.at = found.map_or(data.len(), |here| here + 1);
        found
    }

    fn open_quote(&mut self, here: usize) {
        self.quote = here;
        self.at = here + 1;
        self.state = State::Quoted;
    }

    #[inline]
    fn ended(&mut self, end: usize) -> Record {
        self.state = State::Between;
        Record { start: self.start, end, next: self.at }
    }

    pub(crate) fn pause(&self) -> Pause {
        let (start, at) = (self.start, self.at);
        match self.state {
            State::Between | State::Comment => Pause::Between { at },
            State::AfterCr => Pause::AfterCr { start, at },
            _ => Pause::Inside { start, at },
        }
    }

    /// Ends the source where the data ends.
    pub(crate) fn finish(&mut self) -> AtEnd {
        match self.state {
            State::Quoted | State::Escaped => AtEnd::OpenQuote { start: self.start, quote: self.quote },
            _ => match self.pause() {
                Pause::Between { .. } => AtEnd::Nothing,
                Pause::Inside { at, .. } => AtEnd::Record(self.ended(at)),
                Pause::AfterCr { at, .. } => AtEnd::Record(self.ended(at.saturating_sub(1))),
            },
        }
    }
}
