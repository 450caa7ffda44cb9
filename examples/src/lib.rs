//! The parts that the examples share: made-up orders, the statistics of `profile`, a client of a flaky
//! server, a job to observe, a library that depends on no executor, and the exit code of a program.
//!
//! The programs are beside this folder; `csv.rs` is the one to read first. Those with large dependencies are
//! packages of their own: `servers` (axum) and `etl` (SQLite).

#![forbid(unsafe_code)]

mod exit;
pub mod generic_library;
pub mod observed;
pub mod orders;
#[cfg(feature = "csv")]
pub mod profile;
pub mod resilience;

pub use exit::exit;
