//! What goes through the queue.

use async_channel::{Receiver, Sender};

use crate::event::single::Origin;
use crate::run::shared::lease::Lease;
use crate::text::chunk::RawChunk;
use crate::text::decode::Decoders;

/// One chunk on its way to a worker.
pub(crate) struct Message<T> {
    pub(crate) origin: Origin,
    /// The first row's place in its source.
    pub(crate) first: u64,
    pub(crate) content: Content<T>,
    /// Where rows are handled in source order, this chunk's place in the line.
    pub(crate) turn: Option<Turn>,
}

pub(crate) enum Content<T> {
    Items(Vec<T>),
    Raw {
        chunk: RawChunk,
        decoders: Decoders<T>,
        /// Where it was claimed from a queue.
        lease: Option<Box<Lease>>,
    },
}

/// A chunk's place in line. Whoever drops it lets the next one go ahead.
pub(crate) struct Turn {
    before: Receiver<()>,
    _after: Sender<()>,
}

impl Turn {
    /// The first place, and what the second is made from.
    pub(crate) fn line() -> Receiver<()> {
        // Its other end is gone: the first in line never waits.
        async_channel::bounded(1).1
    }

    /// The place behind `before`; `before` becomes what the next place is made from.
    pub(crate) fn behind(before: &mut Receiver<()>) -> Self {
        let (after, next) = async_channel::bounded(1);
        Self { before: std::mem::replace(before, next), _after: after }
    }

    /// Waits until everything before has been handled.
    pub(crate) async fn wait(&self) {
        // Nothing is ever sent: the answer is that the sender was dropped.
        let _ = self.before.recv().await;
    }
}
