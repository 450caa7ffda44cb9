//! The seam: what an executor must supply, and nothing more.
//!
//! A backend implements [`Runtime`] with a few primitives; the handle, cancellation, timeouts, panics, ids and the
//! order in which the ambient runtime is looked for are core's, so that they are the same everywhere.

mod accounts;
pub(crate) mod context;
mod counts;
mod dynamic;
mod kills;
mod local;
mod nowhere;
mod owned;
mod root;
mod shard;
mod shutdown;
mod signal;

use std::any::Any;
use std::future::Future;
use std::time::{Duration, Instant};

pub use accounts::{BlockingStatistics, RuntimeMetrics, Watch};
pub use context::{BlockOnGuard, CurrentRuntime, EnterGuard, may_block};
pub(crate) use context::{
    Frame, current_task, giving_up, in_frame, in_runtime, is_inside, is_overdue, keeps_running, note,
    welcome_blocking, with_frame,
};
pub use counts::TaskStatistics;
pub(crate) use dynamic::ErasedRuntime;
pub use dynamic::{DynJoin, DynRuntime, DynSleep};
pub(crate) use local::LocalScope;
pub use local::{LocalExecutor, LocalFuture, LocalRuntime};
pub(crate) use nowhere::Nowhere;
pub use owned::{OwnedRuntime, RuntimeBuilder, RuntimeSettings};
pub use root::RootScope;
pub use signal::{Ended, Signal, Termination};

use crate::error::{AsyncTaskError, RuntimeError, SpawnError};
use crate::task::{RuntimeSnapshot, TaskId, snapshot};
use crate::time::Sleep;

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

    /// Its live tasks, as a tree: who they are, where they are in their lives and in the source, and what they use. It names
    /// the tasks that have had to wait, and all that are below these; all of those that were spawned while the runtime was
    /// [watched](RootScope::watch).
    ///
    /// Cost: that of looking at all of them. It can be asked for from any thread.
    fn snapshot(&self) -> RuntimeSnapshot {
        snapshot(self.name(), self.root())
    }

    /// What it does: counts of all tasks and blocking jobs, and what is known of tasks with metrics.
    fn metrics(&self) -> RuntimeMetrics {
        accounts::metrics(self)
    }

    /// Makes this the runtime that this thread starts tasks on, until the guard is dropped.
    fn enter(&self) -> EnterGuard {
        EnterGuard::new(self)
    }

    /// A timer for `duration` from now; one that is too long to count never ends.
    #[track_caller]
    fn sleep(&self, duration: Duration) -> Sleep<Self> {
        Sleep::new(self, duration)
    }

    /// Ends everything that runs here, in bounded time. From now on no task is taken from outside
    /// ([`SpawnError::Shutdown`]); what runs is asked to stop ([`CancelLevel::Graceful`](crate::CancelLevel::Graceful), cause
    /// [`Shutdown`](crate::CancelCause::Shutdown)) and has until `limit` to end, whatever it makes of that; it may still
    /// spawn, as callers may still `run`. Loops that are no tasks watch [`RootScope::closing`]. At the limit, tasks are killed, also those that were
    /// detached, and waited for a tenth of a second longer; blocking work that has started cannot be, and is left behind.
    ///
    /// The executor itself lives on, and takes no more tasks of this library; [`OwnedRuntime::shutdown`] ends it too. On
    /// an executor that belongs to the process, such as smol's global one, that is for the rest of the process; on one
    /// that is the user's own, for as long as anybody holds a handle to it.
    ///
    /// The limit is kept by the runtime's own timers: on a current-thread Tokio runtime they advance only while some
    /// thread is inside its `block_on`.
    ///
    /// A server that waits for its requests to end is best told at the same time, not before: a request that only ends
    /// when its task is killed would otherwise hold up the shutdown that would kill it.
    ///
    /// # Errors
    ///
    /// [`RuntimeError::TasksLeft`] says how much was left at the limit, or when another shutdown, which had less time, killed it
    /// meanwhile; [`RuntimeError::InsideTask`] inside a task of this runtime, which would wait for itself.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it leaves the runtime closing; call it again to go on.
    fn shutdown(&self, limit: Duration) -> impl Future<Output = Result<(), RuntimeError>> + Send {
        shutdown::shutdown(self, limit)
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
