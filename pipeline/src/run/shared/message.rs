//! The messages of the queue between the sender and the workers.

use crate::event::single::Origin;
use crate::run::shared::lease::Lease;
use crate::run::shared::turn::Turn;
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
