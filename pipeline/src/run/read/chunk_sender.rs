//! The sending end of the chunk queue for one source reader. It gives chunks their positions in source order.

use std::sync::Arc;

use async_channel::Sender;

use crate::event::single::Origin;
use crate::outcome::row_error::RowContext;
use crate::outcome::source_failure::SourceError;
use crate::run::shared::control::Control;
use crate::run::shared::counters::LocalCounts;
use crate::run::shared::lease::Lease;
use crate::run::shared::message::{Content, Message};
use crate::run::shared::turn::{Position, Turn};
use crate::source::item_chunks::Items;
use crate::text::chunk::RawChunk;
use crate::text::decode::DynDecoders;
use crate::text::fault::BadRow;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::runtime::Runtime as _;

/// The number of low bits of a sequence that count rows. The bits above hold the number of the source, where
/// sources are read at the same time.
pub(crate) const ROW_BITS: u32 = 44;

/// The reason for sending no more.
pub(crate) enum Stop {
    /// An error ends the pipeline, or all workers have ended.
    NotWanted,
    /// A cancellation, or the end of the runtime.
    Failed(AsyncTaskError),
    /// The source cannot be read any further.
    Source(AsyncTaskError),
}

/// The numbering of rows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Numbering {
    /// Continues after the rows of the source before.
    Running,
    /// Starts at the number of the source, shifted left by [`ROW_BITS`] bits.
    BySource,
}

/// Sends the chunks of one source at a time.
pub(crate) struct ChunkSender {
    pub(crate) queue: Sender<Message>,
    pub(crate) control: Arc<Control>,
    counts: LocalCounts,
    /// The position of the next chunk in the order of turns. Set where rows are handled in source order and
    /// this sends them in that order.
    next_turn: Option<Position>,
    numbering: Numbering,
    source: u32,
    /// The sequence of the first row of the source.
    base: u64,
    /// The number of rows of the source so far.
    rows: u64,
}

impl ChunkSender {
    pub(crate) fn new(
        queue: Sender<Message>,
        control: Arc<Control>,
        numbering: Numbering,
        has_turns: bool,
    ) -> Self {
        let next_turn = has_turns.then(Position::first);
        let counts = LocalCounts::new(control.clone());
        Self { queue, control, counts, next_turn, numbering, source: 0, base: 0, rows: 0 }
    }

    /// Starts a source: everything sent from now on belongs to it.
    pub(crate) fn begin(&mut self, source: u32) {
        self.source = source;
        let before = std::mem::take(&mut self.rows);
        self.base = match self.numbering {
            Numbering::Running => self.base + before,
            Numbering::BySource => u64::from(source) << ROW_BITS,
        };
    }

    /// The position in source order of the row after the last one of the source.
    pub(crate) fn position(&self) -> u64 {
        self.base.saturating_add(self.rows)
    }

    /// Sends items. They were counted when they were taken from their source.
    pub(crate) async fn items(&mut self, items: Items) -> Result<(), Stop> {
        let (first, rows) = (self.rows, items.rows);
        self.send(first, rows, Content::Items(items)).await
    }

    /// Sends a chunk. Its rows were counted when it was cut.
    pub(crate) async fn raw(&mut self, chunk: RawChunk, decoders: DynDecoders) -> Result<(), Stop> {
        let (first, rows) = (chunk.first_row, chunk.rows);
        self.send(first, rows, Content::Raw { chunk, decoders, lease: None }).await
    }

    /// Sends a claimed chunk. Its rows follow those of all messages claimed before.
    pub(crate) async fn leased(
        &mut self,
        mut chunk: RawChunk,
        decoders: DynDecoders,
        lease: Box<Lease>,
    ) -> Result<(), Stop> {
        chunk.first_row = self.rows;
        let (first, rows) = (chunk.first_row, chunk.rows);
        if self.control.limit.is_set() {
            // The message is given back as if it had not been read.
            return Err(Stop::NotWanted);
        }
        self.count(rows);
        self.send(first, rows, Content::Raw { chunk, decoders, lease: Some(lease) }).await
    }

    /// Counts `rows` rows as read.
    pub(crate) fn count(&self, rows: u64) {
        self.control.counters.read.add(rows);
    }

    /// The number of rows of the source so far.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    async fn send(&mut self, first: u64, rows: u64, content: Content) -> Result<(), Stop> {
        if self.control.limit.is_set() {
            return Err(Stop::NotWanted);
        }
        self.rows = first + rows;
        let turn = self.next_turn.as_mut().map(Turn::after);
        let published = match &content {
            Content::Raw { lease: Some(lease), .. } => {
                lease.source.as_ref().map_or(0, |source| source.number)
            }
            _ => 0,
        };
        let message = Message { origin: self.origin(published), first, content, turn };
        self.queue.send(message).await.map_err(|_| Stop::NotWanted)
    }

    fn origin(&self, published: u32) -> Origin {
        let Control { task, runtime, .. } = &*self.control;
        Origin { task: *task, source: self.source, published, base: self.base, at: runtime.now() }
    }

    /// Keeps the error of the source, which is skipped.
    pub(crate) fn skip_source(&mut self, error: AsyncTaskError) {
        let Control { names, task, .. } = &*self.control;
        let name = names.at(self.source).cloned().unwrap_or_default();
        tracing::warn!(task.id = %task, source = %name, rows = self.rows, %error, "a source failed and is skipped");
        self.counts.skip_source(SourceError { name, source: self.source, rows: self.rows, error });
    }

    /// Rejects a row that could not be cut. It was counted already, and no worker sees it.
    pub(crate) fn reject(&mut self, bad: BadRow) -> Result<(), Stop> {
        self.rows = bad.sequence + 1;
        let Some(name) = self.control.names.at(self.source) else { return Ok(()) };
        let sequence = self.base + bad.sequence;
        let context =
            RowContext { name, origin: self.origin(0), sequence, line: bad.line, byte: bad.byte, raw: None };
        let error = context.unreadable(&bad.reason);
        self.counts.reject(&context, error);
        if self.control.limit.is_set() { Err(Stop::NotWanted) } else { Ok(()) }
    }
}
