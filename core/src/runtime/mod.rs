//! The seam: what an executor must supply, and nothing more.
//!
//! A backend implements [`Runtime`] with a few primitives; the handle, cancellation, timeouts, panics, ids and the
//! order in which the ambient runtime is looked for are core's, so that they are the same everywhere.

pub(crate) mod erased;
pub(crate) mod local;
pub(crate) mod nowhere;

use std::any::Any;
use std::future::Future;
use std::time::{Duration, Instant};

pub use crate::program::ext::RuntimeExt;
pub use crate::program::owned::{OwnedRuntime, RuntimeBuilder, RuntimeSettings};
pub use crate::program::termination::{Ended, Signal, Termination};
pub use crate::runtime::erased::{DynJoin, DynRuntime, DynSleep};
pub(crate) use crate::runtime::local::LocalScope;
pub use crate::runtime::local::{LocalExecutor, LocalFuture, LocalRuntime};
pub(crate) use crate::runtime::nowhere::Nowhere;
pub use crate::tree::current::{BlockOnGuard, CurrentRuntime, EnterGuard, may_block};
pub use crate::tree::root::RootScope;
pub use crate::tree::statistics::TaskStatistics;
pub use crate::tree::totals::{BlockingStatistics, RuntimeMetrics, Watch};

use crate::error::{AsyncTaskError, SpawnError};
use crate::vocabulary::id::TaskId;

/// An executor, as the library sees it.
///
/// A value is a cheap handle: it is cloned into every task, so a clone should cost no more than a reference count,
/// and it must not keep the executor alive by itself (a task that holds its own executor would never be dropped).
///
/// # Contract
///
/// - A future given to [`spawn`](Self::spawn) is polled until it is ready, or dropped when the executor ends; both
///   before its [`Join`] answers. It never panics: core catches panics before they reach the executor.
/// - A closure given to [`spawn_blocking`](Self::spawn_blocking) runs on a thread that may block.
/// - Nothing here panics; what cannot be done is an error.
pub trait Runtime: Clone + Send + Sync + 'static {
    /// A timer; ready at its deadline, never before.
    type Sleep: Future<Output = ()> + Send + 'static;

    /// The executor's own join handle.
    type Join<T: Send + 'static>: Join<T>;

    /// Starts `future` on the executor: a primitive for core. What is given to it directly is no task: the root scope
    /// does not count it, and a shutdown neither waits for it nor kills it.
    ///
    /// # Errors
    ///
    /// [`SpawnError`] if the executor cannot take it; the future is dropped. An executor that notices only later
    /// answers `None` from the join handle instead.
    fn spawn<F>(&self, future: F) -> Result<Self::Join<F::Output>, SpawnError>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static;

    /// Runs `work` on a thread that may block.
    ///
    /// # Errors
    ///
    /// [`SpawnError`] if no thread can be had; the work is dropped without running.
    fn spawn_blocking<F, T>(&self, work: F) -> Result<Self::Join<T>, SpawnError>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static;

    /// The scope that all tasks of this executor belong to: one for each executor, whatever handle asks.
    fn root(&self) -> &RootScope;

    /// The runtime's clock. Real time unless the backend says otherwise.
    fn now(&self) -> Instant {
        Instant::now()
    }

    /// A timer for `deadline`. A deadline in the past is ready at once; one beyond what the timer can count never is.
    /// Ready before its deadline says that the executor is gone, and its timers with it.
    fn sleep_until(&self, deadline: Instant) -> Self::Sleep;

    /// The time of day: how long ago 1970 began, by UTC. For what is to mean something outside of the process; all else is timed
    /// by [`now`](Self::now). That of the system unless the backend says otherwise; a simulation must be able to replay it.
    fn unix_time(&self) -> Duration {
        // A system that is set to before 1970 has no such time.
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default()
    }

    /// 64 random bits, for jitter: a simulation must be able to replay them.
    fn entropy(&self) -> u64;

    /// The backend's name, in lower case.
    fn name(&self) -> &'static str;

    /// How many threads poll tasks; at least 1.
    fn worker_count(&self) -> usize;

    /// The runtime itself, for those who know its type; one that wraps another gives the one inside, so that work on
    /// the wrapper and work on the wrapped are seen to be on the same runtime.
    fn as_any(&self) -> &dyn Any {
        self
    }

    /// The id of the next task, a number: of a process-wide counter unless the backend keeps its own.
    fn next_task_id(&self) -> TaskId {
        TaskId::next()
    }

    /// True until a shutdown has begun or the executor is gone, as far as the backend can know. For seldom use: a backend
    /// may have to ask its executor.
    fn is_running(&self) -> bool {
        !self.root().is_closing()
    }

    /// How many tasks are on this executor: spawned, detached or not, and not ended. A task whose handle or cancellation
    /// has been awaited is not counted any more.
    fn active_task_count(&self) -> usize {
        self.root().active_tasks()
    }

    /// How many tasks wait for a thread to poll them, as far as the executor tells; `None` where it does not.
    fn queue_depth(&self) -> Option<usize> {
        None
    }
}

/// An executor's join handle: `Some(output)`, or `None` once the executor is gone.
///
/// Core always awaits or [`detach`](Self::detach)es it, so what dropping it does is of no importance.
pub trait Join<T>: Future<Output = Option<T>> + Send + Unpin + 'static {
    /// Lets the work run on without a handle.
    fn detach(self);
}

/// A runtime that can run a future on the calling thread until it is done.
pub trait BlockOn: Runtime {
    /// Runs `future` here, with this runtime entered, and returns its output.
    ///
    /// # Errors
    ///
    /// [`AsyncTaskError::InvalidState`] where blocking would stall an executor: inside one of our tasks, inside
    /// another `block_on`, or, where the backend can know of it, inside a Tokio context.
    /// [`AsyncTaskError::Shutdown`] if the runtime has ended, where the backend can know of that.
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output, AsyncTaskError>;
}

/// Where a builder finds its runtime when a task starts: a runtime itself, or a rule for finding one.
pub trait RuntimeSource: Clone + Send + 'static {
    /// The runtime that is found.
    type Runtime: Runtime;

    /// Finds the runtime.
    ///
    /// # Errors
    ///
    /// [`AsyncTaskError::NoRuntime`] or [`AsyncTaskError::AmbiguousRuntime`] where the rule gives none.
    fn resolve(&self) -> Result<Self::Runtime, AsyncTaskError>;

    /// As [`resolve`](Self::resolve), for the last time: a runtime is moved and not cloned.
    ///
    /// # Errors
    ///
    /// As [`resolve`](Self::resolve).
    fn into_runtime(self) -> Result<Self::Runtime, AsyncTaskError> {
        self.resolve()
    }
}

impl<R: Runtime> RuntimeSource for R {
    type Runtime = R;

    fn resolve(&self) -> Result<R, AsyncTaskError> {
        Ok(self.clone())
    }

    fn into_runtime(self) -> Result<R, AsyncTaskError> {
        Ok(self)
    }
}
