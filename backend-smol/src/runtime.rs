//! The handle to a smol executor.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Weak};
use std::thread::available_parallelism;
use std::time::Instant;

use async_executor::Executor;
use sweet_async_core::runtime::BlockOnGuard;
use sweet_async_core::{AsyncTaskError, BlockOn, Runtime, SpawnError};

use crate::{SmolJoin, SmolSleep};

/// A handle to a smol executor. It does not keep the executor alive.
#[derive(Clone)]
pub struct SmolRuntime(Kind);

#[derive(Clone)]
enum Kind {
    Global,
    /// Weak: a task holds its runtime, and an executor holds its tasks.
    Executor {
        executor: Weak<Executor<'static>>,
        workers: usize,
    },
}

impl SmolRuntime {
    /// smol's global executor, which runs on `SMOL_THREADS` threads, by default one.
    pub fn global() -> Self {
        Self(Kind::Global)
    }

    /// An executor of yours. Somebody must run it: on an executor that nobody runs, tasks wait for ever. `workers` is
    /// the number of threads that do, which pipelines take as their default concurrency.
    pub fn from_executor(executor: &Arc<Executor<'static>>, workers: usize) -> Self {
        Self(Kind::Executor { executor: Arc::downgrade(executor), workers: workers.max(1) })
    }
}

impl Runtime for SmolRuntime {
    type Sleep = SmolSleep;
    type Join<T: Send + 'static> = SmolJoin<T>;

    fn spawn<F>(&self, future: F) -> Result<SmolJoin<F::Output>, SpawnError>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        match &self.0 {
            Kind::Global => Ok(SmolJoin::new(smol::spawn(future))),
            Kind::Executor { executor, .. } => {
                let executor = executor.upgrade().ok_or(SpawnError::Shutdown)?;
                Ok(SmolJoin::new(executor.spawn(future)))
            }
        }
    }

    fn spawn_blocking<F, T>(&self, work: F) -> Result<SmolJoin<T>, SpawnError>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        Ok(SmolJoin::new(smol::unblock(work)))
    }

    fn sleep_until(&self, deadline: Instant) -> SmolSleep {
        SmolSleep::until(deadline)
    }

    fn entropy(&self) -> u64 {
        fastrand::u64(..)
    }

    fn name(&self) -> &'static str {
        "smol"
    }

    fn worker_count(&self) -> usize {
        match &self.0 {
            Kind::Global => {
                std::env::var("SMOL_THREADS").ok().and_then(|n| n.parse().ok()).unwrap_or(1).max(1)
            }
            Kind::Executor { workers, .. } => *workers,
        }
    }

    fn now(&self) -> Instant {
        Instant::now()
    }
}

impl BlockOn for SmolRuntime {
    /// Runs `future` on this thread. It does not run the executor's tasks here: its own threads do.
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output, AsyncTaskError> {
        let _inside = BlockOnGuard::new(self)?;
        Ok(smol::block_on(future))
    }
}

impl fmt::Debug for SmolRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.0 {
            Kind::Global => "global",
            Kind::Executor { .. } => "executor",
        };
        f.debug_tuple("SmolRuntime").field(&kind).finish()
    }
}

pub(crate) fn cores() -> usize {
    available_parallelism().map_or(1, usize::from)
}
