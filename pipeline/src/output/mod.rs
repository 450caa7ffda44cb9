//! Files that a pipeline writes.
//!
//! - `rejects`: rejected rows as text, and their destination
//! - `encoder`: compression; `target`: the file, which appears whole or not at all

pub(crate) mod encoder;
pub(crate) mod rejects;
pub(crate) mod target;
