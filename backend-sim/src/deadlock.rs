//! The error of a simulation in which nothing can happen any more.

use std::fmt;
use std::time::Duration;

use sweet_async_core::task::TaskInfo;

use crate::executor::Executor;

/// A deadlock: the future given to `block_on` waits, nothing can run, and no timer is set, so that it would
/// wait forever.
///
/// It is returned as an [`AsyncTaskError::Failure`](sweet_async_core::AsyncTaskError::Failure), from which
/// [`downcast_ref`](sweet_async_core::AsyncTaskError::downcast_ref) gives it back.
#[derive(Clone, Debug, thiserror::Error)]
pub struct Deadlock {
    seed: u64,
    elapsed: Duration,
    tasks: Vec<TaskInfo>,
}

impl Deadlock {
    pub(crate) fn of(executor: &Executor) -> Self {
        let mut tasks = executor.root.live_tasks();
        tasks.sort_by_key(|task| task.id);
        Self { seed: executor.seed, elapsed: executor.clock.elapsed(), tasks }
    }

    /// The seed of the simulation. A run with the same seed ends in the same way.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The virtual time of the deadlock.
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// The tasks that wait, in the order in which they were spawned.
    pub fn tasks(&self) -> &[TaskInfo] {
        &self.tasks
    }
}

impl fmt::Display for Deadlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "deadlock in the simulation with seed {} after {:?}: nothing can run, no timer is set, and {} task(s) wait",
            self.seed,
            self.elapsed,
            self.tasks.len()
        )?;
        self.tasks.iter().try_for_each(|task| write!(f, "\n  {task}"))
    }
}
