//! The handle of a simulation.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sweet_async_core::runtime::{BlockOnGuard, RootScope};
use sweet_async_core::{AsyncTaskError, BlockOn, Runtime, SpawnError, TaskId};

use crate::drive::drive;
use crate::executor::Executor;
use crate::join::spawn;
use crate::{SimJoin, SimSleep};

/// A handle of a simulation. It does not keep the simulation going, which ends with its
/// [`SimRuntime`](crate::SimRuntime).
#[derive(Clone)]
pub struct SimHandle(Arc<Executor>);

impl SimHandle {
    pub(crate) fn new(executor: Executor) -> Self {
        Self(Arc::new(executor))
    }

    pub(crate) fn end(&self) {
        self.0.end();
    }

    /// The seed, from which the simulation's choices follow.
    pub fn seed(&self) -> u64 {
        self.0.seed
    }

    /// The virtual time since the start.
    pub fn elapsed(&self) -> Duration {
        self.0.clock.elapsed()
    }

    /// A hash of every step so far: of the task that ran, and the virtual time. Two runs of a program with
    /// the same seed have the same fingerprint; where they do not, something other than the seed has
    /// influenced them.
    pub fn fingerprint(&self) -> u64 {
        self.0.fingerprint()
    }
}

/// The time of day at the start of each simulation, since 1970: the first moment of 2020, by UTC.
const START: Duration = Duration::from_secs(1_577_836_800);

impl Runtime for SimHandle {
    type Sleep = SimSleep;
    type Join<T: Send + 'static> = SimJoin<T>;

    fn spawn<F>(&self, future: F) -> Result<SimJoin<F::Output>, SpawnError>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        spawn(&self.0, future)
    }

    /// Runs `work` in one go, on the thread that is inside `block_on`, when it is drawn.
    fn spawn_blocking<F, T>(&self, work: F) -> Result<SimJoin<T>, SpawnError>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        spawn(&self.0, async move { work() })
    }

    fn root(&self) -> &RootScope {
        &self.0.root
    }

    fn now(&self) -> Instant {
        self.0.clock.now()
    }

    fn sleep_until(&self, deadline: Instant) -> SimSleep {
        SimSleep::until(self.0.clone(), self.0.clock.moment_of(deadline))
    }

    /// The simulation begins with the year 2020, and advances by its clock.
    fn unix_time(&self) -> Duration {
        START.saturating_add(self.0.clock.elapsed())
    }

    fn entropy(&self) -> u64 {
        self.0.entropy.next()
    }

    fn name(&self) -> &'static str {
        "sim"
    }

    /// The number that pipelines take as their default concurrency. There is one thread.
    fn worker_count(&self) -> usize {
        self.0.workers
    }

    fn next_task_id(&self) -> TaskId {
        self.0.next_id()
    }
}

impl BlockOn for SimHandle {
    /// As [`SimRuntime::block_on`](crate::SimRuntime::block_on).
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output, AsyncTaskError> {
        let _inside = BlockOnGuard::new(self)?;
        drive(&self.0, future)
    }
}

impl fmt::Debug for SimHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimHandle")
            .field("seed", &self.seed())
            .field("elapsed", &self.elapsed())
            .field("root", &self.0.root)
            .finish_non_exhaustive()
    }
}
