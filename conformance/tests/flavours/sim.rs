//! The simulation, whose cases are run with many seeds.

use std::future::Future;
use std::time::Duration;

use conformance::{CASE_THREAD, Failure, Harness};
use sweet_async::AsyncTaskError;
use sweet_async::sim::{SimHandle, SimRuntime};

/// One thread, a virtual clock, and every choice drawn from a seed. A case that hangs gets a deadlock as its
/// error.
pub(crate) struct Sim(SimRuntime);

impl Harness for Sim {
    type Runtime = SimHandle;
    const NAME: &'static str = "sim";
    const POLLS_ON_CALLER: bool = true;
    const HAS_THREADS: bool = false;
    const VIRTUAL_TIME: bool = true;
    /// At most as many: a case begins no further seed after its patience.
    const SEEDS: u64 = 100;
    const PATIENCE: Duration = Duration::from_millis(100);
    /// For all seeds together, so that a busy machine is no failure.
    const LIMIT: Duration = Duration::from_secs(15 * 60);

    fn start() -> Result<Self, Failure> {
        Self::start_with(0)
    }

    fn start_with(seed: u64) -> Result<Self, Failure> {
        Ok(Self(SimRuntime::new(seed)))
    }

    fn runtime(&self) -> SimHandle {
        self.0.runtime().clone()
    }

    fn block_on<F: Future>(&self, future: F) -> Result<F::Output, AsyncTaskError> {
        self.0.block_on(future)
    }

    fn is_inside() -> bool {
        std::thread::current().name() == Some(CASE_THREAD)
    }
}
