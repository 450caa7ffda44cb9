//! The executors under test. Each offers its own spawn, and the library's spawn on the same threads.

use std::future::Future;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use async_executor::Executor;
use futures::FutureExt as _;
use sweet_async::smol::SmolRuntime;
use sweet_async::tokio::{OwnedTokio, TokioRuntime};
use sweet_async::{BlockOn, Runtime};

use crate::Failure;

/// An executor with threads.
pub trait Backend: Clone + Send + Sync + 'static {
    /// The executor as the library sees it.
    type Runtime: Runtime;

    /// The name in the results.
    const NAME: &'static str;

    /// The library's handle to the executor.
    fn runtime(&self) -> &Self::Runtime;

    /// Spawns `future` with the executor's own spawn, called as its users call it. The call must be inside
    /// `block_on` or a task.
    fn raw_spawn<F>(&self, future: F) -> impl Future<Output = Option<F::Output>> + Send + Unpin + 'static
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static;

    /// Awaits `future` for at most `limit`, by the means of the executor's own users; `None` once that has
    /// passed.
    fn raw_timeout<F: Future + Send>(
        limit: Duration,
        future: F,
    ) -> impl Future<Output = Option<F::Output>> + Send
    where
        F::Output: Send;

    /// Runs `future` on this thread. Tasks run on the executor's threads if it has any, else on this one.
    ///
    /// # Errors
    ///
    /// If it is called inside another `block_on` or a task.
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output, Failure>;
}

/// Tokio, with threads of its own or on the caller's thread.
#[derive(Clone)]
pub struct Tokio(Arc<OwnedTokio>);

impl Tokio {
    /// Tokio's multi-thread runtime.
    ///
    /// # Errors
    ///
    /// If it cannot be built.
    pub fn multi_thread(workers: usize) -> Result<Self, Failure> {
        Ok(Self(Arc::new(OwnedTokio::multi_thread(workers)?)))
    }

    /// Tokio's current-thread runtime.
    ///
    /// # Errors
    ///
    /// If it cannot be built.
    pub fn current_thread() -> Result<Self, Failure> {
        Ok(Self(Arc::new(OwnedTokio::current_thread()?)))
    }
}

impl Backend for Tokio {
    type Runtime = TokioRuntime;

    const NAME: &'static str = "tokio";

    fn runtime(&self) -> &TokioRuntime {
        self.0.runtime()
    }

    fn raw_spawn<F>(&self, future: F) -> impl Future<Output = Option<F::Output>> + Send + Unpin + 'static
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        tokio::spawn(future).map(Result::ok)
    }

    fn raw_timeout<F: Future + Send>(
        limit: Duration,
        future: F,
    ) -> impl Future<Output = Option<F::Output>> + Send
    where
        F::Output: Send,
    {
        tokio::time::timeout(limit, future).map(Result::ok)
    }

    fn block_on<F: Future>(&self, future: F) -> Result<F::Output, Failure> {
        Ok(self.0.block_on(future)?)
    }
}

/// async-executor, with threads of its own or on the caller's thread.
#[derive(Clone)]
pub struct Smol {
    executor: Arc<Executor<'static>>,
    runtime: SmolRuntime,
    is_current_thread: bool,
}

impl Smol {
    /// An executor with `workers` threads, which end with the process.
    ///
    /// # Errors
    ///
    /// If a thread cannot be started.
    pub fn multi_thread(workers: usize) -> Result<Self, Failure> {
        let smol = Self::new(workers, false);
        for _ in 0..workers {
            let executor = smol.executor.clone();
            thread::Builder::new()
                .spawn(move || smol::block_on(executor.run(std::future::pending::<()>())))?;
        }
        Ok(smol)
    }

    /// An executor that runs only inside `block_on`.
    pub fn current_thread() -> Self {
        Self::new(1, true)
    }

    fn new(workers: usize, is_current_thread: bool) -> Self {
        let executor = Arc::new(Executor::new());
        let runtime = SmolRuntime::from_executor(&executor, workers);
        Self { executor, runtime, is_current_thread }
    }
}

impl Backend for Smol {
    type Runtime = SmolRuntime;

    const NAME: &'static str = "smol";

    fn runtime(&self) -> &SmolRuntime {
        &self.runtime
    }

    fn raw_spawn<F>(&self, future: F) -> impl Future<Output = Option<F::Output>> + Send + Unpin + 'static
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.executor.spawn(future).map(Some)
    }

    fn raw_timeout<F: Future + Send>(
        limit: Duration,
        future: F,
    ) -> impl Future<Output = Option<F::Output>> + Send
    where
        F::Output: Send,
    {
        smol::future::or(future.map(Some), smol::Timer::after(limit).map(|_| None))
    }

    fn block_on<F: Future>(&self, future: F) -> Result<F::Output, Failure> {
        if self.is_current_thread {
            Ok(self.runtime.block_on(self.executor.run(future))?)
        } else {
            Ok(self.runtime.block_on(future)?)
        }
    }
}
