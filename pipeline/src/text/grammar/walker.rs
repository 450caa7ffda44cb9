//! The walker: reads text by the grammar, and hands the events to a sink.
//!
//! It does not step through every byte. In three states it goes straight to the next byte that can matter:
//!
//! 1. In unquoted text ([`FieldStart`](State::FieldStart), [`Plain`](State::Plain)) a byte without a meaning
//!    leads to `Plain`, and a delimiter leads to `FieldStart`, whatever came before. So the state after some
//!    bytes that hold no quote and no row end is that after the last of them.
//! 2. In quotes a byte without a meaning changes nothing.
//! 3. In a comment, and in the rest of a line, only the bytes that end it change anything.
//!
//! All other states last for one byte. So a sink gets the events of a walk through every byte, except for
//! those that it has no use for: bytes without a meaning, and the ends of fields where it needs none.

use std::ops::ControlFlow;

use memchr::{memchr, memchr3};

use crate::text::dialect::CsvDialect;
use crate::text::grammar::byte_mask::{ByteMask, Needles};
use crate::text::grammar::machine::{Event, Machine, State};

/// The receiver of the events.
pub(crate) trait Sink {
    /// True if it needs the ends of fields, and every LF, but no other row end in quotes. If false, it needs
    /// every row end in quotes, but no other LF, and no end of a field.
    const FIELDS: bool;

    /// The reason for which it stops a walk.
    type Stop;

    /// Takes the event of the byte at the offset `at`. After a stop, the walk goes on after this event.
    fn take(&mut self, event: Event, byte: u8, at: usize) -> ControlFlow<Self::Stop>;
}

/// A position in a text. The text may come in several pieces.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walker {
    machine: Machine,
    /// The state before the byte at `at`.
    state: State,
    /// The offset of the next byte.
    at: usize,
    /// The bytes that matter. It may be behind `at`: a search first goes there.
    mask: ByteMask,
    /// The quote and the escape, if both exist. With the delimiter they are a byte more than the mask finds.
    escaped: Option<(u8, u8)>,
}

/// The end of a walk: a stop of the sink, or `None` if the data is used up.
type Flow<S> = ControlFlow<Option<<S as Sink>::Stop>>;

impl Walker {
    /// A walker for sinks of the type `S`.
    pub(crate) fn new<S: Sink>(dialect: CsvDialect) -> Self {
        let CsvDialect { delimiter, quote, escape, terminator, .. } = dialect;
        let end = terminator.unwrap_or(b'\n');
        let (first, last) = match S::FIELDS {
            // LF is a line for the sink also where it ends no row.
            true => (delimiter, terminator.map_or(b'\r', |_| b'\n')),
            false => (escape.unwrap_or(end), terminator.unwrap_or(b'\r')),
        };
        Self {
            machine: Machine::new(dialect),
            state: State::Between,
            at: 0,
            mask: ByteMask::new(Needles([first, end, last, quote.unwrap_or(end)])),
            escaped: quote.zip(escape),
        }
    }

    pub(crate) fn state(&self) -> State {
        self.state
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Goes to another position. The data may be other than before.
    pub(crate) fn jump(&mut self, at: usize, state: State) {
        (self.at, self.state) = (at, state);
        self.mask.jump(at);
    }

    /// Walks on through the data, which is that of the last walk, unless a [`jump`](Self::jump) came between.
    /// Returns the stop of the sink, or `None` if the data is used up.
    #[inline(always)]
    pub(crate) fn walk<S: Sink>(&mut self, data: &[u8], sink: &mut S) -> Option<S::Stop> {
        // A local copy, which the compiler keeps in registers.
        let mut walker = *self;
        let stop = loop {
            let flow = match walker.state {
                State::FieldStart | State::Plain => walker.unquoted(data, sink),
                State::Quoted | State::QuoteEnded => walker.quoted(data, sink),
                State::Comment => walker.comment(data, sink),
                State::Rest => walker.rest(data, sink),
                State::Between => walker.one(State::Between, data, sink),
                State::Escaped => walker.one(State::Escaped, data, sink),
                State::AfterCr => walker.one(State::AfterCr, data, sink),
            };
            if let ControlFlow::Break(stop) = flow {
                break stop;
            }
        };
        *self = walker;
        stop
    }

    /// Reads one byte in this state, which is that of the walker.
    #[inline(always)]
    fn one<S: Sink>(&mut self, state: State, data: &[u8], sink: &mut S) -> Flow<S> {
        let at = self.at;
        let Some(byte) = data.get(at).copied() else { return ControlFlow::Break(None) };
        let (next, event) = self.machine.step(state, byte);
        (self.state, self.at) = (next, at + usize::from(event.takes_byte()));
        sink.take(event, byte, at).map_break(Some)
    }

    /// Reads on while the text is not in quotes.
    #[inline(always)]
    fn unquoted<S: Sink>(&mut self, data: &[u8], sink: &mut S) -> Flow<S> {
        self.mask.skip_to(self.at);
        let mut starts = self.state == State::FieldStart;
        loop {
            let here = self.mask.next(data);
            if here > self.at {
                starts = !S::FIELDS && self.machine.delimits(data.get(here - 1).copied());
            }
            let Some(byte) = data.get(here).copied() else {
                self.state = if starts { State::FieldStart } else { State::Plain };
                self.at = here;
                return ControlFlow::Break(None);
            };
            let (next, event) = self.machine.unquoted(starts, byte);
            (self.state, self.at) = (next, here + 1);
            sink.take(event, byte, here).map_break(Some)?;
            match next {
                State::FieldStart => starts = true,
                State::Plain => starts = false,
                _ => return ControlFlow::Continue(()),
            }
        }
    }

    /// Reads on while the text is in quotes, and through the bytes between two fields in quotes.
    #[inline(always)]
    fn quoted<S: Sink>(&mut self, data: &[u8], sink: &mut S) -> Flow<S> {
        loop {
            self.mask.skip_to(self.at);
            while self.state == State::Quoted {
                let here = self.next_in_quotes::<S>(data);
                self.at = here;
                self.one(State::Quoted, data, sink)?;
            }
            if self.state == State::QuoteEnded {
                self.one(State::QuoteEnded, data, sink)?;
            }
            if self.state == State::FieldStart && self.machine.quotes(data.get(self.at).copied()) {
                self.one(State::FieldStart, data, sink)?;
            }
            if self.state != State::Quoted {
                return ControlFlow::Continue(());
            }
        }
    }

    /// Returns the offset of the next byte that matters in quotes.
    #[inline(always)]
    fn next_in_quotes<S: Sink>(&mut self, data: &[u8]) -> usize {
        match self.escaped {
            Some((quote, escape)) if S::FIELDS => {
                let found = memchr3(quote, escape, b'\n', data.get(self.at..).unwrap_or_default());
                found.map_or(data.len(), |found| self.at + found)
            }
            _ => self.mask.next(data),
        }
    }

    /// Reads on to the end of a comment.
    #[inline(always)]
    fn comment<S: Sink>(&mut self, data: &[u8], sink: &mut S) -> Flow<S> {
        let rest = data.get(self.at..).unwrap_or_default();
        self.at = memchr(b'\n', rest).map_or(data.len(), |found| self.at + found);
        self.one(State::Comment, data, sink)
    }

    /// Reads on to the end of a line that is passed over.
    #[inline(always)]
    fn rest<S: Sink>(&mut self, data: &[u8], sink: &mut S) -> Flow<S> {
        self.mask.skip_to(self.at);
        self.at = self.mask.next(data);
        self.one(State::Rest, data, sink)
    }
}
