//! An executor of one's own, with its threads.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::thread;

use async_executor::Executor;
use smol::channel::{Receiver, Sender, bounded};
use sweet_async_core::{AsyncTaskError, BlockOn, RuntimeError};

use crate::SmolRuntime;

/// An executor with `N` threads that lives as long as this value.
///
/// Dropping it, also inside async code, tells the threads to stop and does not wait for them; tasks that are left are
/// dropped with the executor.
pub struct SmolPool {
    runtime: SmolRuntime,
    // Held for its drop: a closed channel is what the threads wait for.
    _stop: Sender<()>,
}

impl SmolPool {
    /// Starts `threads` threads; at least one.
    ///
    /// # Errors
    ///
    /// [`RuntimeError::Build`] if the operating system refuses a thread.
    pub fn new(threads: usize) -> Result<Self, RuntimeError> {
        let threads = threads.max(1);
        let executor = Arc::new(Executor::new());
        let runtime = SmolRuntime::from_executor(&executor, threads);
        let (stop, stopped) = bounded::<()>(1);
        for index in 0..threads {
            let (executor, stopped) = (executor.clone(), stopped.clone());
            thread::Builder::new()
                .name(format!("sweet-smol-{index}"))
                .spawn(move || drive(&executor, &stopped))
                .map_err(|source| RuntimeError::Build { runtime: "smol", source })?;
        }
        Ok(Self { runtime, _stop: stop })
    }

    /// One thread for each core.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn per_core() -> Result<Self, RuntimeError> {
        Self::new(crate::runtime::cores())
    }

    /// The handle to it.
    pub fn runtime(&self) -> &SmolRuntime {
        &self.runtime
    }

    /// Runs `future` on this thread, with the runtime entered.
    ///
    /// # Errors
    ///
    /// [`AsyncTaskError::InvalidState`] inside a task or another `block_on`.
    pub fn block_on<F: Future>(&self, future: F) -> Result<F::Output, AsyncTaskError> {
        self.runtime.block_on(future)
    }
}

fn drive(executor: &Executor<'static>, stopped: &Receiver<()>) {
    // Tasks of ours never panic into the executor; a foreign one that does must not take the thread along.
    while std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _ = smol::block_on(executor.run(stopped.recv()));
    }))
    .is_err()
    {}
}

impl fmt::Debug for SmolPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmolPool").field("runtime", &self.runtime).finish_non_exhaustive()
    }
}
