//! The coordinator, and the handles of a spawned and of a pulled pipeline.

pub(crate) mod coordinator;
pub(crate) mod emitting_task;
pub(crate) mod pull;
pub(crate) mod reject_writing;
