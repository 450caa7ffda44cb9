//! The ends of a pipeline beside its receivers, and its end once it has enough.

pub mod collected_map;
pub mod enough;
pub mod forwarded;
pub mod listed;
pub mod staged_ends;
pub mod taken;
pub mod written;
pub mod written_ends;
