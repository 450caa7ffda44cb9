//! Work: from a closure to a future of a result.

pub(crate) mod attempts;
pub(crate) mod blocking;
pub(crate) mod body;
pub(crate) mod in_place;
pub(crate) mod job;
pub(crate) mod kinds;
pub(crate) mod output;
