//! The workers: take chunks off the queue, decode their rows, and hand these to the receiver.
//!
//! A synchronous receiver is called in slices of time, an asynchronous one is awaited; with an event or with a batch of them, and
//! again where it failed and the strategy says so.

pub(crate) mod attempts;
pub(crate) mod caller;
pub(crate) mod delivery;
pub(crate) mod feed;
pub(crate) mod gathered;
pub(crate) mod handler;
pub(crate) mod intake;
pub(crate) mod pulling;
pub(crate) mod receive;
pub(crate) mod sealed;
pub(crate) mod slot;
pub(crate) mod worker;
