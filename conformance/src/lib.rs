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
//! The cases are in the crate `conformance-suite`, which is all of this crate but its documentation. The tests
//! beside this file run them on this library's backends, together with tests of the facade's ambient runtime.
//!
//! - [`Harness`]: the description that a backend gives of itself
//! - [`suite!`]: the macro that makes a `main`
//! - [`guide`]: a guide to writing a backend
//! - [`queues`]: the suite for engines of queues, with [`queue_suite!`]; [`engines`]: a guide to writing one
//! - [`reliability`]: faults to survive, with their figures

#![forbid(unsafe_code)]

pub use conformance_queues as queues;
pub use conformance_queues::queue_suite;
pub use conformance_suite::*;

#[doc = include_str!("../WRITING_A_BACKEND.md")]
pub mod guide {}

#[doc = include_str!("../WRITING_AN_ENGINE.md")]
pub mod engines {}
