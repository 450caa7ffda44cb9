//! Pipelines over many values: sources are cut into chunks, chunks go through a bounded queue, workers parse
//! and handle their rows in parallel, and a keyed collector takes the results.
//!
//! ```text
//!  sender task                                     worker tasks (n)
//!  ┌───────────────────────────────────┐          ┌───────────────────────────────────────┐
//!  │ read a block ─► cut it at rows ───┼─ queue ─►│ parse ─► stages ─► receiver ─► shard ─┼─► partitions
//!  │ (blocking pool)                   │ (bounded)│                                       │
//!  └───────────────────────────────────┘          └───────────────────────────────────────┘
//! ```
//!
//! A pipeline's own memory is bounded by (queue + workers) x chunk, plus a block or two and the state of the
//! decompressor for each source that is being read. Values that receivers collect are not part of that bound.
//!
//! A pipeline is a task. Awaited, it is an in-place task, a part of the task around it. Spawned, it is a task
//! of its own, [`EmittingTask`]. The coordinator is its work; sender and workers are its children.
//!
//! Sender, workers and coordinator are compiled once, here, and not for each pipeline: they know neither the type
//! of the rows nor that of the runtime, whose erased form ([`DynRuntime`](sweet_async_core::DynRuntime)) they use.
//! Only the decoding of a row, the stages, the receiver and the parts of the collector have the pipeline's types.
//! The price is some boxes for a pipeline, one for a chunk of items, and one for each attempt where events are
//! retried.

#![forbid(unsafe_code)]

mod build;
mod collect;
pub(crate) mod event;
mod macros;
pub(crate) mod outcome;
mod output;
mod policy;
mod queue;
mod run;
mod source;
mod stage;
#[cfg_attr(
    not(feature = "csv"),
    allow(dead_code, reason = "the cutter knows CSV also where nothing parses it")
)]
mod text;

pub use crate::build::boxed::BoxedPipeline;
pub use crate::build::collect::{Pipeline, Receiver};
pub use crate::build::collect_vec::CollectVec;
pub use crate::build::fold::Fold;
pub use crate::build::for_each::ForEach;
pub use crate::build::forward::Forward;
pub use crate::build::options::PipelineBuilder;
pub use crate::build::publish::Publish;
pub use crate::build::sender::{BatchedSender, PipelineSender};
pub use crate::build::write::WriteFile;
pub use crate::collect::Collector;
pub use crate::collect::collected::{Collected, CollectedIntoIter, CollectedIter};
pub use crate::collect::collection::Collection;
pub use crate::collect::duplicate::{MergeFn, OnDuplicate};
pub use crate::collect::errors::CollectedError;
pub use crate::collect::key::Key;
pub use crate::collect::parts::partition::{Partition, PartitionIntoIter, PartitionIter};
pub use crate::event::batch::Batch;
pub use crate::event::single::{Event, EventId};
pub use crate::outcome::failure::{RowError, TooManyErrors};
pub use crate::outcome::final_event::FinalEvent;
pub use crate::outcome::progress::Progress;
pub use crate::outcome::source_failure::SourceError;
pub use crate::output::rejects::{RejectedRow, Rejects};
pub use crate::policy::{
    AskAboutErrors, ErrorAction, ErrorStrategy, ReceiverStrategy, RetryEvents, SourceErrorStrategy,
};
pub use crate::queue::{BoundedQueue, BoundedReceipt, Claim, Queue, QueueClosed, QueueError, QueueMessage};
pub use crate::run::handle::emitting_task::EmittingTask;
pub use crate::run::handle::pull::Events;
pub use crate::source::Sources;
pub use crate::source::channel::{EventSender, SendError, TrySendError};
pub use crate::source::compression::codec::Compression;
pub use crate::source::format::csv_options::{Delimiter, Terminator, Trim};
pub use crate::source::format::header::Header;
#[cfg(feature = "json")]
pub use crate::source::format::marker::JsonLines;
pub use crate::source::format::marker::{Csv, CsvOptions, Lines};
pub use crate::source::items::{ItemSource, Pulled};
pub use crate::source::queue::QueueSource;
pub use crate::source::size::ChunkSizeExt;
pub use crate::source::strategy::SenderStrategy;
pub use crate::source::text::TextSource;
pub use crate::text::chunk::ChunkSize;
#[cfg(feature = "csv")]
pub use crate::text::csv::row::{Column, FieldError, FromRow, Row};
pub use sweet_async_core::Position;

/// Types and traits that appear in signatures and that no program names. Not under semver.
#[doc(hidden)]
pub mod internals {
    pub use crate::build::upstream::{Staged, Upstream};
    pub use crate::output::rows::{RowFormat, RowText, Shape};
    pub use crate::run::work::call::answer::{Answered, Flow, IntoAnswer};
    pub use crate::run::work::call::delivery::{Delivery, Sequenced};
    pub use crate::run::work::call::receive::{Receive, Tries};
    pub use crate::source::SenderOutput;
    pub use crate::source::format::marker::{NoFormat, Undecided};
    pub use crate::stage::awaited::Awaited;
    pub use crate::stage::chain::Answer;
    pub use crate::stage::chain::{Chain, Extend, Next, SyncChain, Unstaged};
    pub use crate::stage::each::Each;
    pub use crate::stage::keyed::Keyed;
    pub use crate::stage::many::Many;
    pub use crate::stage::step::{AsyncStep, Filter, FlatMap, Inspect, Map, Spread, Step, TryMap};
}
