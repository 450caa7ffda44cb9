//! The methods that core gives to every runtime.

use std::future::Future;
use std::time::Duration;

use crate::error::RuntimeError;
use crate::program::shutdown;
use crate::runtime::Runtime;
use crate::time::Sleep;
use crate::tree::entered::EnterGuard;
use crate::tree::root::snapshot::{RuntimeSnapshot, snapshot};
use crate::tree::usage::totals::{self, RuntimeMetrics};

/// The methods that every [`Runtime`] has from core: timers, the runtime of the current thread, figures, and
/// shutdown.
pub trait RuntimeExt: Runtime {
    /// The live tasks as a tree: their identity, their status, their location in the source, and their usage.
    /// It contains the tasks that have had to wait, and all tasks below these. Of the tasks that were spawned
    /// while the runtime was [watched](crate::RootScope::watch), and of those of a simulation, it contains all.
    ///
    /// Cost: one visit of each of them. It can be called from any thread.
    fn snapshot(&self) -> RuntimeSnapshot {
        snapshot(self.name(), self.root())
    }

    /// The counts of all tasks and blocking jobs, and the figures of tasks with metrics.
    fn metrics(&self) -> RuntimeMetrics {
        totals::metrics(self)
    }

    /// Makes this the runtime that this thread starts tasks on, until the guard is dropped.
    fn enter(&self) -> EnterGuard {
        EnterGuard::new(self)
    }

    /// A timer for `duration` from now; one that is too long for the clock never ends.
    #[track_caller]
    fn sleep(&self, duration: Duration) -> Sleep<Self> {
        Sleep::new(self, duration)
    }

    /// Ends everything that runs on this runtime, in bounded time.
    ///
    /// From now on no task is taken from outside ([`SpawnError::Shutdown`](crate::SpawnError::Shutdown)).
    /// Running tasks are cancelled ([`CancelLevel::Graceful`](crate::CancelLevel::Graceful), cause
    /// [`Shutdown`](crate::CancelCause::Shutdown)) and have until `limit` to end, however they respond; they
    /// may still spawn, and callers may still `run`. Loops that are no tasks watch
    /// [`RootScope::closing`](crate::RootScope::closing). At the limit, tasks are killed, including detached
    /// ones, and waited for a tenth of a second longer. Blocking work that has started cannot be killed, and
    /// runs on.
    ///
    /// The executor itself lives on, and takes no more tasks of this library;
    /// [`OwnedRuntime::shutdown`](crate::OwnedRuntime::shutdown) ends it too. On an executor that belongs to
    /// the process, such as smol's global one, that holds for the rest of the process; on one that is the
    /// user's own, for as long as there is a handle to it.
    ///
    /// The limit is kept by the runtime's own timers: on a current-thread Tokio runtime they advance only
    /// while some thread is inside its `block_on`.
    ///
    /// A server that waits for its requests to end should be stopped at the same time, not before: otherwise
    /// a request that only ends when its task is killed delays the shutdown that would kill it.
    ///
    /// # Errors
    ///
    /// [`RuntimeError::TasksLeft`] says how much was left at the limit, or was killed meanwhile by another
    /// shutdown, which had less time. [`RuntimeError::InsideTask`] inside a task or a blocking job of this
    /// runtime, where the shutdown would wait for itself.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it leaves the runtime closing; call it again to go on.
    fn shutdown(&self, limit: Duration) -> impl Future<Output = Result<(), RuntimeError>> + Send {
        shutdown::shutdown(self, limit)
    }
}

impl<R: Runtime> RuntimeExt for R {}
