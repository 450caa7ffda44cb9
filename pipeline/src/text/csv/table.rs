//! Some split records: where their fields are, and the text that these lie in.

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
    /// A field between two places, in text that begins at `base`. Limits on records and tables keep the offsets within
    /// 32 bits.
    #[inline]
    pub(crate) fn new(base: usize, start: usize, end: usize) -> Self {
        Self { start: (start - base) as u32, end: (end - base) as u32 }
    }
}

/// A record: where it stood, and which fields are its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// Its first byte, from the front of the chunk.
    pub(crate) start: usize,
    /// How many bytes it has, without its line end.
    pub(crate) len: usize,
    /// Its line, from the chunk's.
    pub(crate) line: u64,
    /// Its first field.
    pub(crate) field: u32,
}

/// Some records of one chunk, split into their fields. It owns a copy of their text, so that the chunk can go, and so
/// that text which is valid UTF-8, as nearly all is, need be checked only once.
#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) layout: Arc<Layout>,
    pub(crate) records: Vec<Place>,
    pub(crate) fields: Vec<Field>,
    /// The text, where all of it is valid UTF-8; behind it, the fields that had to be put together.
    pub(crate) text: String,
    /// The text where it is not.
    pub(crate) bytes: Vec<u8>,
}

/// Text of a table.
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

    /// Gives back what a record of unusual size has taken.
    pub(crate) fn shrink(&mut self, most: usize) {
        self.clear();
        self.records.shrink_to(most);
        self.fields.shrink_to(most);
        self.text.shrink_to(most);
        self.bytes.shrink_to(most);
    }

    /// The record at this index; one that is not there has no fields.
    #[inline]
    pub(crate) fn record(&self, index: usize) -> Record<'_> {
        let fields = match self.records.get(index..) {
            Some([place, next, ..]) => self.fields.get(place.field as usize..next.field as usize),
            Some([place]) => self.fields.get(place.field as usize..),
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
                // The ends of a field are ASCII bytes or the text's own ends.
                text.get(field.start as usize..field.end as usize).map(Ok)
            }
            Text::Bytes(_) => self.get(index).map(std::str::from_utf8),
        }
    }
}
