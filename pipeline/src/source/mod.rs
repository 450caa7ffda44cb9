//! The sources of a pipeline: items, streams, channels, files, readers, bytes and queues.
//!
//! - `sources`: the sources of one pipeline, as its sender closure adds them; each kind of source adds its
//!   methods
//! - `plan`: a source that is ready to be read, and its parts
//! - `items`, `channel`, `text`, `queue`: the builders of the kinds of sources; `item_chunks`: chunks of items
//! - `format`: the formats of text, with their options; `compression`, `input`: the bytes of text
//! - `sealed`: text whose chunks become messages
//! - `size`, `strategy`: the size of a chunk, and the order of reading

pub(crate) mod channel;
pub(crate) mod compression;
pub(crate) mod format;
pub(crate) mod input;
pub(crate) mod item_chunks;
pub(crate) mod items;
pub(crate) mod plan;
pub(crate) mod queue;
pub(crate) mod sealed;
pub(crate) mod size;
pub(crate) mod sources;
pub(crate) mod strategy;
pub(crate) mod text;
