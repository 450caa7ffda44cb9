//! The sender of a pipeline: reads sources, cuts them into chunks, and sends the chunks to the workers.

pub(crate) mod blocking_call;
pub(crate) mod chunk_sender;
pub(crate) mod items;
pub(crate) mod preflight;
pub(crate) mod queue_reader;
pub(crate) mod sender;
pub(crate) mod source_reader;
pub(crate) mod stream;
pub(crate) mod text_blocks;
pub(crate) mod text_reader;
