//! Chunk sizes from integers.

use crate::text::chunk::ChunkSize;

/// Chunk sizes from integer literals and variables: `100.rows()`, `64.kib()`. A number that is negative, or
/// too large for a `usize`, reads as zero, which is refused when the pipeline starts.
pub trait ChunkSizeExt {
    /// This many rows.
    fn rows(self) -> ChunkSize;
    /// This many items: rows of an iterator or a stream.
    fn items(self) -> ChunkSize;
    /// This many lines, each of them a row.
    fn lines(self) -> ChunkSize;
    /// This many records: rows that may span lines.
    fn records(self) -> ChunkSize;
    /// Rows until at least this many bytes.
    fn bytes(self) -> ChunkSize;
    /// Rows until at least this many times 1024 bytes.
    fn kib(self) -> ChunkSize;
    /// Rows until at least this many times 1024 x 1024 bytes.
    fn mib(self) -> ChunkSize;
}

macro_rules! sizes {
    ($($int:ty),*) => {$(
        impl ChunkSizeExt for $int {
            fn rows(self) -> ChunkSize { ChunkSize::Rows(usize::try_from(self).unwrap_or(0)) }
            fn items(self) -> ChunkSize { self.rows() }
            fn lines(self) -> ChunkSize { self.rows() }
            fn records(self) -> ChunkSize { self.rows() }
            fn bytes(self) -> ChunkSize { ChunkSize::Bytes(usize::try_from(self).unwrap_or(0)) }
            fn kib(self) -> ChunkSize { ChunkSize::Bytes(usize::try_from(self).unwrap_or(0).saturating_mul(1 << 10)) }
            fn mib(self) -> ChunkSize { ChunkSize::Bytes(usize::try_from(self).unwrap_or(0).saturating_mul(1 << 20)) }
        }
    )*};
}

// `i32` among them: without it a bare literal does not infer.
sizes!(i8, i16, i32, i64, isize, u8, u16, u32, u64, usize);
