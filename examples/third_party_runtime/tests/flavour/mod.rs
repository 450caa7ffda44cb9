//! The tiny runtime as a flavour of the suite.

use std::future::Future;

use conformance::{Failure, Harness};
use sweet_async_core::{AsyncTaskError, OwnedRuntime as _};
use third_party_runtime::{TinyPool, TinyRuntime};

/// A pool with `WORKERS` threads that poll.
pub(crate) struct Tiny<const WORKERS: usize>(TinyPool);

impl<const WORKERS: usize> Harness for Tiny<WORKERS> {
    type Runtime = TinyRuntime;
    const NAME: &'static str = "tiny";

    fn start() -> Result<Self, Failure> {
        Ok(Self(TinyPool::builder().worker_threads(WORKERS).build()?))
    }

    fn runtime(&self) -> TinyRuntime {
        self.0.runtime().clone()
    }

    fn block_on<F: Future>(&self, future: F) -> Result<F::Output, AsyncTaskError> {
        self.0.block_on(future)
    }

    fn is_inside() -> bool {
        std::thread::current().name().is_some_and(|name| name.starts_with("tiny-worker-"))
    }
}
