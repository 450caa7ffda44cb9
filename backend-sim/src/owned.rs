//! An owned simulation.

use std::future::Future;
use std::num::NonZeroUsize;
use std::time::Duration;

use sweet_async_core::runtime::{OwnedRuntime, RuntimeBuilder, RuntimeSettings};
use sweet_async_core::{AsyncTaskError, BlockOn as _, Runtime as _, RuntimeError};

use crate::SimHandle;
use crate::executor::Executor;
use sweet_async_core::RuntimeExt as _;

/// The number of workers that a simulation reports by default: the fewest that can interfere with each other.
const WORKERS: usize = 2;

/// A simulation that lives as long as this value. Dropping it drops its tasks, and runs their destructors.
#[derive(Debug)]
pub struct SimRuntime(SimHandle);

impl SimRuntime {
    /// A simulation whose choices all follow from `seed`.
    pub fn new(seed: u64) -> Self {
        Self::with_workers(seed, WORKERS)
    }

    /// As [`new`](Self::new), with `workers` as the number of workers that it reports, instead of two; at
    /// least one. Pipelines take this number as their default concurrency. There is one thread all the same.
    pub fn with_workers(seed: u64, workers: usize) -> Self {
        Self(SimHandle::new(Executor::new(seed, workers.max(1))))
    }

    /// Settings for a simulation with seed 0, for code that builds any [`OwnedRuntime`]. Its worker threads
    /// are the number of workers that it reports. A stack size has no effect.
    pub fn builder() -> RuntimeBuilder<Self> {
        RuntimeBuilder::new()
    }

    /// The handle to it, for `.on(&runtime)`.
    pub fn runtime(&self) -> &SimHandle {
        &self.0
    }

    /// Runs `future` on this thread, and with it all tasks and blocking work, until it is ready. Tasks that
    /// are left then stand still until the next `block_on`.
    ///
    /// # Errors
    ///
    /// A [`Deadlock`](crate::Deadlock), wrapped, if `future` waits and nothing can run any more;
    /// [`AsyncTaskError::InvalidState`] inside a task or another `block_on` (in a task's blocking work it is
    /// allowed), or while another thread is inside this simulation's `block_on`; [`AsyncTaskError::Shutdown`]
    /// if the simulation has ended, or ends before `future` does.
    pub fn block_on<F: Future>(&self, future: F) -> Result<F::Output, AsyncTaskError> {
        self.0.block_on(future)
    }

    /// Ends the simulation. It takes no new work, and tasks have `limit` of virtual time to end by themselves
    /// before they are killed; see [`RuntimeExt::shutdown`](sweet_async_core::RuntimeExt::shutdown).
    ///
    /// # Errors
    ///
    /// As [`OwnedRuntime::shutdown`].
    pub fn shutdown(self, limit: Duration) -> Result<(), RuntimeError> {
        let runtime = self.0.clone();
        match self.block_on(async move { runtime.shutdown(limit).await }) {
            Ok(ended) => ended,
            Err(AsyncTaskError::InvalidState(_)) => Err(RuntimeError::InsideTask),
            // A limit that cannot be counted never comes, and tasks that are left would wait forever: they
            // are dropped with the simulation.
            Err(_) => {
                let root = self.0.root();
                let (tasks, blocking) = (root.active_tasks(), root.active_blocking_jobs());
                Err(RuntimeError::TasksLeft { limit, tasks, blocking, named: root.live_tasks() })
            }
        }
    }

    /// The seed, from which the simulation's choices follow.
    pub fn seed(&self) -> u64 {
        self.0.seed()
    }

    /// The virtual time since the start.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    /// As [`SimHandle::fingerprint`].
    pub fn fingerprint(&self) -> u64 {
        self.0.fingerprint()
    }
}

impl OwnedRuntime for SimRuntime {
    type Handle = SimHandle;
    const NAME: &'static str = "sim";

    fn with_settings(settings: &RuntimeSettings) -> Result<Self, RuntimeError> {
        // Not the number of cores: a run must be the same on every machine.
        Ok(Self::with_workers(0, settings.worker_threads.map_or(WORKERS, NonZeroUsize::get)))
    }

    fn runtime(&self) -> &SimHandle {
        self.runtime()
    }

    fn block_on<F: Future>(&self, future: F) -> Result<F::Output, AsyncTaskError> {
        self.block_on(future)
    }

    fn shutdown(self, limit: Duration) -> Result<(), RuntimeError> {
        self.shutdown(limit)
    }
}

impl Drop for SimRuntime {
    fn drop(&mut self) {
        self.0.end();
    }
}
