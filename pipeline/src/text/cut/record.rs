//! A record of the text, and the position of the scanner in one.

/// One record, as offsets into the data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record {
    pub(crate) start: usize,
    /// The offset after its last byte, its line end not counted.
    pub(crate) end: usize,
    /// The offset after its line end.
    pub(crate) next: usize,
}

/// The position of the scanner when the data is used up.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pause {
    /// In no record. Everything before `at` is done.
    Between { at: usize },
    /// In a record that began at `start`. The next byte to scan is at `at`.
    Inside { start: usize, at: usize },
    /// After a record that began at `start`, whose line end may go on at `at`.
    AfterCr { start: usize, at: usize },
}

/// The record under way, as the end of the source leaves it.
pub(crate) enum AtEnd {
    Nothing,
    Record(Record),
    OpenQuote { start: usize, quote: usize },
}
