//! The workers of a pipeline: they take chunks from the queue, decode their rows, and call the receiver.
//!
//! A synchronous receiver is called in time slices, an asynchronous one is awaited. The argument is an event
//! or a batch. A failed call is repeated where the strategy says so.

pub(crate) mod attempts;
pub(crate) mod caller;
pub(crate) mod collecting;
pub(crate) mod delivery;
pub(crate) mod erased;
pub(crate) mod feed;
pub(crate) mod folding;
pub(crate) mod gathered;
pub(crate) mod handler;
pub(crate) mod intake;
pub(crate) mod pulling;
pub(crate) mod receive;
pub(crate) mod receiving;
pub(crate) mod rows;
pub(crate) mod sealed;
pub(crate) mod slot;
pub(crate) mod state;
pub(crate) mod typed;
pub(crate) mod worker;
