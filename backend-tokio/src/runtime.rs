//! The handle to a Tokio runtime.

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher as _, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Instant;

use sweet_async_core::runtime::{BlockOnGuard, RootScope, may_block};
use sweet_async_core::{AsyncTaskError, BlockOn, Runtime, RuntimeError, SpawnError};
use tokio::runtime::{Handle, RuntimeFlavor};

use crate::{TokioJoin, TokioSleep};

/// A handle to a Tokio runtime. It does not keep the runtime alive.
#[derive(Clone)]
pub struct TokioRuntime(Arc<Inner>);

/// The state that all handles of one Tokio runtime share.
struct Inner {
    handle: Handle,
    root: RootScope,
}

thread_local! {
    /// The runtime that this thread has seen last, so that finding the current one stays cheap.
    static LAST: Cell<Option<TokioRuntime>> = const { Cell::new(None) };
}

/// The runtimes to which there is a handle, so that each has one root scope. A lock and a list: they are used
/// when a thread sees a runtime that is not the one it saw last.
static KNOWN: Mutex<Vec<Weak<Inner>>> = Mutex::new(Vec::new());

impl TokioRuntime {
    /// The runtime of `handle`.
    ///
    /// # Errors
    ///
    /// [`RuntimeError::NoTimers`] if it was built without a time driver.
    pub fn from_handle(handle: Handle) -> Result<Self, RuntimeError> {
        let id = handle.id();
        let last = LAST.try_with(|last| {
            let found = last.take();
            last.set(found.clone());
            found.filter(|found| found.0.handle.id() == id)
        });
        if let Ok(Some(last)) = last {
            return Ok(last);
        }
        let known = find(&KNOWN.lock().unwrap_or_else(PoisonError::into_inner), &handle);
        let runtime = match known {
            Some(runtime) => runtime,
            None => {
                // Not under the lock: without timers this panics, which runs the program's own panic hook.
                Self::has_timers(&handle)?;
                let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
                known.retain(|known| known.strong_count() > 0);
                find(&known, &handle).unwrap_or_else(|| {
                    let new = Arc::new(Inner { handle, root: RootScope::new() });
                    known.push(Arc::downgrade(&new));
                    Self(new)
                })
            }
        };
        let _ = LAST.try_with(|last| last.set(Some(runtime.clone())));
        Ok(runtime)
    }

    fn has_timers(handle: &Handle) -> Result<(), RuntimeError> {
        // Tokio has no query for this: making a timer where there are none panics.
        let probe = || {
            let _context = handle.enter();
            drop(tokio::time::sleep(std::time::Duration::ZERO));
        };
        catch_unwind(AssertUnwindSafe(probe)).map_err(|_| RuntimeError::NoTimers { runtime: "tokio" })
    }

    /// Forgets this runtime on this thread, which would otherwise keep its descriptors for as long as the
    /// thread lives.
    pub(crate) fn forget(&self) {
        let _ = LAST.try_with(|last| last.set(last.take().filter(|last| !Arc::ptr_eq(&last.0, &self.0))));
    }

    /// The Tokio runtime that this thread is inside.
    ///
    /// # Errors
    ///
    /// [`RuntimeError::NotInContext`] outside of one, [`RuntimeError::NoTimers`] if it has no time driver.
    pub fn current() -> Result<Self, RuntimeError> {
        match Handle::try_current() {
            Ok(handle) => Self::from_handle(handle),
            Err(_) => Err(RuntimeError::NotInContext { runtime: "tokio" }),
        }
    }

    /// Tokio's own handle.
    pub fn handle(&self) -> &Handle {
        &self.0.handle
    }

    /// Refuses to block a thread that Tokio needs. This is for every `block_on` in a program that has Tokio.
    ///
    /// # Errors
    ///
    /// [`AsyncTaskError::InvalidState`] inside a Tokio context, except in blocking work of this library: that
    /// sees the context too, but its thread may be blocked.
    #[doc(hidden)]
    pub fn refuse_nesting() -> Result<(), AsyncTaskError> {
        if !may_block() && Handle::try_current().is_ok() {
            return Err(AsyncTaskError::InvalidState(
                "block_on inside a Tokio runtime would stall it: await the future, or move the call to spawn_blocking",
            ));
        }
        Ok(())
    }
}

impl Runtime for TokioRuntime {
    type Sleep = TokioSleep;
    type Join<T: Send + 'static> = TokioJoin<T>;

    fn spawn<F>(&self, future: F) -> Result<TokioJoin<F::Output>, SpawnError>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        // After its shutdown Tokio takes the future and drops it; the join handle then gives `None`.
        Ok(TokioJoin(self.0.handle.spawn(future)))
    }

    fn spawn_blocking<F, T>(&self, work: F) -> Result<TokioJoin<T>, SpawnError>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        // Tokio panics where the operating system gives it no thread at all.
        catch_unwind(AssertUnwindSafe(|| self.0.handle.spawn_blocking(work))).map(TokioJoin).map_err(|_| {
            SpawnError::Refused("the operating system gave Tokio's blocking pool no thread".into())
        })
    }

    fn now(&self) -> Instant {
        // Only the clock of a runtime with one thread can be paused.
        if self.0.handle.runtime_flavor() != RuntimeFlavor::CurrentThread {
            return Instant::now();
        }
        // Tokio's clock, so that a test that has paused it sees its own time; in its context, so that other
        // threads agree. Its own threads are in it, which costs less to see than to enter it again.
        let is_inside = Handle::try_current().is_ok_and(|current| current.id() == self.0.handle.id());
        let _context = (!is_inside).then(|| self.0.handle.enter());
        tokio::time::Instant::now().into_std()
    }

    fn sleep_until(&self, deadline: Instant) -> TokioSleep {
        TokioSleep::until(&self.0.handle, deadline)
    }

    fn root(&self) -> &RootScope {
        &self.0.root
    }

    fn is_running(&self) -> bool {
        !self.0.root.is_closing() && !is_shut_down(&self.0.handle)
    }

    fn entropy(&self) -> u64 {
        // The hash of nothing, under the random seed of a new hash map.
        RandomState::new().hash_one(())
    }

    fn name(&self) -> &'static str {
        "tokio"
    }

    fn worker_count(&self) -> usize {
        self.0.handle.metrics().num_workers()
    }

    /// The length of the queue that all workers share. Each worker has another of its own, whose length Tokio
    /// does not report.
    fn queue_depth(&self) -> Option<usize> {
        Some(self.0.handle.metrics().global_queue_depth())
    }
}

impl BlockOn for TokioRuntime {
    /// Runs `future` on this thread. On a current-thread runtime, timers and tasks advance only while some
    /// thread is inside that runtime's own `block_on`: use [`OwnedTokio`](crate::OwnedTokio) there.
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output, AsyncTaskError> {
        Self::refuse_nesting()?;
        let _inside = BlockOnGuard::new(self)?;
        Ok(self.0.handle.block_on(future))
    }
}

fn find(known: &[Weak<Inner>], handle: &Handle) -> Option<TokioRuntime> {
    known.iter().filter_map(Weak::upgrade).find(|known| known.handle.id() == handle.id()).map(TokioRuntime)
}

/// True if the runtime has shut down. Tokio has no query for this, but a task that is spawned there then is
/// finished before it has begun.
fn is_shut_down(handle: &Handle) -> bool {
    let probe = handle.spawn(std::future::pending::<()>());
    let is_finished = probe.is_finished();
    probe.abort();
    is_finished
}

impl fmt::Debug for TokioRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokioRuntime").field("handle", &self.0.handle).field("root", &self.0.root).finish()
    }
}
