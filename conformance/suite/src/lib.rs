//! The promises of Sweet Async as test cases. `conformance` re-exports this crate, and its documentation says how a
//! backend runs them. They are on the crates below the facade, so that they are compiled once for all sets of
//! backends.
//!
//! - [`harness`](crate::Harness): the description that a backend gives of itself
//! - `flavour`: a flavour as a value, on [`DynRuntime`](sweet_async_core::DynRuntime), so that most cases are
//!   compiled once
//! - `list`, `table`: the one list of all cases, and the tables of functions that are made of it
//! - `run`: a thread and a time limit for each case
//! - `suite`, `trials`: the macro that makes a `main`, and the tests that it runs
//! - `library`: the names of the library
//! - `kit`: latches, counts and rows that cases are made of
//! - `cases`: the cases, a folder for each subject and a file for each topic; the file's first line names the
//!   promise that it proves
//! - [`reliability`]: faults to survive, with their figures

#![forbid(unsafe_code)]

#[doc(hidden)]
pub mod cases;
mod flavour;
mod harness;
mod kit;
mod library;
mod list;
pub mod reliability;
#[doc(hidden)]
pub mod run;
mod suite;
#[cfg(feature = "cases")]
mod table;
#[cfg(feature = "cases")]
#[doc(hidden)]
pub mod trials;

pub use flavour::{Flavour, Started};
pub use harness::{CASE_THREAD, Facts, Failure, Harness, Outcome};
pub use list::{CASES, MARKED};
