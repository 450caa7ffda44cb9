//! The decoding of CSV chunks.
//!
//! ```text
//! RawChunk --Splitter--> Table (some records: offsets of fields, text) --> Row --FromRow--> T
//! ```

pub(crate) mod decoder;
pub(crate) mod deserialize;
pub(crate) mod layout;
pub(crate) mod row;
pub(crate) mod split;
pub(crate) mod table;
