//! A running pipeline: one sender, a bounded queue, workers, and the coordinator that waits for them.

pub(crate) mod handle;
pub(crate) mod read;
pub(crate) mod shared;
pub(crate) mod work;
