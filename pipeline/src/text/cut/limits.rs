//! The limits within which a source is cut.

/// Limits of one source, in bytes and in rows. A header is no row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The most bytes of a record, its line end not counted.
    pub(crate) max_record: usize,
    /// A chunk by rows ends with the row that brings it to so many bytes, however few rows it has: growing
    /// rows must not take the memory.
    pub(crate) max_chunk: usize,
    /// The number of rows that are passed over at the start.
    pub(crate) skip: u64,
    /// The most rows that are read after those. The source is not read any further then.
    pub(crate) max_rows: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_record: 4 << 20, max_chunk: 8 << 20, skip: 0, max_rows: u64::MAX }
    }
}
