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
//! decompressor for each source that is being read. Beside that are the values that receivers collect; those of one
//! chunk for each worker, where stages run ahead of the receiver; two chunks for each source, where several are read at
//! once and are handled in order; and the buffers of batches and of ends without a receiver, which their docs name.
//!
//! A pipeline is a task. Awaited, it is an in-place task, a part of the task around it. Spawned, it is a task
//! of its own, [`EmittingTask`]. The coordinator is its work; sender and workers are its children.
//!
//! Sender, workers and coordinator are compiled once, here, and not for each pipeline: they know neither the type
//! of the rows nor that of the runtime, whose erased form ([`DynRuntime`](sweet_async_core::DynRuntime)) they use.
//! Only the decoding of a row, the stages, the receiver and the parts of the collector have the pipeline's types.
//! The price is some boxes for a pipeline, one for a chunk of items, and one for each attempt where events are
//! retried.
//!
//! # Glossary
//!
//! The way of a row:
//!
//! - **Source**: an input of the sender: an iterator, a stream, a channel, text (files, bytes, readers), or a
//!   queue.
//! - **Source reader**: the part of the sender that reads sources one after the other; several readers read
//!   several sources at the same time.
//! - **Preflight**: the check of all files before the first source is read.
//! - **Cutter, chunker**: the cutter finds where records of text end; the chunker decides which of them make a
//!   chunk.
//! - **Chunk**: some rows of one source: whole records, not yet parsed, or items ([`ChunkSize`]). It is one
//!   message of the queue.
//! - **Worker**: a task that takes chunks from the queue, decodes their rows and handles them.
//! - **Row**: a record of text or an item, before the stages. It is handled or rejected.
//! - **Event**: a value for the receiver, with its position in the source ([`Event`]).
//! - **Batch**: several events that are passed to the receiver in one call ([`Batch`]); a pending batch is one
//!   that is not full yet.
//! - **Stage**: a function between the rows and the receiver ([`PipelineSender::map`]).
//! - **Receiver**: the user's function for events, which may collect, or another end: a list, a fold, a file,
//!   a sink, a queue.
//! - **Handler**: the library's side of an end, one for each pipeline.
//! - **Time slice**: the time for which a worker keeps an executor's thread before other tasks run.
//! - **Turn**: the right of a chunk, or of a row with a key, to be handled, where the order is that of the
//!   source.
//! - **Rejected row**: a row whose text, stage or receiver has failed ([`RowError`]); a deferred rejection is
//!   known only after all rows are there.
//! - **Lease**: the time for which a message that was claimed from a queue belongs to this pipeline.
//!
//! The results:
//!
//! - **Collector**: the receiver's side of the collection ([`Collector`]).
//! - **Shard**: the entries that one worker has collected and not handed over yet.
//! - **Partition**: one part of the keys, by their hashes ([`Partition`]).
//! - **Collection store**: all partitions of one pipeline, until they are handed over ([`Collection`]).
//! - **Row place**: the position of a row that has collected, kept where a duplicate key is an error.
//!
//! # Policies of events
//!
//! The policies of a pipeline's events are around each call of its receiver, and around the
//! [stages](PipelineSender::map) before it, in one order, from the outside in, whatever the order of the builder's
//! calls. The order is that of a task's policies. A policy that was not set costs nothing.
//!
//! | policy | what it does | its error, and what that counts as | cost, where it is used |
//! |---|---|---|---|
//! | [time limit](PipelineBuilder::with_timeout) | ends the pipeline, with all events and waits | [`Timeout`] of the pipeline | a timer |
//! | [retries](ErrorStrategy::retry) | call the receiver again with a clone of the event, after a wait | [`RetriesExhausted`], with the last failure | a clone and an allocation for each call |
//! | [circuit breaker](PipelineBuilder::event_circuit_breaker) | refuses calls of a dependency that fails | [`CircuitOpen`]: not retried, and no call | two allocations for each call |
//! | [limiter](PipelineBuilder::event_limiter) | makes calls wait for a permit | [`Rejected`]: not retried, and no failure | two allocations for each call |
//! | [event timeout](PipelineBuilder::event_timeout) | ends one call of an asynchronous receiver | [`Timeout`]: for the breaker a failure; retried | a reading of the clock, and a timer for a call that waits |
//! | [chaos](PipelineBuilder::chaos) | injects waits, errors and panics | as those of the receiver | four allocations for each call |
//! | stages and receiver | | an error: a failure, and retried; a panic: a failure, and not retried | |
//!
//! The [`ErrorStrategy`] decides on an event whose last attempt has failed. Events have no hedges:
//! a second call beside a first would collect twice. A [rate](PipelineBuilder::rate_limit) is one of the
//! pipeline's own, before all of these.
//!
//! A breaker, a limiter or retries around a whole pipeline are those of a task whose work it is:
//!
//! ```
//! # use sweet_async_core::{AsyncTaskError, CircuitBreaker, Runtime, TaskBuilder};
//! # use sweet_async_pipeline::{ChunkSizeExt as _, Event, FinalEvent, PipelineBuilder};
//! # async fn example<R: Runtime>(runtime: &R, breaker: &CircuitBreaker) -> Result<(), AsyncTaskError> {
//! let import = TaskBuilder::<FinalEvent, _>::new(runtime.clone()).circuit_breaker(breaker).retry(2);
//! let summary = import.run(|| async {
//!     let rows = PipelineBuilder::<u64, _>::new(runtime.clone());
//!     rows.sender(|sources| sources.of(0..10).into_chunks(5.items())).for_each(|_: Event<u64>| {}).await
//! });
//! assert_eq!(summary.await?.handled(), 10);
//! # Ok(()) }
//! ```
//!
//! [`Timeout`]: sweet_async_core::AsyncTaskError::Timeout
//! [`RetriesExhausted`]: sweet_async_core::AsyncTaskError::RetriesExhausted
//! [`CircuitOpen`]: sweet_async_core::AsyncTaskError::CircuitOpen
//! [`Rejected`]: sweet_async_core::AsyncTaskError::Rejected

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
#[cfg(feature = "json")]
pub use crate::build::publish_items::PublishItems;
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
pub use crate::outcome::final_event::FinalEvent;
pub use crate::outcome::progress::Progress;
pub use crate::outcome::row_error::RowError;
pub use crate::outcome::source_failure::SourceError;
pub use crate::outcome::too_many_errors::TooManyErrors;
pub use crate::output::rejects::{RejectedRow, Rejects};
pub use crate::policy::{
    AskAboutErrors, ErrorAction, ErrorStrategy, ReceiverStrategy, RetryEvents, SourceErrorStrategy,
};
pub use crate::queue::{
    BoundedQueue, BoundedReceipt, Claim, Claims, DeadLetter, Depth, Queue, QueueError, QueueMessage,
    QueueRefused, Reconnect,
};
pub use crate::run::handle::emitting_task::EmittingTask;
pub use crate::run::handle::pull::Events;
pub use crate::source::channel::{EventSender, SendError, TrySendError};
pub use crate::source::compression::codec::Compression;
pub use crate::source::format::csv_settings::{Delimiter, Terminator, Trim};
pub use crate::source::format::header::Header;
#[cfg(feature = "json")]
pub use crate::source::format::marker::JsonLines;
pub use crate::source::format::marker::{Csv, CsvOptions, Lines};
pub use crate::source::items::{ItemSource, Pulled};
pub use crate::source::queue::QueueSource;
pub use crate::source::size::ChunkSizeExt;
pub use crate::source::sources::Sources;
pub use crate::source::strategy::SenderStrategy;
pub use crate::source::text::TextSource;
pub use crate::text::chunk::ChunkSize;
#[cfg(feature = "csv")]
pub use crate::text::csv::row::{Column, FieldError, FromRow, Row};
pub use sweet_async_core::Position;

/// Types and traits that appear in signatures and that no program names. Not under semver.
#[doc(hidden)]
pub mod internals {
    pub use crate::build::upstream::{Parts, Staged, Upstream};
    #[cfg(feature = "csv")]
    pub use crate::output::rows::csv::CsvText;
    #[cfg(feature = "json")]
    pub use crate::output::rows::json_lines::JsonText;
    pub use crate::output::rows::lines::LinesText;
    pub use crate::output::rows::{RowFormat, RowText, Shape};
    pub use crate::run::shared::control::Control;
    pub use crate::run::work::call::answer::{Answered, Flow, IntoAnswer};
    pub use crate::run::work::call::caller::Caller;
    pub use crate::run::work::call::delivery::Delivery;
    pub use crate::run::work::call::receive::{Receive, Tries};
    pub use crate::run::work::call::sequenced::Sequenced;
    pub use crate::run::work::feed::{Feed, PendingEvents};
    pub use crate::source::format::marker::{NoFormat, Undecided};
    pub use crate::source::sources::SenderOutput;
    pub use crate::stage::awaited::Awaited;
    pub use crate::stage::chain::Answer;
    pub use crate::stage::chain::{Chain, Extend, Never, Next, SyncChain, Unstaged};
    pub use crate::stage::each::{Each, SyncEach};
    pub use crate::stage::keyed::Keyed;
    pub use crate::stage::many::{Many, SyncMany};
    pub use crate::stage::step::{AsyncStep, Filter, FlatMap, Inspect, Map, Spread, Step, TryMap};
}
