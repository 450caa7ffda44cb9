//! The flavours of Tokio: one thread, and several.

use std::future::Future;

use conformance::{Failure, Harness};
use sweet_async::AsyncTaskError;
use sweet_async::tokio::{OwnedTokio, TokioRuntime};
use tokio::runtime::{Handle, RuntimeFlavor};

fn inside(flavor: RuntimeFlavor) -> bool {
    Handle::try_current().is_ok_and(|handle| handle.runtime_flavor() == flavor)
}

/// A runtime that runs on the thread of its `block_on`.
pub(crate) struct CurrentThread(OwnedTokio);

impl Harness for CurrentThread {
    type Runtime = TokioRuntime;
    const NAME: &'static str = "tokio";
    const POLLS_ON_CALLER: bool = true;

    fn start() -> Result<Self, Failure> {
        Ok(Self(OwnedTokio::current_thread()?))
    }

    fn runtime(&self) -> TokioRuntime {
        self.0.runtime().clone()
    }

    fn block_on<F: Future>(&self, future: F) -> Result<F::Output, AsyncTaskError> {
        self.0.block_on(future)
    }

    fn is_inside() -> bool {
        inside(RuntimeFlavor::CurrentThread)
    }
}

/// A runtime with worker threads.
pub(crate) struct MultiThread(OwnedTokio);

impl Harness for MultiThread {
    type Runtime = TokioRuntime;
    const NAME: &'static str = "tokio";

    fn start() -> Result<Self, Failure> {
        Ok(Self(OwnedTokio::multi_thread(2)?))
    }

    fn runtime(&self) -> TokioRuntime {
        self.0.runtime().clone()
    }

    fn block_on<F: Future>(&self, future: F) -> Result<F::Output, AsyncTaskError> {
        self.0.block_on(future)
    }

    fn is_inside() -> bool {
        inside(RuntimeFlavor::MultiThread)
    }
}
