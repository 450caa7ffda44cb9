//! Chunk sizes that are made from numbers.

use sweet_async_pipeline::{ChunkSize, ChunkSizeExt as _};

#[test]
fn bare_literals_read_as_chunk_sizes() {
    assert_eq!([100.rows(), 100.items(), 100.lines(), 100.records()], [ChunkSize::Rows(100); 4]);
    assert_eq!(10.bytes(), ChunkSize::Bytes(10));
    assert_eq!(64.kib(), ChunkSize::Bytes(65_536));
    assert_eq!(1.mib(), ChunkSize::Bytes(1_048_576));
    assert_eq!((-5).rows(), ChunkSize::Rows(0));
    assert_eq!(usize::MAX.kib(), ChunkSize::Bytes(usize::MAX));
}
