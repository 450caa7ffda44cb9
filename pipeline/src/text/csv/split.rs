//! The splitter, which splits the records of a chunk into fields.
//!
//! The rules are the csv crate's, to the byte. A quote opens only at a field's start, and a doubled one is
//! text, as is an escaped one. Text after a closing quote is text. CR, LF or both end a record, or the
//! dialect's own terminator. Blank lines are no records, nor are lines that begin with the comment mark.
//! [`scan`](crate::text::cut::scan) has the rules as a diagram. This is the same state machine for data that
//! is complete: it visits only the bytes that can change its state.

use std::ops::Range;

use bytes::Bytes;
use memchr::{memchr, memchr2, memchr3};

use crate::text::csv::table::{Field, RecordSpan, Table};
use crate::text::cut::byte_mask::{ByteMask, Needles};
use crate::text::dialect::CsvDialect;

/// The most records, and about the most bytes, that are split at a time: enough to make the work that is done
/// once for all of them negligible, few enough to be still in the cache when they are read.
const RECORDS: usize = 256;
const BYTES: usize = 32 << 10;

/// Splits one chunk after the other.
#[derive(Debug)]
pub(crate) struct Splitter {
    dialect: CsvDialect,
    chunk: Bytes,
    mask: ByteMask,
    /// Everything before this offset is split.
    at: usize,
    /// Lines that have ended before `at`.
    line: u64,
    /// The fields whose text is not in one piece, by their index in the table.
    fragmented: Vec<usize>,
}

/// A field in quotes.
struct Quoted {
    /// The end of its text. The closing quote is excluded if the text is in one piece.
    end: usize,
    /// True if its text is in one piece.
    is_contiguous: bool,
    /// The offset of the byte that ends it: a delimiter, a line end, or the end of the data.
    end_at: usize,
    /// The number of lines that end in it.
    lines: u64,
    mask: ByteMask,
}

/// The offset of the next byte from `at` on that has a meaning in quotes: a quote, an escape or an LF.
/// Without an escape the mask finds it, and may also give the other bytes that it looks for.
#[inline]
fn next_in_quotes(data: &[u8], mask: &mut ByteMask, at: usize, quote: u8, escape: Option<u8>) -> usize {
    match escape {
        None => mask.next(data),
        Some(escape) => {
            let rest = data.get(at..).unwrap_or_default();
            memchr3(quote, escape, b'\n', rest).map_or(data.len(), |found| at + found)
        }
    }
}

/// Finds the end of the field whose text begins at `from`, after its opening quote.
fn quoted(data: &[u8], mut mask: ByteMask, from: usize, quote: u8, dialect: CsvDialect) -> Quoted {
    let CsvDialect { escape, double_quote, .. } = dialect;
    let (mut is_contiguous, mut lines, mut at) = (true, 0, from);
    loop {
        let hit = next_in_quotes(data, &mut mask, at, quote, escape);
        at = hit + 1;
        match data.get(hit).copied() {
            // The cutter cuts no chunk that ends in quotes.
            None => return Quoted { end: hit, is_contiguous: false, end_at: hit, lines, mask },
            Some(b'\n') => lines += 1,
            Some(byte) if byte == quote => {
                if double_quote && data.get(hit + 1) == Some(&quote) {
                    (is_contiguous, at) = (false, hit + 2);
                    mask.skip_to(at);
                    continue;
                }
                if escape.is_some() {
                    mask.skip_to(hit + 1);
                }
                let mut end_at = mask.next(data);
                // After the closing quote, other quotes are text, and so are lines that end no record.
                while let Some(byte) = data.get(end_at).copied()
                    && byte != dialect.delimiter
                    && !dialect.ends_row(byte)
                {
                    lines += u64::from(byte == b'\n');
                    end_at = mask.next(data);
                }
                is_contiguous &= end_at == hit + 1;
                let end = if is_contiguous { hit } else { end_at };
                return Quoted { end: end.max(from), is_contiguous, end_at, lines, mask };
            }
            Some(byte) if escape == Some(byte) => {
                // The byte after it is text, whatever it is.
                lines += u64::from(data.get(hit + 1) == Some(&b'\n'));
                (is_contiguous, at) = (false, hit + 2);
            }
            Some(_) => {}
        }
    }
}

impl Splitter {
    pub(crate) fn new(dialect: CsvDialect) -> Self {
        // LF is counted as a line also where it ends no record.
        let other_end = if dialect.terminator.is_some() { b'\n' } else { b'\r' };
        let [end, _] = dialect.row_ends();
        let mask = ByteMask::new(Needles([dialect.delimiter, end, other_end, dialect.quote.unwrap_or(end)]));
        Self { dialect, chunk: Bytes::new(), mask, at: 0, line: 0, fragmented: Vec::new() }
    }

    pub(crate) fn start(&mut self, chunk: Bytes) {
        self.mask.jump(0);
        self.chunk = chunk;
        (self.at, self.line) = (0, 0);
    }

    /// Puts the next records of the chunk into `table`: at least one, if one is left.
    pub(crate) fn fill(&mut self, table: &mut Table) {
        table.clear();
        self.fragmented.clear();
        // A cheap handle, so that `self` can be changed while the data is read.
        let chunk = self.chunk.clone();
        self.skip_blank(&chunk);
        self.mask.skip_to(self.at);
        let base = self.at;
        self.split(&chunk, table);
        let source = chunk.get(base..self.at).unwrap_or_default();
        let Table { fields, text, bytes, .. } = table;
        match std::str::from_utf8(source) {
            Ok(all) => {
                text.push_str(all);
                self.join_fragments(fields, source, |part| {
                    text.push_str(all.get(part).unwrap_or_default());
                    text.len()
                });
                if self.dialect.trim {
                    trim(fields, text.as_bytes());
                }
            }
            Err(_) => {
                bytes.extend_from_slice(source);
                self.join_fragments(fields, source, |part| {
                    bytes.extend_from_slice(source.get(part).unwrap_or_default());
                    bytes.len()
                });
                if self.dialect.trim {
                    trim(fields, bytes);
                }
            }
        }
    }

    /// Passes over row ends and comments.
    fn skip_blank(&mut self, data: &[u8]) {
        while let Some(&first) = data.get(self.at) {
            if self.dialect.ends_row(first) {
                self.line += u64::from(first == b'\n');
                self.at += 1;
            } else if self.dialect.comment == Some(first) {
                let rest = data.get(self.at..).unwrap_or_default();
                let lf = memchr(b'\n', rest);
                self.line += u64::from(lf.is_some());
                self.at += lf.map_or(rest.len(), |lf| lf + 1);
            } else {
                break;
            }
        }
    }

    /// Splits records, from `at` on.
    fn split(&mut self, data: &[u8], table: &mut Table) {
        let dialect = self.dialect;
        let CsvDialect { delimiter, comment, .. } = dialect;
        let [end_byte, other_end] = dialect.row_ends();
        let is_end = |byte| byte == end_byte || byte == other_end;
        // Local copies, which the compiler keeps in registers.
        let (mut mask, mut line) = (self.mask, self.line);
        let (base, mut start) = (self.at, self.at);
        while start < data.len() {
            let (first_line, field) = (line, table.fields.len() as u32);
            let mut from = start;
            let (end, last) = loop {
                let hit = mask.next(data);
                // The end of the data ends a record as a line end does.
                let byte = data.get(hit).copied().unwrap_or(end_byte);
                if byte == delimiter {
                    table.fields.push(Field::new(base, from, hit));
                    from = hit + 1;
                } else if is_end(byte) {
                    table.fields.push(Field::new(base, from, hit));
                    break (hit, byte);
                } else if byte == b'\n' {
                    // Text, in a dialect with a terminator of its own.
                    line += 1;
                } else if hit == from {
                    // The only other byte in the mask is a quote, and it opens only at the field's start.
                    let quoted = quoted(data, mask, from + 1, byte, dialect);
                    (mask, line) = (quoted.mask, line + quoted.lines);
                    if !quoted.is_contiguous {
                        self.fragmented.push(table.fields.len());
                    }
                    table.fields.push(Field::new(base, from + 1, quoted.end));
                    let byte = data.get(quoted.end_at).copied().unwrap_or(end_byte);
                    if byte != delimiter {
                        break (quoted.end_at, byte);
                    }
                    from = quoted.end_at + 1;
                }
            };
            table.records.push(RecordSpan { start, len: end - start, line: first_line, field });
            self.at = end;
            if table.records.len() >= RECORDS || end - base >= BYTES {
                break;
            }
            start = end + 1;
            line += u64::from(last == b'\n');
            let next = data.get(start).copied();
            if next.is_some_and(|next| is_end(next) || comment == Some(next)) {
                (self.at, self.line) = (start, line);
                self.skip_blank(data);
                (start, line) = (self.at, self.line);
                mask.skip_to(start);
            }
        }
        (self.mask, self.line) = (mask, line);
    }

    /// Appends the text of the fields that are not in one piece, and sets their offsets to it. `append`
    /// returns the new length of the text.
    fn join_fragments(
        &self,
        fields: &mut [Field],
        source: &[u8],
        mut append: impl FnMut(Range<usize>) -> usize,
    ) {
        let CsvDialect { quote: Some(quote), escape, double_quote, .. } = self.dialect else { return };
        for index in &self.fragmented {
            let Some(field) = fields.get_mut(*index) else { continue };
            let (mut at, end) = (field.start as usize, field.end as usize);
            // The search goes on after an escaped byte, which may be the first of a character.
            let mut from = at;
            let start = append(at..at);
            loop {
                let rest = source.get(from..end).unwrap_or_default();
                let found = match escape {
                    None => memchr(quote, rest),
                    Some(escape) => memchr2(quote, escape, rest),
                };
                let Some(found) = found else { break };
                let (hit, is_quote) = (from + found, rest.get(found) == Some(&quote));
                if is_quote && double_quote && rest.get(found + 1) == Some(&quote) {
                    append(at..hit + 1);
                    (at, from) = (hit + 2, hit + 2);
                    continue;
                }
                append(at..hit);
                (at, from) = (hit + 1, hit + 2);
                if is_quote {
                    // This quote closes the field; the text after it stands as it is.
                    break;
                }
            }
            *field = Field::new(0, start, append(at..end));
        }
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
