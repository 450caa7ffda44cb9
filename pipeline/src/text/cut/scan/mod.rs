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
//!      |  CR: AfterCr, the record ends behind an LF that may follow -> Between
//!
//!   Line (the lines dialect) --LF--> the line ends -> Between
//!   Rest (of the first line of a record that is refused) --CR or LF--> it ends -> Between
//! ```
//!
//! A quote opens only where a field starts; elsewhere it is text. These are the csv crate's rules, and
//! they must stay so to the byte: a chunk is parsed by them, alone, by another worker. What of this is to be
//! [refused](Checks) is only noted here, as an [`Oddity`].
//!
//! `FieldStart` behind a delimiter is seldom entered: a quote that the search finds looks back at the
//! byte before it, so that delimiters need no search. The state is needed only where a block ends right
//! behind a delimiter. `AfterCr` waits for one more byte so that where a record ends does not depend on
//! where a block does.

pub(crate) mod refused;

use memchr::{memchr, memchr2};

use crate::text::cut::byte_mask::{ByteMask, Needles};
pub(crate) use crate::text::cut::scan::refused::{Crossed, Oddity};
use crate::text::cut::scan::refused::{NO_TRAIL, NOT_CROSSED, Trail};
use crate::text::dialect::{Checks, CsvDialect, Dialect};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Between,
    Comment,
    FieldStart,
    Plain,
    Quoted,
    QuoteEnded,
    AfterCr,
    Line,
    Rest,
}

/// One record, as offsets into the data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record {
    pub(crate) start: usize,
    /// Behind its last byte, its line end not counted.
    pub(crate) end: usize,
    /// Behind its line end.
    pub(crate) next: usize,
}

/// Where the scanner stands when the data is used up.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pause {
    /// In no record; all before `at` is done with.
    Between { at: usize },
    /// In a record that began at `start` and goes on at `at`, which is the next byte to look at.
    Inside { start: usize, at: usize },
    /// Behind a record that began at `start`, whose line end may go on at `at`.
    Behind { start: usize, at: usize },
}

/// What the end of the source makes of a record that was under way.
pub(crate) enum Last {
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
    /// Quotes and line ends of CSV.
    marks: ByteMask,
    /// Of the record under way: what is odd about it, and where.
    odd: Option<(usize, Oddity)>,
    crossed: Crossed,
    trail: Trail,
}

impl Scanner {
    pub(crate) fn new(dialect: Dialect) -> Self {
        let quote = match dialect {
            Dialect::Csv(CsvDialect { quote: Some(quote), .. }, _) => quote,
            _ => b'\n',
        };
        let marks = ByteMask::new(Needles([quote, b'\n', b'\r', b'\n']));
        let (odd, crossed, trail) = (None, NOT_CROSSED, NO_TRAIL);
        Self { dialect, state: State::Between, at: 0, start: 0, quote: 0, marks, odd, crossed, trail }
    }

    /// The first `n` bytes of the data are gone: offsets move down.
    pub(crate) fn rebase(&mut self, n: usize) {
        self.at = self.at.saturating_sub(n);
        self.start = self.start.saturating_sub(n);
        self.quote = self.quote.saturating_sub(n);
        // The end of the data was looked at as far as it went; more may have come.
        self.marks.jump(self.at);
        self.odd = self.odd.map(|(at, odd)| (at.saturating_sub(n), odd));
        self.crossed = self.crossed.rebased(n);
        // All of the data was looked at: nothing is left to be spared.
        self.trail = NO_TRAIL;
    }

    /// Leaves out the first `n` bytes; only before the first record.
    pub(crate) fn skip(&mut self, n: usize) {
        self.at = n;
    }

    /// The next record that is complete. `None` means: more data is needed, and every byte of this data
    /// has been looked at, once.
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
                    b'\r' | b'\n' => self.at += 1,
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
                    self.marks.skip_to(self.at);
                    let here = self.marks.next(data);
                    self.at = (here + 1).min(data.len());
                    let byte = *data.get(here)?;
                    if byte == quote {
                        self.state = State::QuoteEnded;
                    } else if let Some(record) = self.cross(checks, data, byte) {
                        return Some(record);
                    }
                }
                State::QuoteEnded => match data.get(self.at).copied()? {
                    byte if csv.quote == Some(byte) => {
                        self.at += 1;
                        self.state = State::Quoted;
                    }
                    // Files that quote every field come by here for each: spare them the search.
                    byte if byte == csv.delimiter => {
                        self.at += 1;
                        self.state = State::FieldStart;
                    }
                    b'\n' => {
                        let end = self.at;
                        self.at += 1;
                        return Some(self.ended(end));
                    }
                    byte if checks.strict && byte != b'\r' => {
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
                // The other dialect's state; a scanner keeps its dialect.
                State::Line => self.state = State::Between,
            }
        }
    }

    /// One search in unquoted text. `None`: the data is used up.
    #[inline]
    fn plain(&mut self, csv: CsvDialect, checks: Checks, data: &[u8]) -> Option<Option<Record>> {
        let from = self.at;
        self.marks.skip_to(from);
        let here = self.marks.peek(data);
        self.at = here + 1;
        let before = || data.get(here.wrapping_sub(1)).copied();
        match data.get(here) {
            Some(b'\n') => return Some(Some(self.ended(here))),
            Some(b'\r') => self.state = State::AfterCr,
            // With nothing before it in this search, the byte before it was no delimiter: the state
            // would be FieldStart.
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

    /// Moves behind the byte that `find` finds and says where it is, or uses the data up.
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
            State::AfterCr => Pause::Behind { start, at },
            _ => Pause::Inside { start, at },
        }
    }

    /// The source has ended where the data does.
    pub(crate) fn finish(&mut self) -> Last {
        match self.state {
            State::Quoted => Last::OpenQuote { start: self.start, quote: self.quote },
            _ => match self.pause() {
                Pause::Between { .. } => Last::Nothing,
                Pause::Inside { at, .. } => Last::Record(self.ended(at)),
                Pause::Behind { at, .. } => Last::Record(self.ended(at.saturating_sub(1))),
            },
        }
    }
}
