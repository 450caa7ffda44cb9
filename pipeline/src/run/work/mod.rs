//! The workers: take chunks off the queue, decode their rows, and hand these to the receiver.

pub(crate) mod attempts;
pub(crate) mod caller;
pub(crate) mod delivery;
pub(crate) mod feed;
pub(crate) mod gathered;
pub(crate) mod handler;
pub(crate) mod intake;
pub(crate) mod pulling;
pub(crate) mod receive;
pub(crate) mod receiver;
pub(crate) mod slot;
pub(crate) mod worker;
