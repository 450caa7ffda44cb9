//! The handle to a Tokio runtime.

use std::cell::Cell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use sweet_async_core::runtime::{BlockOnGuard, may_block};
use sweet_async_core::{AsyncTaskError, BlockOn, Runtime, RuntimeError, SpawnError};
use tokio::runtime::{Handle, Id};

use crate::{TokioJoin, TokioSleep};

/// A handle to a Tokio runtime. It does not keep the runtime alive.
#[derive(Clone, Debug)]
pub struct TokioRuntime {
    handle: Handle,
}

thread_local! {
    /// The runtime last seen to have timers, so that looking for the current one stays cheap.
    static TIMED: Cell<Option<Id>> = const { Cell::new(None) };
}

impl TokioRuntime {
    /// The runtime behind `handle`.
    ///
    /// # Errors
    ///
    /// [`RuntimeError::NoTimers`] if it was built without a time driver.
    pub fn from_handle(handle: Handle) -> Result<Self, RuntimeError> {
        let id = handle.id();
        let known = TIMED.try_with(|timed| timed.get() == Some(id)).unwrap_or(false);
        if !known {
            // Tokio has no way to ask: making a timer where there are none panics.
            let probe = || {
                let _context = handle.enter();
                drop(tokio::time::sleep(std::time::Duration::ZERO));
            };
            if catch_unwind(AssertUnwindSafe(probe)).is_err() {
                return Err(RuntimeError::NoTimers { runtime: "tokio" });
            }
            let _ = TIMED.try_with(|timed| timed.set(Some(id)));
        }
        Ok(Self { handle })
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
        &self.handle
    }

    /// Refuses to block a thread that Tokio needs: for every `block_on` in a program that has Tokio.
    ///
    /// # Errors
    ///
    /// [`AsyncTaskError::InvalidState`] inside a Tokio context, unless this is blocking work of ours, which sees that
    /// context too but whose thread is there to be blocked.
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
        // After shutdown Tokio takes the future and drops it; the join handle then answers `None`.
        Ok(TokioJoin(self.handle.spawn(future)))
    }

    fn spawn_blocking<F, T>(&self, work: F) -> Result<TokioJoin<T>, SpawnError>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        // Tokio panics where the operating system gives it no thread at all.
        catch_unwind(AssertUnwindSafe(|| self.handle.spawn_blocking(work))).map(TokioJoin).map_err(|_| {
            SpawnError::Refused("the operating system gave Tokio's blocking pool no thread".into())
        })
    }

    fn now(&self) -> Instant {
        // Tokio's clock, so that a test that has paused it is believed.
        tokio::time::Instant::now().into_std()
    }

    fn sleep_until(&self, deadline: Instant) -> TokioSleep {
        TokioSleep::until(&self.handle, deadline)
    }

    fn entropy(&self) -> u64 {
        fastrand::u64(..)
    }

    fn name(&self) -> &'static str {
        "tokio"
    }

    fn worker_count(&self) -> usize {
        self.handle.metrics().num_workers()
    }
}

impl BlockOn for TokioRuntime {
    /// Runs `future` on this thread. On a current-thread runtime, timers and tasks advance only while some thread is
    /// inside that runtime's own `block_on`: use [`OwnedTokio`](crate::OwnedTokio) there.
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output, AsyncTaskError> {
        Self::refuse_nesting()?;
        let _inside = BlockOnGuard::new(self)?;
        Ok(self.handle.block_on(future))
    }
}
