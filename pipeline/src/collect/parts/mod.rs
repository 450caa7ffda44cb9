//! The pipeline's side of the collection: the keys in parts, while they are filled and at the end.

pub(crate) mod exclusive;
pub(crate) mod map;
pub(crate) mod part;
pub(crate) mod partition;
pub(crate) mod partitions;
