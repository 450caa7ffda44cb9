//! Where the chunks of a source go, and their places in source order.

use std::sync::Arc;

use async_channel::{Receiver, Sender};

use crate::event::single::Origin;
use crate::outcome::failure::Place;
use crate::run::shared::control::Control;
use crate::run::shared::counters::Tally;
use crate::run::shared::lease::Lease;
use crate::run::shared::message::{Content, Message, Turn};
use crate::text::chunk::RawChunk;
use crate::text::decode::Decoders;
use crate::text::fault::BadRow;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::runtime::Runtime;

/// Bits of a sequence that count rows, where the others are the number of the source.
pub(crate) const ROW_BITS: u32 = 44;

/// Why no more is sent.
pub(crate) enum Stop {
    /// An error ends the pipeline, or all workers are gone.
    NotWanted,
    Failed(AsyncTaskError),
}

/// How rows are numbered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Numbering {
    /// On from the rows of the source before.
    Running,
    /// From the number of the source.
    BySource,
}

/// Where chunks go.
pub(crate) struct ChunkSender<T, R: Runtime> {
    pub(crate) queue: Sender<Message<T>>,
    pub(crate) control: Arc<Control<R>>,
    tally: Tally<R>,
    /// Where rows are handled in source order, and this sends them in it.
    line: Option<Receiver<()>>,
    numbering: Numbering,
    source: u32,
    /// What the first row of the source counts as.
    base: u64,
    /// Rows of the source so far.
    rows: u64,
}

impl<T: Send + 'static, R: Runtime> ChunkSender<T, R> {
    pub(crate) fn new(
        queue: Sender<Message<T>>,
        control: Arc<Control<R>>,
        numbering: Numbering,
        in_line: bool,
    ) -> Self {
        let line = in_line.then(Turn::line);
        let tally = Tally::new(control.clone());
        Self { queue, control, tally, line, numbering, source: 0, base: 0, rows: 0 }
    }

    /// What is sent from now on is of this source.
    pub(crate) fn begin(&mut self, source: u32) {
        self.source = source;
        let before = std::mem::take(&mut self.rows);
        self.base = match self.numbering {
            Numbering::Running => self.base + before,
            Numbering::BySource => u64::from(source) << ROW_BITS,
        };
    }

    /// Items that were counted when they were taken from their source.
    pub(crate) async fn items(&mut self, items: Vec<T>) -> Result<(), Stop> {
        let (first, rows) = (self.rows, items.len() as u64);
        self.send(first, rows, Content::Items(items)).await
    }

    /// A chunk, whose rows were counted when it was cut.
    pub(crate) async fn raw(&mut self, chunk: RawChunk, decoders: Decoders<T>) -> Result<(), Stop> {
        let (first, rows) = (chunk.first_row, chunk.rows);
        self.send(first, rows, Content::Raw { chunk, decoders, lease: None }).await
    }

    /// A chunk that was claimed: it comes after all that were claimed before.
    pub(crate) async fn leased(
        &mut self,
        mut chunk: RawChunk,
        decoders: Decoders<T>,
        lease: Box<Lease>,
    ) -> Result<(), Stop> {
        chunk.first_row = self.rows;
        let (first, rows) = (chunk.first_row, chunk.rows);
        if self.control.limit.is_set() {
            // It is given back, as if it had not been read.
            return Err(Stop::NotWanted);
        }
        self.count(rows);
        self.send(first, rows, Content::Raw { chunk, decoders, lease: Some(lease) }).await
    }

    /// So many rows were read.
    pub(crate) fn count(&self, rows: u64) {
        self.control.counters.read.add(rows);
    }

    /// Rows of the source so far.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    async fn send(&mut self, first: u64, rows: u64, content: Content<T>) -> Result<(), Stop> {
        if self.control.limit.is_set() {
            return Err(Stop::NotWanted);
        }
        self.rows = first + rows;
        let turn = self.line.as_mut().map(Turn::behind);
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

    /// A row that could not be cut, and was counted: it is rejected here, no worker sees it.
    pub(crate) fn reject(&mut self, bad: BadRow) -> Result<(), Stop> {
        self.rows = bad.sequence + 1;
        let Some(name) = self.control.names.at(self.source) else { return Ok(()) };
        let sequence = self.base + bad.sequence;
        let place =
            Place { name, origin: self.origin(0), sequence, line: bad.line, byte: bad.byte, raw: None };
        let error = place.unreadable(&bad.reason);
        self.tally.reject(&place, error);
        if self.control.limit.is_set() { Err(Stop::NotWanted) } else { Ok(()) }
    }
}
