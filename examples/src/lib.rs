//! What the examples share: made-up orders, the statistics behind `profile`, the servers behind `embed_in_tokio` and
//! `embed_in_smol`, a client of a flaky server, a job to look at, weather on its way into a database, a library that knows
//! no executor, and how a program ends.
//!
//! The programs themselves stand beside this folder: `csv.rs` is the one to read first.

#![forbid(unsafe_code)]

#[cfg(feature = "smol")]
pub mod embed_in_smol;
#[cfg(feature = "tokio")]
pub mod embed_in_tokio;
#[cfg(feature = "csv")]
pub mod etl;
mod exit;
pub mod generic_library;
pub mod jobs;
pub mod observed;
pub mod orders;
#[cfg(feature = "csv")]
pub mod profile;
pub mod resilience;

pub use exit::exit;
