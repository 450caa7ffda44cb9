//! Compressed sources of a pipeline, whole and cut short.

pub mod compressed;
pub mod compressed_ends;
