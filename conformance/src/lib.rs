//! The promises of Sweet Async as test cases, generic over the runtime.
//!
//! A backend implements [`Harness`] and calls [`suite!`] once; each case becomes a test of its own, named
//! `flavour::topic::case`. Cases drive the public API only, and never sleep to win a race: an event that must
//! have happened is signalled, and an event that must not happen is made impossible to miss.
//!
//! ```no_run
//! # mod hidden {
//! use conformance::{Failure, Harness};
//! use sweet_async::{AsyncTaskError, BlockOn as _, DynRuntime};
//!
//! struct Mine(DynRuntime);
//!
//! impl Harness for Mine {
//!     type Runtime = DynRuntime;
//!     const NAME: &'static str = "mine";
//!
//!     fn start() -> Result<Self, Failure> {
//!         unimplemented!("build the runtime")
//!     }
//!     fn runtime(&self) -> DynRuntime {
//!         self.0.clone()
//!     }
//!     fn block_on<F: Future>(&self, future: F) -> Result<F::Output, AsyncTaskError> {
//!         sweet_async::AmbientRuntime::from(self.0.clone()).block_on(future)
//!     }
//!     fn is_inside() -> bool {
//!         std::thread::current().name().is_some_and(|name| name.starts_with("mine"))
//!     }
//! }
//!
//! conformance::suite! { mine: Mine }
//! # }
//! ```
//!
//! - [`harness`](crate::Harness): the description that a backend gives of itself
//! - `flavour`: a flavour as a value, on [`DynRuntime`](sweet_async::DynRuntime), so that most cases are
//!   compiled once
//! - `list`, `table`: the one list of all cases, and the tables of functions that are made of it
//! - `run`: a thread and a time limit for each case
//! - `suite`, `trials`: the macro that makes a `main`, and the tests that it runs
//! - `kit`: latches, counts and rows that cases are made of
//! - `cases`: the cases, a folder for each subject and a file for each topic; the file's first line names the
//!   promise that it proves
//! - [`guide`]: a guide to writing a backend
//! - [`reliability`]: faults to survive, with their figures

#![forbid(unsafe_code)]

#[doc(hidden)]
pub mod cases;
#[doc = include_str!("../WRITING_A_BACKEND.md")]
pub mod guide {}
mod flavour;
mod harness;
mod kit;
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
