//! Faults to survive: each is injected, its invariants are asserted, and its figures are reported.
//!
//! The suite tests whether a promise holds; these rows test it at scale. `cargo run --release -p conformance
//! --example report --no-default-features --features tokio,smol,sim` runs all of them at full size, each in a
//! process of its own, and prints a table. The tests run them at about a hundredth of it. A row takes a
//! [`Flavour`] and is not generic, so that it is compiled once, and not again for each flavour.

mod cycles;
mod endings;
mod faults;
mod flow;
mod graphs;
mod huge_rows;
mod load;
mod meeting;
mod races;
mod resilience;
mod shutdown;
mod snapshots;
mod sweeps;
mod system;
mod timers;

pub(crate) use load::spawn_and_join;

use crate::{Failure, Flavour};

/// The size of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// The size that the row states.
    Full,
    /// About a hundredth of it.
    Test,
}

impl Scale {
    fn of(self, full: usize) -> usize {
        match self {
            Self::Full => full,
            Self::Test => (full / 100).max(1),
        }
    }
}

/// A function that injects a fault on a flavour. It returns the figures, or the invariant that did not hold.
pub type Run = fn(&Flavour, Scale) -> Result<String, Failure>;

/// One fault.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The row's number, which stays the same when other rows are added or removed.
    pub number: u32,
    /// The fault that is injected.
    pub inject: &'static str,
    /// True if it needs more than one thread.
    pub needs_threads: bool,
    /// True if it measures the process, and so needs one of its own.
    pub measures_process: bool,
    /// Injects the fault.
    pub run: Run,
}

const fn row(number: u32, inject: &'static str, run: Run) -> Row {
    Row { number, inject, needs_threads: false, measures_process: false, run }
}

/// All faults.
pub const ROWS: &[Row] = &[
    row(1, "spawn and join 1 M tasks", load::many_tasks),
    Row { measures_process: true, ..row(2, "100 k sleeping tasks", load::many_sleepers) },
    row(3, "drop the future at its k-th poll, for every k", sweeps::every_poll),
    row(4, "cancel before the first poll, running, done, at each level", sweeps::every_moment),
    row(5, "cancel racing completion, 1 M times", races::cancel_and_completion),
    row(6, "timeout within 1 ms of completion, 20 k times", races::timeout_and_completion),
    row(7, "cancel a tree of 111 k tasks", load::a_tree),
    row(8, "panic in work, receiver, destructor, callback, waker", faults::panics),
    row(9, "handle dropped, handle or work outlives its runtime", faults::orphans),
    row(10, "wake and spawn from 1 k destructors at the end", faults::destructors),
    Row { needs_threads: true, ..row(11, "600 blocking jobs outlive a shutdown", shutdown::saturated) },
    row(12, "endless critical work before a background task", resilience::starvation),
    row(13, "10 k timers; limits of zero and of the longest duration", timers::many),
    row(14, "retries of work that fails n times; cancelled while they wait", resilience::retries),
    row(15, "1 k callers at a half-open breaker; cancel inside the probe", resilience::probes),
    row(
        16,
        "circles, a chain of 100 k, a fan of 10 k, a failure at each of 1 k tasks",
        graphs::at_their_worst,
    ),
    row(17, "a receiver a thousand times slower than the sender", flow::slow_receiver),
    row(18, "all receivers gone with the sender blocked, the collector dropped", flow::receivers_dropped),
    row(23, "features and faults that meet", meeting::features_meet),
    row(19, "statistics read while tasks come and go", snapshots::under_load),
    row(
        24,
        "a caller that waits for a permit of a limiter or breaker ends at every moment, in every way",
        endings::permits,
    ),
    row(25, "two requests to end, at every moment of a shutdown", endings::reports),
    Row {
        measures_process: true,
        ..row(22, "a field, and a quote that stays open, of 1 GiB", huge_rows::in_memory)
    },
    Row { measures_process: true, ..row(20, "1 k start and stop cycles", cycles::start_and_stop) },
];
