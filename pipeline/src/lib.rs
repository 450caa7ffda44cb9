//! Many values: sources are cut into chunks, chunks go through a bounded queue, workers parse and handle their rows
//! in parallel, a keyed collector takes the results.
//!
//! ```text
//!  sender task                                     worker tasks (n)
//!  ┌───────────────────────────────────┐          ┌──────────────────────────────────────┐
//!  │ read a block ─► cut it at rows ───┼─ queue ─►│ parse ─► Event ─► receiver ─► shard ─┼─► partitions
//!  │ (blocking pool)                   │ (bounded)│                                      │
//!  └───────────────────────────────────┘          └──────────────────────────────────────┘
//! ```
//!
//! The pipeline's own memory is bounded by (queue + workers) x chunk, and for each source that is being read a block or two,
//! and what undoes its compression; what receivers collect is theirs. A pipeline is a task: awaited, one in place, as a part of
//! the task around it; spawned, one of its own, [`EmittingTask`]. The coordinator is its work; sender and workers are its children.

#![forbid(unsafe_code)]

mod batch;
mod builder;
mod collector;
mod engine;
mod event;
mod failure;
mod firsts;
mod handle;
mod late;
mod macros;
mod names;
mod progress;
mod pull;
mod queue;
mod receiver;
#[cfg_attr(
    not(feature = "csv"),
    allow(dead_code, reason = "the cutter knows CSV also where nothing parses it")
)]
mod rows;
mod sources;
mod strategy;

pub use batch::Batch;
pub use builder::{
    BatchedSender, BoxedPipeline, Fold, ForEach, Pipeline, PipelineBuilder, PipelineSender, Publish, Receiver,
};
pub use collector::{
    CollectedError, Collection, Collector, Key, MergeFn, OnDuplicate, Partition, PartitionIntoIter,
    PartitionIter,
};
pub use event::{Event, EventId, FinalEvent};
pub use failure::{RowError, TooManyErrors};
pub use handle::EmittingTask;
pub use progress::Progress;
pub use pull::Events;
pub use queue::{BoundedQueue, BoundedReceipt, Claim, Queue, QueueClosed, QueueError, QueueMessage};
pub use receiver::{Delivery, Receive, Sequenced, Tries};
pub use rows::ChunkSize;
#[cfg(feature = "csv")]
pub use rows::{Column, FieldError, FromRow, Row};
#[cfg(feature = "json")]
pub use sources::JsonLines;
pub use sources::{
    ChunkSizeExt, Compression, Csv, CsvOptions, Delimiter, EventSender, ItemSource, Lines, NoFormat, Pulled,
    QueueSource, SendError, SenderOutput, SenderStrategy, Sources, TextSource, TrySendError, Undecided,
};
pub use strategy::{AskAboutErrors, ErrorAction, ErrorStrategy, ReceiverStrategy, RetryEvents};
pub use sweet_async_core::Position;
