//! Queues between pipelines: chunks go from one pipeline to others, which may be on another machine.
//!
//! ```text
//!   sender(..).publish(&queue, job)            the engine           sender(|s| s.of_queue(&queue).csv())
//!  ┌──────────────────────────────┐       ┌─────────────────────┐       ┌─────────────────────────────┐
//!  │ read ─► cut ─► seal a chunk ─┼publish┤ messages, each with ├ claim ┼► unseal ─► parse ─► receiver│
//!  └──────────────────────────────┘       │ a key and a lease   │ ack ◄─┼──────── handled ◄───────────┘
//!                                         └─────────────────────┘
//! ```
//!
//! The values of the pipeline on the right may go into another queue (`publish_items(&results, job)`), for a
//! pipeline that gathers them.
//!
//! Inside one pipeline chunks need no such queue: they go through a bounded channel, without leases and
//! without being made into bytes.

pub(crate) mod bounded;
pub(crate) mod engine;
pub(crate) mod erased;
pub(crate) mod error;
pub(crate) mod messages;
pub(crate) mod reconnect;
pub(crate) mod wire;

pub use crate::queue::bounded::{BoundedQueue, BoundedReceipt, QueueRefused};
pub use crate::queue::engine::{Claim, Claims, DeadLetter, Depth, Queue, QueueMessage};
pub(crate) use crate::queue::erased::{Claimed, DynQueue, Receipt};
pub use crate::queue::error::QueueError;
pub use crate::queue::reconnect::Reconnect;
pub(crate) use crate::queue::wire::{Sealing, Unsealed};
