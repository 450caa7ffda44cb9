//! The methods of a runtime that no backend writes for itself.

use std::future::Future;
use std::time::Duration;

use crate::error::RuntimeError;
use crate::program::shutdown;
use crate::runtime::Runtime;
use crate::time::Sleep;
use crate::tree::current::EnterGuard;
use crate::tree::snapshot::{RuntimeSnapshot, snapshot};
use crate::tree::totals::{self, RuntimeMetrics};

/// The methods that every [`Runtime`] has from core: timers, the current thread's runtime, figures, and its end.
pub trait RuntimeExt: Runtime {
    /// Its live tasks, as a tree: who they are, where they are in their lives and in the source, and what they use. It names
    /// the tasks that have had to wait, and all that are below these; all of those that were spawned while the runtime was
    /// [watched](crate::RootScope::watch).
    ///
    /// Cost: that of looking at all of them. It can be asked for from any thread.
    fn snapshot(&self) -> RuntimeSnapshot {
        snapshot(self.name(), self.root())
    }

    /// What it does: counts of all tasks and blocking jobs, and what is known of tasks with metrics.
    fn metrics(&self) -> RuntimeMetrics {
        totals::metrics(self)
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
    /// ([`SpawnError::Shutdown`](crate::SpawnError::Shutdown)); what runs is asked to stop ([`CancelLevel::Graceful`](crate::CancelLevel::Graceful), cause
    /// [`Shutdown`](crate::CancelCause::Shutdown)) and has until `limit` to end, whatever it makes of that; it may still
    /// spawn, as callers may still `run`. Loops that are no tasks watch [`RootScope::closing`](crate::RootScope::closing). At the limit, tasks are killed, also those that were
    /// detached, and waited for a tenth of a second longer; blocking work that has started cannot be, and is left behind.
    ///
    /// The executor itself lives on, and takes no more tasks of this library; [`OwnedRuntime::shutdown`](crate::OwnedRuntime::shutdown) ends it too. On
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

impl<R: Runtime> RuntimeExt for R {}
