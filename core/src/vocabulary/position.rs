//! The position of a row in its source.

use std::fmt;

/// The position of a row: its source, and the line and byte in it. A part that a source cannot know is
/// `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    source: u32,
    line: Option<u64>,
    byte: Option<u64>,
}

impl Position {
    /// The position from the index of the row's source, its line from 1 and its offset in bytes, where they
    /// are known.
    pub fn new(source: u32, line: Option<u64>, byte: Option<u64>) -> Self {
        Self { source, line, byte }
    }

    /// The source's index, in the order in which the sender named them, from 0.
    pub fn source(&self) -> usize {
        self.source as usize
    }

    /// The line of the row's first byte, from 1; `None` for items that come from no text.
    pub fn line(&self) -> Option<u64> {
        self.line
    }

    /// The offset of the row's first byte, from 0; `None` for items that come from no text.
    pub fn byte(&self) -> Option<u64> {
        self.byte
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.byte) {
            (Some(line), Some(byte)) => write!(f, "line {line} (byte {byte})"),
            _ => f.write_str("an item"),
        }
    }
}
