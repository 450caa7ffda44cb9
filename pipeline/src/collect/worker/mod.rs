//! A worker's side of the collection: its calls, its shard of buffers, and its inbox.

pub(crate) mod buffer;
pub(crate) mod calls;
pub(crate) mod inbox;
pub(crate) mod installed;
pub(crate) mod shard;
