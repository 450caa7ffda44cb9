//! The handle to a smol executor.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Instant;

use async_executor::Executor;
use sweet_async_core::runtime::{BlockOnGuard, RootScope};
use sweet_async_core::{AsyncTaskError, BlockOn, CurrentRuntime, Runtime, SpawnError};

use crate::{SmolJoin, SmolSleep};

/// A handle to a smol executor. It does not keep the executor alive.
#[derive(Clone)]
pub struct SmolRuntime {
    shared: Arc<Shared>,
    workers: usize,
}

/// The state that all handles of one executor share.
struct Shared {
    /// `None` for the global executor. Weak: a task holds its runtime, and an executor holds its tasks.
    executor: Option<Weak<Executor<'static>>>,
    root: RootScope,
}

static GLOBAL: OnceLock<SmolRuntime> = OnceLock::new();

/// The executors to which there is a handle, so that each has one root scope. A lock and a list: they are
/// used when a handle is made.
static KNOWN: Mutex<Vec<Weak<Shared>>> = Mutex::new(Vec::new());

impl SmolRuntime {
    /// smol's global executor, which runs on `SMOL_THREADS` threads, by default one.
    pub fn global() -> Self {
        let new = || {
            let threads = std::env::var("SMOL_THREADS").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
            let shared = Arc::new(Shared { executor: None, root: RootScope::new() });
            Self { shared, workers: threads.max(1) }
        };
        GLOBAL.get_or_init(new).clone()
    }

    /// The runtime of the task that this code is inside, else the one entered on this thread, else the global
    /// executor: the one that [`CurrentSmol`](crate::CurrentSmol) finds.
    pub fn current() -> Self {
        let own = |current: Option<CurrentRuntime>| current.and_then(|current| current.downcast());
        let found = own(CurrentRuntime::of_task()).or_else(|| own(CurrentRuntime::entered()));
        found.unwrap_or_else(Self::global)
    }

    /// An executor of the user's, which the user must run: on an executor that is not run, tasks wait
    /// forever. `workers` is the number of threads that run it, at least one, which pipelines take as their
    /// default concurrency.
    pub fn from_executor(executor: &Arc<Executor<'static>>, workers: usize) -> Self {
        let executor = Arc::downgrade(executor);
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|known| known.strong_count() > 0);
        let is_same = |shared: &Arc<Shared>| shared.executor.as_ref().is_some_and(|e| e.ptr_eq(&executor));
        let found = known.iter().filter_map(Weak::upgrade).find(is_same);
        let shared = found.unwrap_or_else(|| {
            let new = Arc::new(Shared { executor: Some(executor), root: RootScope::new() });
            known.push(Arc::downgrade(&new));
            new
        });
        Self { shared, workers: workers.max(1) }
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
        match &self.shared.executor {
            None => Ok(SmolJoin::new(smol::spawn(future))),
            Some(executor) => {
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
        self.workers
    }

    fn root(&self) -> &RootScope {
        &self.shared.root
    }

    fn is_running(&self) -> bool {
        let executor_lives = |executor: &Weak<Executor<'static>>| executor.strong_count() > 0;
        !self.shared.root.is_closing() && self.shared.executor.as_ref().is_none_or(executor_lives)
    }
}

impl BlockOn for SmolRuntime {
    /// Runs `future` on this thread. The executor's tasks do not run here: its own threads run them.
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output, AsyncTaskError> {
        let _inside = BlockOnGuard::new(self)?;
        Ok(smol::block_on(future))
    }
}

impl fmt::Debug for SmolRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let global = self.shared.executor.is_none();
        f.debug_struct("SmolRuntime")
            .field("global", &global)
            .field("workers", &self.workers)
            .field("root", &self.shared.root)
            .finish()
    }
}
