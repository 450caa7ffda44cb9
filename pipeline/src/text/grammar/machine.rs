//! The state machine: a state and a byte give the next state, and an event.

use crate::text::dialect::CsvDialect;

/// The position of the next byte in the grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// In no record: at the start, after a record, or after a blank or comment line.
    Between,
    /// In a comment, whose LF has not come.
    Comment,
    /// At a field's first byte, or at the delimiter or the row end of a field that is empty.
    FieldStart,
    /// In a field that is not in quotes, or after text that followed a closing quote.
    Plain,
    /// In quotes.
    Quoted,
    /// In quotes, after an escape.
    Escaped,
    /// After a quote in quotes, which closed the field unless another one follows.
    QuoteEnded,
    /// After the CR that ended a record.
    AfterCr,
    /// In the first line of a record that is refused, of which no more is read. No byte leads here; the
    /// cutter does.
    Rest,
}

/// The meaning of a byte. `quoted` is true if the byte before it is the closing quote of the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A part of no record: of a comment, or a row end after which a record could have begun.
    Blank,
    /// The first byte of a record. It is not taken: it comes again in the state that follows.
    RecordBegins,
    /// Text of a field, or of a line that is passed over.
    Text,
    /// The quote that opens a field.
    QuoteOpens,
    /// A quote in quotes, which is not text.
    QuoteMet,
    /// The second of two quotes in quotes, which is text.
    QuoteDoubled,
    /// An escape in quotes, which is not text.
    EscapeMet,
    /// A row end in quotes, which is text.
    RowEndInQuotes,
    /// A quote in a field that is not in quotes, which is text.
    QuoteInField,
    /// The first byte of text after a closing quote.
    TextAfterQuote,
    /// The delimiter.
    FieldEnds { quoted: bool },
    /// The row end. The last field of the record ends with it.
    RecordEnds { quoted: bool },
    /// The CR that ends the last field of the record. An LF may follow, which belongs to the row end.
    CrMet { quoted: bool },
    /// The LF after that CR.
    CrLf,
    /// Another byte after that CR, or the end of the text. It is not taken.
    CrAlone,
    /// The end of the text in quotes.
    QuoteOpen,
}

impl Event {
    /// True if the byte is taken. If not, it comes again in the state that follows.
    #[inline(always)]
    pub(crate) fn takes_byte(self) -> bool {
        !matches!(self, Self::RecordBegins | Self::CrAlone)
    }
}

/// A byte that a dialect may have, or none.
#[derive(Clone, Copy, Debug)]
struct Mark(u16);

impl Mark {
    fn new(byte: Option<u8>) -> Self {
        Self(byte.map_or(u16::MAX, u16::from))
    }

    #[inline(always)]
    fn is(self, byte: u8) -> bool {
        self.0 == u16::from(byte)
    }
}

/// The machine of one dialect.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Machine {
    delimiter: u8,
    /// The byte that ends a record at once: LF, or the dialect's own.
    end: u8,
    /// CR, if it ends a record.
    cr: Mark,
    quote: Mark,
    escape: Mark,
    comment: Mark,
    double_quote: bool,
}

impl Machine {
    pub(crate) fn new(dialect: CsvDialect) -> Self {
        let CsvDialect { delimiter, quote, escape, double_quote, comment, terminator, .. } = dialect;
        Self {
            delimiter,
            end: terminator.unwrap_or(b'\n'),
            cr: Mark::new(terminator.is_none().then_some(b'\r')),
            quote: Mark::new(quote),
            escape: Mark::new(escape),
            comment: Mark::new(comment),
            double_quote,
        }
    }

    #[inline(always)]
    fn ends_row(&self, byte: u8) -> bool {
        byte == self.end || self.cr.is(byte)
    }

    /// Reads one byte. Where the state is known when this is compiled, so are the transitions that are left.
    #[inline(always)]
    pub(crate) fn step(&self, state: State, byte: u8) -> (State, Event) {
        match state {
            State::Between if self.ends_row(byte) => (State::Between, Event::Blank),
            State::Between if self.comment.is(byte) => (State::Comment, Event::Blank),
            State::Between => (State::FieldStart, Event::RecordBegins),

            State::Comment if byte == b'\n' => (State::Between, Event::Blank),
            State::Comment => (State::Comment, Event::Blank),

            State::FieldStart => self.unquoted(true, byte),
            State::Plain => self.unquoted(false, byte),

            State::Quoted if self.quote.is(byte) => (State::QuoteEnded, Event::QuoteMet),
            State::Quoted if self.escape.is(byte) => (State::Escaped, Event::EscapeMet),
            State::Quoted | State::Escaped if self.ends_row(byte) => (State::Quoted, Event::RowEndInQuotes),
            State::Quoted | State::Escaped => (State::Quoted, Event::Text),

            State::QuoteEnded => match self.field_end(byte, true) {
                Some(end) => end,
                None if self.double_quote && self.quote.is(byte) => (State::Quoted, Event::QuoteDoubled),
                None => (State::Plain, Event::TextAfterQuote),
            },

            State::AfterCr if byte == b'\n' => (State::Between, Event::CrLf),
            State::AfterCr => (State::Between, Event::CrAlone),

            State::Rest if self.ends_row(byte) => (State::Between, Event::RecordEnds { quoted: false }),
            State::Rest => (State::Rest, Event::Text),
        }
    }

    /// Reads one byte that is not in quotes: in [`FieldStart`](State::FieldStart) if `starts`, otherwise in
    /// [`Plain`](State::Plain). Only for a quote this makes a difference.
    #[inline(always)]
    pub(crate) fn unquoted(&self, starts: bool, byte: u8) -> (State, Event) {
        match self.field_end(byte, false) {
            Some(end) => end,
            None if !self.quote.is(byte) => (State::Plain, Event::Text),
            None if starts => (State::Quoted, Event::QuoteOpens),
            None => (State::Plain, Event::QuoteInField),
        }
    }

    /// Returns the transition of a byte that ends a field.
    #[inline(always)]
    fn field_end(&self, byte: u8, quoted: bool) -> Option<(State, Event)> {
        if byte == self.delimiter {
            Some((State::FieldStart, Event::FieldEnds { quoted }))
        } else if byte == self.end {
            Some((State::Between, Event::RecordEnds { quoted }))
        } else if self.cr.is(byte) {
            Some((State::AfterCr, Event::CrMet { quoted }))
        } else {
            None
        }
    }

    /// True if a field starts after this byte, where the text is not in quotes.
    #[inline(always)]
    pub(crate) fn delimits(&self, byte: Option<u8>) -> bool {
        byte == Some(self.delimiter)
    }

    /// True if a field that starts with this byte is in quotes.
    #[inline(always)]
    pub(crate) fn quotes(&self, byte: Option<u8>) -> bool {
        byte.is_some_and(|byte| self.quote.is(byte))
    }

    /// Reads the end of the text.
    pub(crate) fn end(state: State) -> Event {
        match state {
            State::Between | State::Comment => Event::Blank,
            State::Quoted | State::Escaped => Event::QuoteOpen,
            State::AfterCr => Event::CrAlone,
            State::FieldStart | State::Plain | State::Rest => Event::RecordEnds { quoted: false },
            State::QuoteEnded => Event::RecordEnds { quoted: true },
        }
    }
}
