//! The parts that the examples share: made-up orders, the statistics of `profile`, the pipeline of `convert`, a
//! client of a flaky server, a job to observe, a library that depends on no executor, a progress bar, and the
//! exit code of a program.
//!
//! The programs are beside this folder; `csv.rs` is the one to read first. Programs with large dependencies are
//! packages of their own: `servers` (axum) and `etl` (SQLite).

#![forbid(unsafe_code)]

#[cfg(all(feature = "csv", feature = "json", feature = "compression"))]
pub mod convert;
mod exit;
pub mod generic_library;
pub mod observed;
pub mod orders;
#[cfg(feature = "csv")]
pub mod profile;
mod progress;
pub mod resilience;

pub use exit::exit;
pub use progress::progress_bar;
