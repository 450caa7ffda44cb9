//! A table of split records: the offsets of their fields, and the text that these refer to.

use std::str::Utf8Error;
use std::sync::Arc;

use crate::text::csv::layout::Layout;

/// A field, as offsets into the table's text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Field {
    /// A field between two offsets, in text that begins at `base`. Limits on records and tables keep the
    /// offsets within 32 bits.
    #[inline]
    pub(crate) fn new(base: usize, start: usize, end: usize) -> Self {
        Self { start: (start - base) as u32, end: (end - base) as u32 }
    }
}

/// A record: its position in the chunk, and its first field.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RecordSpan {
    /// The offset of its first byte in the chunk.
    pub(crate) start: usize,
    /// Its length in bytes, without its line end.
    pub(crate) len: usize,
    /// Its line, relative to the chunk's first line.
    pub(crate) line: u64,
    /// The index of its first field in the table.
    pub(crate) field: u32,
}

/// Some records of one chunk, split into their fields. The table owns a copy of their text, so that the chunk
/// can be dropped, and so that text that is valid UTF-8, as nearly all is, is checked only once.
#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) layout: Arc<Layout>,
    pub(crate) records: Vec<RecordSpan>,
    pub(crate) fields: Vec<Field>,
    /// The text, if all of it is valid UTF-8. The fields that had to be put together follow it.
    pub(crate) text: String,
    /// The text, if it is not valid UTF-8, with the same fields after it. Empty otherwise.
    pub(crate) bytes: Vec<u8>,
}

/// The text of a table.
#[derive(Clone, Copy, Debug)]
enum Text<'a> {
    Utf8(&'a str),
    Bytes(&'a [u8]),
}

/// A record that is borrowed from its table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    fields: &'a [Field],
    text: Text<'a>,
    layout: &'a Layout,
}

impl Table {
    pub(crate) fn new(layout: Arc<Layout>) -> Self {
        Self { layout, ..Self::default() }
    }

    pub(crate) fn clear(&mut self) {
        self.records.clear();
        self.fields.clear();
        self.text.clear();
        self.bytes.clear();
    }

    /// Clears the table, and gives back memory that records of unusual size have taken: room for `max_kept`
    /// bytes of text, fields and records each is kept.
    pub(crate) fn shrink(&mut self, max_kept: usize) {
        self.clear();
        self.records.shrink_to(max_kept);
        self.fields.shrink_to(max_kept);
        self.text.shrink_to(max_kept);
        self.bytes.shrink_to(max_kept);
    }

    /// Returns the record at this index; one that does not exist has no fields.
    #[inline]
    pub(crate) fn record(&self, index: usize) -> Record<'_> {
        let fields = match self.records.get(index..) {
            Some([span, next, ..]) => self.fields.get(span.field as usize..next.field as usize),
            Some([span]) => self.fields.get(span.field as usize..),
            _ => None,
        };
        let text = if self.bytes.is_empty() { Text::Utf8(&self.text) } else { Text::Bytes(&self.bytes) };
        Record { fields: fields.unwrap_or_default(), text, layout: &self.layout }
    }
}

impl<'a> Record<'a> {
    pub(crate) fn len(self) -> usize {
        self.fields.len()
    }

    pub(crate) fn layout(self) -> &'a Layout {
        self.layout
    }

    #[inline]
    pub(crate) fn get(self, index: usize) -> Option<&'a [u8]> {
        let field = self.fields.get(index)?;
        let bytes = match self.text {
            Text::Utf8(text) => text.as_bytes(),
            Text::Bytes(bytes) => bytes,
        };
        bytes.get(field.start as usize..field.end as usize)
    }

    #[inline]
    pub(crate) fn text(self, index: usize) -> Option<Result<&'a str, Utf8Error>> {
        match self.text {
            Text::Utf8(text) => {
                let field = self.fields.get(index)?;
                // A field ends at ASCII bytes or at the ends of the text, and so never inside a character.
                text.get(field.start as usize..field.end as usize).map(Ok)
            }
            Text::Bytes(_) => self.get(index).map(std::str::from_utf8),
        }
    }
}
