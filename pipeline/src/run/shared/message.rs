//! The messages of the queue between the sender and the workers.

use async_channel::{Receiver, Sender};

use crate::event::single::Origin;
use crate::run::shared::lease::Lease;
use crate::source::item_chunks::Items;
use crate::text::chunk::RawChunk;
use crate::text::decode::DynDecoders;

/// One chunk on its way to a worker.
pub(crate) struct Message {
    pub(crate) origin: Origin,
    /// The position of the first row in its source.
    pub(crate) first: u64,
    pub(crate) content: Content,
    /// The chunk's turn, where rows are handled in source order, all of them or those of one key.
    pub(crate) turn: Option<Turn>,
}

pub(crate) enum Content {
    Items(Items),
    Raw {
        chunk: RawChunk,
        decoders: DynDecoders,
        /// Set where the chunk was claimed from a queue.
        lease: Option<Box<Lease>>,
    },
}

/// A chunk's position in the order of turns. Dropping it lets the next chunk proceed.
pub(crate) struct Turn {
    before: Receiver<()>,
    _after: Sender<()>,
}

impl Turn {
    /// Starts an order of turns. The result is the `before` of the first turn.
    pub(crate) fn first() -> Receiver<()> {
        // The sender is dropped here, so the first turn never waits.
        async_channel::bounded(1).1
    }

    /// The turn after `before`. `before` is replaced by the one for the turn after this.
    pub(crate) fn after(before: &mut Receiver<()>) -> Self {
        let (after, next) = async_channel::bounded(1);
        Self { before: std::mem::replace(before, next), _after: after }
    }

    /// Waits until all chunks before have been handled.
    pub(crate) async fn wait(&self) {
        // Nothing is ever sent: the end of the sender is the signal.
        let _ = self.before.recv().await;
    }
}
