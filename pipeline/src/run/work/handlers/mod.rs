//! Handlers of rows: the contract, and one handler for each kind of end.

pub(crate) mod collecting;
pub(crate) mod folding;
pub(crate) mod forwarding;
pub(crate) mod handler;
pub(crate) mod listing;
#[cfg(feature = "json")]
pub(crate) mod publishing;
pub(crate) mod publishing_chunks;
pub(crate) mod pulling;
pub(crate) mod receiving;
pub(crate) mod writing;
