//! The splitter, which splits the records of a chunk into fields.
//!
//! The rules are the csv crate's, to the byte. A quote opens only at a field's start, and a doubled one is
//! text. Text after a closing quote is text. CR, LF or both end a record. Blank lines are no records, nor are
//! lines that begin with the comment mark. [`scan`](crate::text::cut::scan) has the rules as a diagram. This
//! is the same state machine for data that is complete: it visits only the bytes that can change its state.

use std::ops::Range;

use bytes::Bytes;
use memchr::memchr;

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

/// Finds the end of the field whose text begins at `from`, after its opening quote.
fn quoted(data: &[u8], mut mask: ByteMask, from: usize, quote: u8) -> Quoted {
    let (mut is_contiguous, mut lines) = (true, 0);
    loop {
        let close = mask.next(data);
        match data.get(close) {
            // The cutter cuts no chunk that ends in quotes.
            None => return Quoted { end: close, is_contiguous: false, end_at: close, lines, mask },
            Some(b'\n') => lines += 1,
            Some(byte) if *byte == quote => {
                let mut end_at = mask.next(data);
                if data.get(close + 1) == Some(&quote) {
                    is_contiguous = false;
                    continue;
                }
                // Quotes in text after the closing one are text.
                while data.get(end_at) == Some(&quote) {
                    end_at = mask.next(data);
                }
                is_contiguous &= end_at == close + 1;
                let end = if is_contiguous { close } else { end_at };
                return Quoted { end: end.max(from), is_contiguous, end_at, lines, mask };
            }
            Some(_) => {}
        }
    }
}

impl Splitter {
    pub(crate) fn new(dialect: CsvDialect) -> Self {
        let needles = [dialect.delimiter, b'\n', b'\r', dialect.quote.unwrap_or(b'\n')];
        let mask = ByteMask::new(Needles(needles));
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
            }
            Err(_) => {
                bytes.extend_from_slice(source);
                self.join_fragments(fields, source, |part| {
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

    /// Splits records, from `at` on.
    fn split(&mut self, data: &[u8], table: &mut Table) {
        let delimiter = self.dialect.delimiter;
        // Local copies, which the compiler keeps in registers.
        let (mut mask, mut line) = (self.mask, self.line);
        let (base, mut start) = (self.at, self.at);
        while start < data.len() {
            let (first_line, field) = (line, table.fields.len() as u32);
            let mut from = start;
            let (end, last) = loop {
                let hit = mask.next(data);
                // The end of the data ends a record as a line end does.
                let byte = data.get(hit).copied().unwrap_or(b'\n');
                if byte == delimiter {
                    table.fields.push(Field::new(base, from, hit));
                    from = hit + 1;
                } else if matches!(byte, b'\n' | b'\r') {
                    table.fields.push(Field::new(base, from, hit));
                    break (hit, byte);
                } else if hit == from {
                    // The only other byte in the mask is a quote, and it opens only at the field's start.
                    let quoted = quoted(data, mask, from + 1, byte);
                    (mask, line) = (quoted.mask, line + quoted.lines);
                    if !quoted.is_contiguous {
                        self.fragmented.push(table.fields.len());
                    }
                    table.fields.push(Field::new(base, from + 1, quoted.end));
                    let byte = data.get(quoted.end_at).copied().unwrap_or(b'\n');
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
            if next.is_some_and(|next| matches!(next, b'\n' | b'\r') || self.dialect.comment == Some(next)) {
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
        let Some(quote) = self.dialect.quote else { return };
        for index in &self.fragmented {
            let Some(field) = fields.get_mut(*index) else { continue };
            let (mut at, end) = (field.start as usize, field.end as usize);
            let start = append(at..at);
            loop {
                let here = source.get(at..end).unwrap_or_default();
                let Some(found) = memchr(quote, here) else { break };
                if here.get(found + 1) != Some(&quote) {
                    // This quote closes the field; the text after it stands as it is.
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
