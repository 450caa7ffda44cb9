//! The description that an engine gives of itself, so that the suite can run on it.

use std::future::Future;
use std::time::Duration;

use sweet_async_core::{AsyncTaskError, DynRuntime};
use sweet_async_pipeline::Queue;

/// The reason for the failure of a case.
pub type Failure = anyhow::Error;

/// The result of a case.
pub type Outcome = Result<(), Failure>;

/// An engine on a runtime. Each case starts one for itself, and drops it at its end.
pub trait QueueHarness: Sized + 'static {
    /// The engine.
    type Queue: Queue;

    /// True if a claim waits while there is no message, and needs no other thread to find one: so one poll says whether
    /// there is a message. False if a claim answers [`Claims::Empty`](sweet_async_pipeline::Claims::Empty).
    const CLAIM_WAITS: bool = false;

    /// True if the runtime's clock jumps to the next timer when nothing else can run, and the engine measures time by
    /// it.
    const VIRTUAL_TIME: bool = false;

    /// A lease, or a delay, that cases wait for. An engine that measures time coarsely sets a longer one.
    const SHORT: Duration = Duration::from_millis(250);

    /// The number of seeds that each case is run with: more than one where [`start`](Self::start) makes use of it.
    const SEEDS: u64 = 1;

    /// The time limit of a case, far beyond what any case takes on a busy machine: only a hang reaches it.
    const LIMIT: Duration = Duration::from_secs(120);

    /// Returns the reason for which the engine is not here: a server that is not running. Its cases are ignored then.
    fn unavailable() -> Option<String> {
        None
    }

    /// Builds the runtime, and what the engine needs beside it. In a simulation, the seed decides everything that is left
    /// to chance.
    ///
    /// # Errors
    ///
    /// They could not be built.
    fn start(seed: u64) -> Result<Self, Failure>;

    /// Returns the runtime that the engine is used on.
    fn runtime(&self) -> DynRuntime;

    /// Drives `future` on this thread to its end, with the runtime entered.
    ///
    /// # Errors
    ///
    /// As for [`BlockOn::block_on`](sweet_async_core::BlockOn::block_on).
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output, AsyncTaskError>;

    /// Opens the queue of this name, which is empty when it is first opened: no other case uses it. Later calls with
    /// the name give further handles, as another process would have them: with connections of their own, where there
    /// are connections.
    fn open(&self, name: &str) -> impl Future<Output = Result<Self::Queue, Failure>>;

    /// Removes whatever the case has left in the engine. Called inside [`block_on`](Self::block_on), whatever the case
    /// has ended with.
    fn clean(&self) -> impl Future<Output = Outcome> {
        std::future::ready(Ok(()))
    }
}
