//! An owned Tokio runtime.

use std::fmt;
use std::future::Future;
use std::io;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use sweet_async_core::runtime::{BlockOnGuard, OwnedRuntime, RuntimeBuilder, RuntimeSettings};
use sweet_async_core::{AsyncTaskError, Runtime as _, RuntimeError};
use tokio::runtime::Builder;

use crate::TokioRuntime;
use sweet_async_core::RuntimeExt as _;

/// A Tokio runtime that lives as long as this value.
///
/// Dropping it, also inside async code, stops its tasks at their next poll and does not wait for blocking
/// work. [`shutdown`](Self::shutdown) waits.
pub struct OwnedTokio {
    /// `None` only once it is being shut down or dropped.
    inner: Option<tokio::runtime::Runtime>,
    runtime: TokioRuntime,
}

impl OwnedTokio {
    /// Settings for a runtime with worker threads.
    pub fn builder() -> RuntimeBuilder<Self> {
        RuntimeBuilder::new()
    }

    /// A runtime with `workers` worker threads; at least one.
    ///
    /// # Errors
    ///
    /// [`RuntimeError::Build`] if the operating system refuses a thread or a driver.
    pub fn multi_thread(workers: usize) -> Result<Self, RuntimeError> {
        Self::builder().worker_threads(workers.max(1)).build()
    }

    /// A runtime on the thread that calls [`block_on`](Self::block_on).
    ///
    /// # Errors
    ///
    /// [`RuntimeError::Build`] if the operating system refuses a driver.
    pub fn current_thread() -> Result<Self, RuntimeError> {
        Self::build(&mut Builder::new_current_thread())
    }

    fn build(builder: &mut Builder) -> Result<Self, RuntimeError> {
        let failed = |source: io::Error| RuntimeError::Build { runtime: "tokio", source };
        let inner = builder.enable_all().build().map_err(failed)?;
        let runtime = TokioRuntime::from_handle(inner.handle().clone())?;
        // A thread remembers only runtimes that are not owned: owned ones come and go, and it would keep them
        // for its lifetime.
        runtime.forget();
        Ok(Self { inner: Some(inner), runtime })
    }

    /// The handle to it.
    pub fn runtime(&self) -> &TokioRuntime {
        &self.runtime
    }

    /// Runs `future` on this thread, with the runtime entered.
    ///
    /// # Errors
    ///
    /// [`AsyncTaskError::InvalidState`] inside a task, another `block_on`, or a Tokio context.
    pub fn block_on<F: Future>(&self, future: F) -> Result<F::Output, AsyncTaskError> {
        TokioRuntime::refuse_nesting()?;
        let _inside = BlockOnGuard::new(&self.runtime)?;
        match &self.inner {
            Some(inner) => Ok(inner.block_on(future)),
            None => Err(AsyncTaskError::Shutdown),
        }
    }

    /// Ends the runtime and its threads. It takes no new work, and tasks have `limit` to end by themselves
    /// before they are killed; see [`RuntimeExt::shutdown`](sweet_async_core::RuntimeExt::shutdown).
    ///
    /// # Errors
    ///
    /// As [`OwnedRuntime::shutdown`].
    pub fn shutdown(mut self, limit: Duration) -> Result<(), RuntimeError> {
        let begun = Instant::now();
        let runtime = self.runtime.clone();
        let Ok(ended) = self.block_on(async move { runtime.shutdown(limit).await }) else {
            return Err(RuntimeError::InsideTask);
        };
        if let (Ok(()), Some(inner)) = (&ended, self.inner.take()) {
            // Nothing of this library is left, so this waits for threads to end, and for work that was given
            // to Tokio itself.
            inner.shutdown_timeout(limit.saturating_sub(begun.elapsed()));
        }
        ended
    }
}

impl OwnedRuntime for OwnedTokio {
    type Handle = TokioRuntime;
    const NAME: &'static str = "tokio";

    fn with_settings(settings: &RuntimeSettings) -> Result<Self, RuntimeError> {
        // Checked first: Tokio panics where it gets no thread, and, where it has some already, waits for
        // those, which wait for it.
        threads_can_be_had(settings).map_err(|source| RuntimeError::Build { runtime: Self::NAME, source })?;
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(settings.workers());
        if let Some(bytes) = settings.thread_stack_size {
            builder.thread_stack_size(bytes.get());
        }
        Self::build(&mut builder)
    }

    fn runtime(&self) -> &TokioRuntime {
        self.runtime()
    }

    fn block_on<F: Future>(&self, future: F) -> Result<F::Output, AsyncTaskError> {
        self.block_on(future)
    }

    fn shutdown(self, limit: Duration) -> Result<(), RuntimeError> {
        self.shutdown(limit)
    }
}

/// Starts as many threads as the runtime will have, all at the same time, and ends them. An error if one is
/// refused.
fn threads_can_be_had(settings: &RuntimeSettings) -> io::Result<()> {
    let (mut threads, mut holds) = (Vec::new(), Vec::new());
    let mut refused = Ok(());
    for _ in 0..settings.workers() {
        let mut builder = thread::Builder::new();
        if let Some(bytes) = settings.thread_stack_size {
            builder = builder.stack_size(bytes.get());
        }
        let (hold, held) = mpsc::channel::<()>();
        match builder.spawn(move || held.recv().is_ok()) {
            Ok(thread) => threads.push(thread),
            Err(error) => {
                refused = Err(error);
                break;
            }
        }
        holds.push(hold);
    }
    drop(holds);
    for thread in threads {
        let _ = thread.join();
    }
    refused
}

impl Drop for OwnedTokio {
    fn drop(&mut self) {
        self.runtime.root().close();
        self.runtime.forget();
        // Tokio's own drop waits for threads, which panics inside async code.
        if let Some(inner) = self.inner.take() {
            inner.shutdown_background();
        }
    }
}

impl fmt::Debug for OwnedTokio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedTokio").field("runtime", &self.runtime).finish()
    }
}
