//! The splitter, which splits the records of a chunk into fields.
//!
//! It is a sink of the [grammar](crate::text::grammar), as the cutter is. A chunk is complete: its end ends a
//! record.

use std::ops::{ControlFlow, Range};

use bytes::Bytes;

use crate::text::csv::table::{Field, RecordSpan, Table};
use crate::text::dialect::CsvDialect;
use crate::text::grammar::machine::{Event, Machine, State};
use crate::text::grammar::walker::{Sink, Walker};

/// The most records, and about the most bytes, that are split at a time: enough to make the work that is done
/// once for all of them negligible, few enough to be still in the cache when they are read.
const RECORDS: usize = 256;
const BYTES: usize = 32 << 10;

/// Splits one chunk after the other.
#[derive(Debug)]
pub(crate) struct Splitter {
    trim: bool,
    chunk: Bytes,
    /// Everything before its position is split.
    walker: Walker,
    /// Lines that have ended before that position.
    line: u64,
    /// The bytes that are no part of the field that they are in.
    cuts: Vec<Cut>,
}

/// A byte that is left out of the text of a field: a quote that doubles another or ends the quotes before more
/// text, or an escape.
#[derive(Clone, Copy, Debug)]
struct Cut {
    /// The index of its field in the table.
    field: u32,
    /// Its offset, from the first record of the table.
    at: u32,
}

/// The sink: puts fields and records into a table.
struct Fields<'a> {
    table: &'a mut Table,
    cuts: &'a mut Vec<Cut>,
    /// The offset of the first record of the table.
    base: usize,
    line: u64,
    /// The offset of the text of the field under way.
    from: usize,
    /// The record under way.
    record: RecordSpan,
    /// The offset after the last record.
    end: usize,
}

impl Fields<'_> {
    #[inline(always)]
    fn field(&mut self, end: usize, quoted: bool) {
        // The closing quote is the byte before the end.
        self.table.fields.push(Field::new(self.base, self.from, end - usize::from(quoted)));
    }

    #[inline(always)]
    fn record(&mut self, end: usize) -> ControlFlow<()> {
        let RecordSpan { start, .. } = self.record;
        self.table.records.push(RecordSpan { len: end - start, ..self.record });
        self.end = end;
        if self.table.records.len() >= RECORDS || end - self.base >= BYTES {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    #[inline(always)]
    fn cut(&mut self, at: usize) {
        let (field, at) = (self.table.fields.len() as u32, (at - self.base) as u32);
        push(self.cuts, Cut { field, at });
    }
}

/// Not a method of the sink, whose fields then stay in registers.
#[cold]
fn push(cuts: &mut Vec<Cut>, cut: Cut) {
    cuts.push(cut);
}

impl Sink for Fields<'_> {
    const FIELDS: bool = true;

    type Stop = ();

    #[inline(always)]
    fn take(&mut self, event: Event, byte: u8, at: usize) -> ControlFlow<()> {
        match event {
            Event::FieldEnds { quoted } => {
                self.field(at, quoted);
                self.from = at + 1;
            }
            Event::RecordEnds { quoted } | Event::CrMet { quoted } => {
                self.field(at, quoted);
                self.line += u64::from(byte == b'\n');
                return self.record(at);
            }
            Event::RecordBegins => {
                let field = self.table.fields.len() as u32;
                if field == 0 {
                    self.base = at;
                }
                self.from = at;
                self.record = RecordSpan { start: at, len: 0, line: self.line, field };
            }
            Event::QuoteOpens => self.from = at + 1,
            Event::QuoteMet | Event::QuoteInField | Event::CrAlone => {}
            Event::EscapeMet => self.cut(at),
            Event::QuoteDoubled => self.cut(at - 1),
            Event::TextAfterQuote => {
                self.cut(at - 1);
                self.line += u64::from(byte == b'\n');
            }
            Event::Blank | Event::Text | Event::RowEndInQuotes | Event::CrLf => {
                self.line += u64::from(byte == b'\n');
            }
            // The cutter cuts no chunk that ends in quotes.
            Event::QuoteOpen => {
                self.field(at, false);
                return self.record(at);
            }
        }
        ControlFlow::Continue(())
    }
}

impl Splitter {
    pub(crate) fn new(dialect: CsvDialect) -> Self {
        let walker = Walker::new::<Fields<'_>>(dialect);
        Self { trim: dialect.trim, chunk: Bytes::new(), walker, line: 0, cuts: Vec::new() }
    }

    /// Gives back the memory for doubled quotes and escapes, except for `kept` of them.
    pub(crate) fn release(&mut self, kept: usize) {
        self.cuts.clear();
        self.cuts.shrink_to(kept);
    }

    pub(crate) fn start(&mut self, chunk: Bytes) {
        self.walker.jump(0, State::Between);
        self.chunk = chunk;
        self.line = 0;
    }

    /// Puts the next records of the chunk into `table`: at least one, if one is left.
    pub(crate) fn fill(&mut self, table: &mut Table) {
        table.clear();
        self.cuts.clear();
        let (base, end) = self.split(table);
        let source = self.chunk.get(base..end).unwrap_or_default();
        let Table { fields, text, bytes, .. } = table;
        match std::str::from_utf8(source) {
            Ok(all) => {
                text.push_str(all);
                join(&self.cuts, fields, |part| {
                    text.push_str(all.get(part).unwrap_or_default());
                    text.len()
                });
                if self.trim {
                    trim(fields, text.as_bytes());
                }
            }
            Err(_) => {
                bytes.extend_from_slice(source);
                join(&self.cuts, fields, |part| {
                    bytes.extend_from_slice(source.get(part).unwrap_or_default());
                    bytes.len()
                });
                if self.trim {
                    trim(fields, bytes);
                }
            }
        }
    }

    /// Splits the next records. Returns the offsets of the first one and after the last one.
    // A function of its own has all registers for the walk.
    #[inline(never)]
    fn split(&mut self, table: &mut Table) -> (usize, usize) {
        let record = RecordSpan { start: 0, len: 0, line: 0, field: 0 };
        let (line, cuts) = (self.line, &mut self.cuts);
        let mut sink = Fields { table, cuts, base: 0, line, from: 0, record, end: 0 };
        if self.walker.walk(&self.chunk, &mut sink).is_none() {
            // The end of the chunk; without a byte, and so without a line.
            let (state, at) = (self.walker.state(), self.walker.at());
            let _ = sink.take(Machine::end(state), 0, at);
            self.walker.jump(at, State::Between);
        }
        self.line = sink.line;
        (sink.base, sink.end)
    }
}

/// Appends the text of the fields that have cuts, and sets their offsets to it. `append` appends a part of the
/// text of the records, and returns the new length of the whole.
fn join(cuts: &[Cut], fields: &mut [Field], mut append: impl FnMut(Range<usize>) -> usize) {
    for cuts in cuts.chunk_by(|one, other| one.field == other.field) {
        let field = cuts.first().and_then(|cut| fields.get_mut(cut.field as usize));
        let Some(field) = field else { continue };
        let mut at = field.start as usize;
        let start = append(at..at);
        for cut in cuts {
            append(at..cut.at as usize);
            at = cut.at as usize + 1;
        }
        *field = Field::new(0, start, append(at..field.end as usize));
    }
}

/// Moves the ends of the fields past the white space around their text.
fn trim(fields: &mut [Field], text: &[u8]) {
    for field in fields {
        let (start, end) = (field.start as usize, field.end as usize);
        let raw = text.get(start..end).unwrap_or_default();
        let start = start + (raw.len() - raw.trim_ascii_start().len());
        *field = Field::new(0, start, start + raw.trim_ascii().len());
    }
}
