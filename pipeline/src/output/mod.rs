//! Files that a pipeline writes: rows as text, the compression, and the file that appears whole or not at
//! all.
//!
//! - `rows`: the formats; each worker makes text of its own rows
//! - `rejects`: rejected rows as text, and their destination
//! - `encoder`: compression; `target`: the file

pub(crate) mod encoder;
pub(crate) mod rejects;
pub(crate) mod rows;
pub(crate) mod target;
