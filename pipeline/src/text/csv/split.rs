//! Splits the records of a chunk into fields.
//!
//! The rules are the csv crate's, to the byte: a quote opens only at a field's start and a doubled one is text; what
//! follows a closing quote is text; CR, LF or both end a record; blank lines are none, nor are lines that begin with
//! the comment mark. [`scan`](crate::text::cut::scan) has them as a diagram; this is the same machine for bytes that are
//! all there, driven by the places where anything can happen.

use std::ops::Range;

use bytes::Bytes;
use memchr::memchr;

use crate::text::csv::table::{Field, Place, Table};
use crate::text::cut::byte_mask::{ByteMask, Needles};
use crate::text::dialect::CsvDialect;

/// How many records, and about how many bytes, are split at a time: enough for what is done once for all of them not
/// to count, few enough to be in the cache still when they are read.
const RECORDS: usize = 256;
const BYTES: usize = 32 << 10;

/// Splits one chunk after the other.
#[derive(Debug)]
pub(crate) struct Splitter {
    dialect: CsvDialect,
    chunk: Bytes,
    marks: ByteMask,
    /// Everything before is split.
    at: usize,
    /// Lines that have ended before `at`.
    line: u64,
    /// Fields that must be put together, by their index in the table.
    pieced: Vec<usize>,
}

/// A field in quotes.
struct Quoted {
    /// Behind its text, without the closing quote if it is whole.
    end: usize,
    /// Its text is in one piece.
    whole: bool,
    /// What ends it: a delimiter, a line end, or the end of the data.
    mark: usize,
    /// How many lines end in it.
    lines: u64,
    marks: ByteMask,
}

/// Finds the end of the field whose text begins at `from`, behind its opening quote.
fn quoted(data: &[u8], mut marks: ByteMask, from: usize, quote: u8) -> Quoted {
    let (mut whole, mut lines) = (true, 0);
    loop {
        let close = marks.next(data);
        match data.get(close) {
            // Nothing that the cutter has cut ends in quotes.
            None => return Quoted { end: close, whole: false, mark: close, lines, marks },
            Some(b'\n') => lines += 1,
            Some(byte) if *byte == quote => {
                let mut mark = marks.next(data);
                if data.get(close + 1) == Some(&quote) {
                    whole = false;
                    continue;
                }
                // Quotes in text behind the closing one are text.
                while data.get(mark) == Some(&quote) {
                    mark = marks.next(data);
                }
                whole &= mark == close + 1;
                let end = if whole { close } else { mark };
                return Quoted { end: end.max(from), whole, mark, lines, marks };
            }
            Some(_) => {}
        }
    }
}

impl Splitter {
    pub(crate) fn new(dialect: CsvDialect) -> Self {
        let needles = [dialect.delimiter, b'\n', b'\r', dialect.quote.unwrap_or(b'\n')];
        let marks = ByteMask::new(Needles(needles));
        Self { dialect, chunk: Bytes::new(), marks, at: 0, line: 0, pieced: Vec::new() }
    }

    pub(crate) fn start(&mut self, chunk: Bytes) {
        self.marks.jump(0);
        self.chunk = chunk;
        (self.at, self.line) = (0, 0);
    }

    /// Puts the next records of the chunk into `table`, at least one if there is one.
    pub(crate) fn fill(&mut self, table: &mut Table) {
        table.clear();
        self.pieced.clear();
        // Cheap, and `self` can be changed while it is read.
        let chunk = self.chunk.clone();
        self.skip_blank(&chunk);
        self.marks.skip_to(self.at);
        let base = self.at;
        self.split(&chunk, table);
        let source = chunk.get(base..self.at).unwrap_or_default();
        let Table { fields, text, bytes, .. } = table;
        match std::str::from_utf8(source) {
            Ok(all) => {
                text.push_str(all);
                self.piece_together(fields, source, |part| {
                    text.push_str(all.get(part).unwrap_or_default());
                    text.len()
                });
            }
            Err(_) => {
                bytes.extend_from_slice(source);
                self.piece_together(fields, source, |part| {
                    bytes.extend_from_slice(source.get(part).unwrap_or_default());
                    bytes.len()
                });
            }
        }
    }

    /// Passes over line ends and comments.
    fn skip_blank(&mut self, data: &[u8]) {
        while let Some(&first) = data.get(self.at) {
            match first {
                b'\n' => self.line += 1,
                b'\r' => {}
                _ if self.dialect.comment == Some(first) => {
                    let rest = data.get(self.at..).unwrap_or_default();
                    self.at += memchr(b'\n', rest).unwrap_or(rest.len());
                    continue;
                }
                _ => break,
            }
            self.at += 1;
        }
    }

    /// Splits records, from here on.
    fn split(&mut self, data: &[u8], table: &mut Table) {
        let delimiter = self.dialect.delimiter;
        // Copies, for the compiler to keep in registers.
        let (mut marks, mut line) = (self.marks, self.line);
        let (base, mut start) = (self.at, self.at);
        while start < data.len() {
            let (first_line, field) = (line, table.fields.len() as u32);
            let mut from = start;
            let (end, last) = loop {
                let mark = marks.next(data);
                // The end of the data ends a record as a line end does.
                let byte = data.get(mark).copied().unwrap_or(b'\n');
                if byte == delimiter {
                    table.fields.push(Field::new(base, from, mark));
                    from = mark + 1;
                } else if matches!(byte, b'\n' | b'\r') {
                    table.fields.push(Field::new(base, from, mark));
                    break (mark, byte);
                } else if mark == from {
                    // What else is marked is a quote, and it opens only at the field's start.
                    let quoted = quoted(data, marks, from + 1, byte);
                    (marks, line) = (quoted.marks, line + quoted.lines);
                    if !quoted.whole {
                        self.pieced.push(table.fields.len());
                    }
                    table.fields.push(Field::new(base, from + 1, quoted.end));
                    let byte = data.get(quoted.mark).copied().unwrap_or(b'\n');
                    if byte != delimiter {
                        break (quoted.mark, byte);
                    }
                    from = quoted.mark + 1;
                }
            };
            table.records.push(Place { start, len: end - start, line: first_line, field });
            self.at = end;
            if table.records.len() >= RECORDS || end - base >= BYTES {
                break;
            }
            start = end + 1;
            line += u64::from(last == b'\n');
            let next = data.get(start).copied();
            if next.is_some_and(|next| matches!(next, b'\n' | b'\r') || self.dialect.comment == Some(next)) {
                (self.at, self.line) = (start, line);
                self.skip_blank(data);
                (start, line) = (self.at, self.line);
                marks.skip_to(start);
            }
        }
        (self.marks, self.line) = (marks, line);
    }

    /// Appends the fields that are not in one piece to the text, which `append` gives the new length of, and lets them
    /// be found there.
    fn piece_together(
        &self,
        fields: &mut [Field],
        source: &[u8],
        mut append: impl FnMut(Range<usize>) -> usize,
    ) {
        let Some(quote) = self.dialect.quote else { return };
        for index in &self.pieced {
            let Some(field) = fields.get_mut(*index) else { continue };
            let (mut at, end) = (field.start as usize, field.end as usize);
            let start = append(at..at);
            loop {
                let here = source.get(at..end).unwrap_or_default();
                let Some(found) = memchr(quote, here) else { break };
                if here.get(found + 1) != Some(&quote) {
                    // It closes; what is behind it is text as it stands.
                    append(at..at + found);
                    at += found + 1;
                    break;
                }
                append(at..at + found + 1);
                at += found + 2;
            }
            *field = Field::new(0, start, append(at..end));
        }
    }
}
