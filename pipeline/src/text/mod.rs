//! Text as rows: bytes become chunks of whole records, and chunks become typed rows.
//!
//! ```text
//! blocks of bytes --Cutter--> RawChunk, RawChunk, .. --Decoder--> Decoded<T>, ..
//!                 one sender                         many workers
//! ```
//!
//! The cutter only finds where records end, so one sender feeds many workers; the workers do the expensive
//! part. For CSV both read by one [grammar]. Everything here is pure: values in, values out, no executor, no
//! file, no clock.

pub(crate) mod chunk;
#[cfg(feature = "csv")]
pub(crate) mod csv;
pub(crate) mod cut;
pub(crate) mod decode;
pub(crate) mod dialect;
pub(crate) mod fault;
pub(crate) mod grammar;
#[cfg(feature = "json")]
pub(crate) mod json;
pub(crate) mod lines;
