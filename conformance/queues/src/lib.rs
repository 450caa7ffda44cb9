//! The promises of a [`Queue`](sweet_async_pipeline::Queue) as test cases, for the engines of this library and for those
//! of third parties. `conformance` re-exports this crate.
//!
//! An engine implements [`QueueHarness`] and calls [`queue_suite!`] once, in a file under `tests/` with
//! `harness = false` in `Cargo.toml`. Each case becomes a test of its own, named `name::topic::case`. The guide to writing
//! an engine is in `conformance`.
//!
//! - [`QueueHarness`]: the description that an engine gives of itself
//! - [`queue_suite!`]: the macro that makes a `main`
//! - [`queue_kills!`], [`kills`]: processes that share a queue, and are killed
//! - [`LeasedQueue`]: an engine in memory with leases, as an example and for tests of consumers
//! - [`Backend`]: a runtime for the cases, with those of this library by the features `tokio`, `smol` and `sim`
//! - `erased`: a queue as a value, so that the cases are compiled once for all engines
//! - `bench`: the handles and helpers that a case is given
//! - `clock`: a runtime whose clock is wrong
//! - `list`: all cases; `cases`: the cases, a file for each topic
//! - `run`: a thread and a time limit for each case

#![forbid(unsafe_code)]

mod backend;
mod bench;
mod cases;
mod clock;
mod erased;
mod harness;
pub mod kills;
mod list;
mod run;

pub use backend::Backend;
#[cfg(feature = "sim")]
pub use backend::Sim;
#[cfg(feature = "smol")]
pub use backend::Smol;
#[cfg(feature = "tokio")]
pub use backend::Tokio;
pub use conformance_leased::{LeasedQueue, LeasedReceipt};
pub use harness::{Failure, Outcome, QueueHarness};
pub use list::CASES;
pub use run::{QueueTrials, queue_case, queue_trials, run_queue_trials};

/// Makes a `main` that runs each case on each engine, as a test named `name::topic::case`. A [`QueueHarness`]
/// describes an engine on a runtime.
///
/// `queue_suite! { mine_on_tokio: MineOnTokio, mine_on_smol: MineOnSmol }`
#[macro_export]
macro_rules! queue_suite {
    ($($name:ident: $harness:ty),+ $(,)?) => {
        fn main() -> ::std::process::ExitCode {
            $crate::run_queue_trials(::std::vec![$($crate::queue_trials::<$harness>(::std::stringify!($name))),+])
        }
    };
}
