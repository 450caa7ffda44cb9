//! Sources of a pipeline, and the strategies that read them.

pub mod blocking_reads;
pub mod channels;
mod compression;
pub mod files;
pub mod large_chunks;
pub mod readers;
#[cfg(feature = "cases")]
pub mod reads_left;
pub mod row_ranges;
pub mod sender_batches;
pub mod sender_order;
pub mod senders;
pub mod skipped_sources;
pub mod sources;
pub mod totals;
pub mod unfinished;

pub use compression::*;
