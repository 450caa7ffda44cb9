//! Runtimes that a program owns.

use std::future::Future;
use std::io;
use std::marker::PhantomData;
use std::num::NonZeroUsize;
use std::thread::available_parallelism;
use std::time::Duration;

use crate::error::{AsyncTaskError, RuntimeError};
use crate::panic::caught;
use crate::program::ext::RuntimeExt as _;
use crate::runtime::Runtime;

/// A runtime that lives as long as this value: its threads end when it is dropped.
///
/// Dropping it, also inside async code, returns at once: its tasks stop at their next poll, and neither they
/// nor blocking work are waited for. [`shutdown`](Self::shutdown) waits.
pub trait OwnedRuntime: Sized + Send + 'static {
    /// The handle to it.
    type Handle: Runtime;

    /// The name that [`Runtime::name`] returns.
    const NAME: &'static str;

    /// Builds one with these settings; [`RuntimeBuilder::build`] calls it.
    ///
    /// # Errors
    ///
    /// As [`RuntimeBuilder::build`].
    fn with_settings(settings: &RuntimeSettings) -> Result<Self, RuntimeError>;

    /// The handle to it, for `.on(&runtime)`.
    fn runtime(&self) -> &Self::Handle;

    /// Runs `future` on this thread, with the runtime entered.
    ///
    /// # Errors
    ///
    /// As [`BlockOn::block_on`](crate::BlockOn::block_on).
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output, AsyncTaskError>;

    /// Ends the runtime: as [`RuntimeExt::shutdown`](crate::RuntimeExt::shutdown), on this thread, and then
    /// stops its threads.
    ///
    /// # Errors
    ///
    /// [`RuntimeError::TasksLeft`] if not everything ended within `limit`; [`RuntimeError::InsideTask`]
    /// inside async code, which this call would block: await
    /// [`RuntimeExt::shutdown`](crate::RuntimeExt::shutdown) there. The runtime is dropped in each case.
    fn shutdown(self, limit: Duration) -> Result<(), RuntimeError> {
        let runtime = self.runtime().clone();
        // An owned runtime has not ended, so nesting is the only reason for a refusal.
        let ended = self.block_on(async move { runtime.shutdown(limit).await });
        ended.unwrap_or(Err(RuntimeError::InsideTask))
    }

    /// Settings for a new one.
    fn builder() -> RuntimeBuilder<Self> {
        RuntimeBuilder::new()
    }
}

/// The most worker threads. A greater number is taken for a typing error; executors would reserve memory for
/// it.
const MOST_WORKERS: usize = 1 << 16;

/// The settings of a [`RuntimeBuilder`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuntimeSettings {
    /// The number of threads that poll tasks; `None` for one per core.
    pub worker_threads: Option<NonZeroUsize>,
    /// The stack of each of the runtime's own threads, in bytes; `None` for the platform's default.
    pub thread_stack_size: Option<NonZeroUsize>,
}

impl RuntimeSettings {
    /// The number of worker threads to start.
    pub fn workers(&self) -> usize {
        self.worker_threads.or_else(|| available_parallelism().ok()).map_or(1, NonZeroUsize::get)
    }
}

/// Builds an owned runtime of type `O`.
///
/// ```
/// # use sweet_async_core::runtime::{OwnedRuntime, RuntimeBuilder};
/// # use sweet_async_core::RuntimeError;
/// fn build<O: OwnedRuntime>() -> Result<O, RuntimeError> {
///     RuntimeBuilder::new().worker_threads(2).thread_stack_size(2 * 1024 * 1024).build()
/// }
/// ```
#[must_use = "a builder does nothing until `build`"]
#[derive(Debug)]
pub struct RuntimeBuilder<O> {
    workers: Option<usize>,
    stack: Option<usize>,
    owned: PhantomData<fn() -> O>,
}

// Not derived: that would require `O` to be `Clone`.
impl<O> Clone for RuntimeBuilder<O> {
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

impl<O: OwnedRuntime> Default for RuntimeBuilder<O> {
    fn default() -> Self {
        Self::new()
    }
}

impl<O: OwnedRuntime> RuntimeBuilder<O> {
    /// A builder with one worker thread per core, and stacks of the platform's default size.
    pub fn new() -> Self {
        Self { workers: None, stack: None, owned: PhantomData }
    }

    /// Sets the number of threads that poll tasks.
    pub fn worker_threads(self, threads: usize) -> Self {
        Self { workers: Some(threads), ..self }
    }

    /// Sets the stack size of the runtime's own threads, in bytes. Platforms round it up to what they need at
    /// least.
    pub fn thread_stack_size(self, bytes: usize) -> Self {
        Self { stack: Some(bytes), ..self }
    }

    /// Builds the runtime. It never panics.
    ///
    /// # Errors
    ///
    /// [`RuntimeError::InvalidSetting`] for zero threads, more than 65 536, or a stack of zero bytes;
    /// [`RuntimeError::Build`] if the operating system refuses a thread or a driver, and then no thread is
    /// left running.
    pub fn build(self) -> Result<O, RuntimeError> {
        let checked = |value: Option<usize>, what, most| match value {
            Some(value) if value > most => Err(RuntimeError::InvalidSetting { what, least: 1, most }),
            Some(value) => match NonZeroUsize::new(value) {
                Some(value) => Ok(Some(value)),
                None => Err(RuntimeError::InvalidSetting { what, least: 1, most }),
            },
            None => Ok(None),
        };
        let settings = RuntimeSettings {
            worker_threads: checked(self.workers, "worker_threads", MOST_WORKERS)?,
            thread_stack_size: checked(self.stack, "thread_stack_size", usize::MAX)?,
        };
        // Executors and the standard library panic where the operating system refuses a thread or a size.
        caught(|| O::with_settings(&settings)).unwrap_or_else(|panic| {
            Err(RuntimeError::Build { runtime: O::NAME, source: io::Error::other(panic) })
        })
    }
}
