//! What the examples share: made-up orders, the statistics behind `profile`, and how a program ends.
//!
//! The programs themselves stand beside this folder: `csv.rs` is the one to read first.

mod exit;
pub mod orders;
#[cfg(feature = "csv")]
pub mod profile;

pub use exit::exit;
