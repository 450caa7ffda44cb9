//! An owned executor, with its threads.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use async_executor::Executor;
use smol::Timer;
use smol::channel::{Receiver, Sender, bounded};
use smol::future::or;
use sweet_async_core::runtime::{OwnedRuntime, RuntimeBuilder, RuntimeSettings};
use sweet_async_core::{AsyncTaskError, BlockOn, Runtime as _, RuntimeError};

use crate::SmolRuntime;
use sweet_async_core::RuntimeExt as _;

/// An executor with threads of its own, which lives as long as this value.
///
/// Dropping it, also inside async code, stops the threads and does not wait for them. Tasks that are left are
/// dropped with the executor. [`shutdown`](Self::shutdown) waits.
pub struct SmolPool {
    runtime: SmolRuntime,
    /// Closed to stop the threads, which wait for this.
    stop: Sender<()>,
    /// Closed when the last thread has ended: each holds a sender until then.
    ended: Receiver<()>,
}

impl SmolPool {
    /// Settings for a new pool.
    pub fn builder() -> RuntimeBuilder<Self> {
        RuntimeBuilder::new()
    }

    /// Starts `threads` threads; at least one.
    ///
    /// # Errors
    ///
    /// [`RuntimeError::Build`] if the operating system refuses a thread.
    pub fn new(threads: usize) -> Result<Self, RuntimeError> {
        Self::builder().worker_threads(threads.max(1)).build()
    }

    /// Starts one thread for each core.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn per_core() -> Result<Self, RuntimeError> {
        Self::builder().build()
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

    /// Ends the executor and its threads. It takes no new work, and tasks have `limit` to end by themselves
    /// before they are killed; see [`RuntimeExt::shutdown`](sweet_async_core::RuntimeExt::shutdown).
    ///
    /// # Errors
    ///
    /// As [`OwnedRuntime::shutdown`].
    pub fn shutdown(self, limit: Duration) -> Result<(), RuntimeError> {
        let begun = Instant::now();
        let runtime = self.runtime.clone();
        let Ok(ended) = self.block_on(async move { runtime.shutdown(limit).await }) else {
            return Err(RuntimeError::InsideTask);
        };
        self.stop.close();
        if ended.is_ok() {
            // Nothing of this library is left, but foreign work on the executor may still occupy a thread.
            // Nothing is ever sent: the channel is closed when the last thread has ended.
            let timeout = async {
                Timer::after(limit.saturating_sub(begun.elapsed())).await;
            };
            let threads_ended = async {
                let _ = self.ended.recv().await;
            };
            smol::block_on(or(threads_ended, timeout));
        }
        ended
    }
}

impl OwnedRuntime for SmolPool {
    type Handle = SmolRuntime;
    const NAME: &'static str = "smol";

    fn with_settings(settings: &RuntimeSettings) -> Result<Self, RuntimeError> {
        let workers = settings.workers();
        let executor = Arc::new(Executor::new());
        let runtime = SmolRuntime::from_executor(&executor, workers);
        let (stop, stopped) = bounded::<()>(1);
        let (alive, ended) = bounded::<()>(1);
        let pool = Self { runtime, stop, ended };
        for index in 0..workers {
            let (executor, stopped, alive) = (executor.clone(), stopped.clone(), alive.clone());
            let mut builder = thread::Builder::new().name(format!("sweet-smol-{index}"));
            if let Some(bytes) = settings.thread_stack_size {
                builder = builder.stack_size(bytes.get());
            }
            let body = move || {
                let _alive = alive;
                drive(&executor, &stopped);
            };
            builder.spawn(body).map_err(|source| RuntimeError::Build { runtime: Self::NAME, source })?;
        }
        Ok(pool)
    }

    fn runtime(&self) -> &SmolRuntime {
        self.runtime()
    }

    fn block_on<F: Future>(&self, future: F) -> Result<F::Output, AsyncTaskError> {
        self.block_on(future)
    }

    fn shutdown(self, limit: Duration) -> Result<(), RuntimeError> {
        self.shutdown(limit)
    }
}

impl Drop for SmolPool {
    fn drop(&mut self) {
        self.runtime.root().close();
        self.stop.close();
    }
}

fn drive(executor: &Executor<'static>, stopped: &Receiver<()>) {
    // Tasks of this library never panic into the executor. A foreign one that does must not end the thread.
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
