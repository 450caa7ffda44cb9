//! The parts that the examples share: the backends that are compiled in, made-up orders, the statistics of `profile`,
//! the pipeline of `convert`, a client of a flaky server, a job to observe, a library that depends on no executor, a
//! progress bar, and the exit code of a program.
//!
//! The programs are beside this folder; `quickstart.rs` is the one to read first, and `README.md` lists all of them.
//! Programs with large dependencies are packages of their own: `servers` (axum), `etl` and `distributed_csv` (SQLite).

#![forbid(unsafe_code)]

mod backends;
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

pub use backends::{on_each_backend, run_on};
pub use exit::exit;
pub use progress::progress_bar;
