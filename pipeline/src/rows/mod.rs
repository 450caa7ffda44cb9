//! Rows: bytes become chunks of whole records, and chunks become typed rows.
//!
//! ```text
//! blocks of bytes --Cutter--> RawChunk, RawChunk, .. --Decoder--> Decoded<T>, ..
//!                 one sender                         many workers
//! ```
//!
//! The cutter only finds where records end, so one sender feeds many workers; the workers do the
//! dear part. Everything here is pure: values in, values out, no executor, no file, no clock.

mod chunk;
#[cfg(feature = "csv")]
mod csv;
mod cutter;
mod decode;
mod dialect;
mod fault;
mod gather;
#[cfg(feature = "json")]
mod json;
mod lines;
mod marks;
mod refuse;
mod scan;

pub use chunk::ChunkSize;
pub(crate) use chunk::RawChunk;
#[cfg(feature = "csv")]
pub use csv::{Column, FieldError, FromRow, Row};
#[cfg(feature = "csv")]
pub(crate) use csv::{CsvDecoder, Layout};
pub(crate) use cutter::{Cut, Cutter};
pub(crate) use decode::{Decoded, Decoder, Decoders, Fault};
pub(crate) use dialect::{Checks, CsvDialect, Dialect};
pub(crate) use fault::{BadRow, BadRowReason, Unreadable};
#[cfg(feature = "json")]
pub(crate) use json::JsonDecoder;
pub(crate) use lines::LinesDecoder;
