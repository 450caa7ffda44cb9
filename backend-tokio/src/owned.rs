//! A Tokio runtime of one's own.

use std::fmt;
use std::future::Future;
use std::io;

use sweet_async_core::runtime::BlockOnGuard;
use sweet_async_core::{AsyncTaskError, RuntimeError};
use tokio::runtime::Builder;

use crate::TokioRuntime;

/// A Tokio runtime that lives as long as this value.
///
/// Dropping it, also inside async code, stops its tasks at their next poll and does not wait for blocking work.
pub struct OwnedTokio {
    /// `None` only while it is being dropped.
    inner: Option<tokio::runtime::Runtime>,
    runtime: TokioRuntime,
}

impl OwnedTokio {
    /// A runtime with `workers` worker threads; at least one.
    ///
    /// # Errors
    ///
    /// [`RuntimeError::Build`] if the operating system refuses a thread or a driver.
    pub fn multi_thread(workers: usize) -> Result<Self, RuntimeError> {
        Self::build(Builder::new_multi_thread().worker_threads(workers.max(1)))
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
}

impl Drop for OwnedTokio {
    fn drop(&mut self) {
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
