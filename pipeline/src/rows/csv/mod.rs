//! Decodes chunks of CSV.
//!
//! ```text
//! RawChunk --Splitter--> Table (some records: places of fields, text) --> Row --FromRow--> T
//! ```

mod decoder;
mod deserialize;
mod layout;
mod row;
mod split;
mod table;

pub(crate) use decoder::CsvDecoder;
pub(crate) use layout::Layout;
pub use row::{Column, FieldError, FromRow, Row};
