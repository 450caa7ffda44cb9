//! The interface that a backend implements for its executor, and nothing more.
//!
//! A backend implements [`Runtime`] with a few primitives. The handle, cancellation, timeouts, panics, ids
//! and the order in which the ambient runtime is looked for are core's, so that they are the same everywhere.

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
pub use crate::tree::entered::{BlockOnGuard, CurrentRuntime, EnterGuard, may_block};
pub use crate::tree::root::RootScope;
pub use crate::tree::usage::statistics::TaskStatistics;
pub use crate::tree::usage::totals::{BlockingStatistics, RuntimeMetrics, Watch};

use crate::error::{AsyncTaskError, SpawnError};
use crate::vocabulary::id::TaskId;

/// An executor, as the library sees it.
///
/// A value is a cheap handle. It is cloned into every task, so a clone should cost no more than a reference
/// count. It must not keep the executor alive by itself: a task that holds its own executor would never be
/// dropped.
///
/// # Contract
///
/// - A future given to [`spawn`](Self::spawn) is polled until it is ready, or dropped when the executor ends;
///   both before its [`Join`] answers. It never panics: core catches panics before they reach the executor.
/// - A closure given to [`spawn_blocking`](Self::spawn_blocking) runs on a thread that may block.
/// - No method panics; a failure is an error.
pub trait Runtime: Clone + Send + Sync + 'static {
    /// A timer; ready at its deadline, and before that only if the executor has ended.
    type Sleep: Future<Output = ()> + Send + 'static;

    /// The executor's own join handle.
    type Join<T: Send + 'static>: Join<T>;

    /// Starts `future` on the executor: a primitive for core. A future that is given to it directly is no
    /// task: the root scope does not count it, and a shutdown neither waits for it nor kills it.
    ///
    /// # Errors
    ///
    /// [`SpawnError`] if the executor cannot take it; the future is dropped. An executor that notices only
    /// later answers `None` from the join handle instead.
    fn spawn<F>(&self, future: F) -> Result<Self::Join<F::Output>, SpawnError>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static;

    /// Runs `work` on a thread that may block.
    ///
    /// # Errors
    ///
    /// [`SpawnError`] if no thread is available; the work is dropped without running.
    fn spawn_blocking<F, T>(&self, work: F) -> Result<Self::Join<T>, SpawnError>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static;

    /// The scope that all tasks of this executor belong to: one for each executor, the same for all handles
    /// of it.
    fn root(&self) -> &RootScope;

    /// A timer for `deadline`. With a deadline in the past it is ready at once; with one beyond what the
    /// timer can count, never. A timer that is ready before its deadline says that the executor has ended,
    /// and its timers with it.
    fn sleep_until(&self, deadline: Instant) -> Self::Sleep;

    /// 64 random bits, for jitter and UUIDs: a simulation must be able to replay them.
    fn entropy(&self) -> u64;

    /// The backend's name, in lower case.
    fn name(&self) -> &'static str;

    /// The number of threads that poll tasks; at least 1.
    fn worker_count(&self) -> usize;

    /// The runtime's clock. Real time unless the backend says otherwise.
    fn now(&self) -> Instant {
        Instant::now()
    }

    /// The time of day: the time since the beginning of 1970, by UTC. It is for values that mean something
    /// outside of the process; everything else is timed by [`now`](Self::now). It is the system's unless the
    /// backend says otherwise; a simulation must be able to replay it.
    fn unix_time(&self) -> Duration {
        // A system that is set to a time before 1970 has no such time.
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default()
    }

    /// The runtime itself, for a downcast to its type. A runtime that wraps another gives the one inside, so
    /// that work on the wrapper and work on the wrapped are seen to be on the same runtime.
    fn as_any(&self) -> &dyn Any {
        self
    }

    /// The id of the next task, a number: from a process-wide counter unless the backend keeps its own.
    fn next_task_id(&self) -> TaskId {
        TaskId::next()
    }

    /// True until a shutdown has begun or the executor has ended, as far as the backend can know. It is not
    /// for frequent use: a backend may have to ask its executor.
    fn is_running(&self) -> bool {
        !self.root().is_closing()
    }

    /// The number of tasks on this executor that were spawned, detached or not, and have not ended. A task is
    /// not counted any more once its handle is ready, or its cancellation reports that it has ended.
    fn active_task_count(&self) -> usize {
        self.root().active_tasks()
    }

    /// The number of tasks that wait for a thread to poll them; `None` if the executor does not report it.
    fn queue_depth(&self) -> Option<usize> {
        None
    }
}

/// An executor's join handle: `Some(output)`, or `None` once the executor has ended.
///
/// Core always awaits or [`detach`](Self::detach)es it, so the effect of dropping it is of no importance.
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
    /// [`AsyncTaskError::InvalidState`] where blocking would stall an executor: inside a task of this
    /// library, inside another `block_on`, or, where the backend can know of it, inside a Tokio context.
    /// [`AsyncTaskError::Shutdown`] if the runtime has ended, where the backend can know of that.
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output, AsyncTaskError>;
}

/// The source of a builder's runtime when a task starts: a runtime itself, or a rule for finding one.
pub trait RuntimeSource: Clone + Send + Sync + 'static {
    /// The runtime that is found.
    type Runtime: Runtime;

    /// Finds the runtime.
    ///
    /// # Errors
    ///
    /// [`AsyncTaskError::NoRuntime`] or [`AsyncTaskError::AmbiguousRuntime`] where the rule gives none.
    fn resolve(&self) -> Result<Self::Runtime, AsyncTaskError>;

    /// True if the source finds the runtime of the task around the caller, if there is one.
    #[doc(hidden)]
    fn follows_caller(&self) -> bool {
        false
    }

    /// Fails as [`resolve`](Self::resolve) would.
    #[doc(hidden)]
    fn check(&self) -> Result<(), AsyncTaskError> {
        self.resolve().map(drop)
    }

    /// The time by the clock of the runtime; where there is none, by the system's.
    #[doc(hidden)]
    fn clock(&self) -> Instant {
        self.resolve().map_or_else(|_| Instant::now(), |runtime| runtime.now())
    }

    /// As [`resolve`](Self::resolve), for the last use of the source: a runtime is moved and not cloned.
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

    fn check(&self) -> Result<(), AsyncTaskError> {
        Ok(())
    }

    fn clock(&self) -> Instant {
        self.now()
    }

    fn into_runtime(self) -> Result<R, AsyncTaskError> {
        Ok(self)
    }
}
