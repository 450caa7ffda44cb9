//! Any runtime that a program owns, with two workers.

use std::future::Future;

use conformance::{Failure, Harness};
use sweet_async::{AsyncTaskError, OwnedRuntime};

/// A runtime of type `O`. The tests move it out of this.
pub(crate) struct Of<O>(pub(crate) O);

impl<O: OwnedRuntime> Harness for Of<O> {
    type Runtime = O::Handle;
    const NAME: &'static str = O::NAME;

    fn start() -> Result<Self, Failure> {
        Ok(Self(O::builder().worker_threads(2).build()?))
    }

    fn runtime(&self) -> O::Handle {
        self.0.runtime().clone()
    }

    fn block_on<F: Future>(&self, future: F) -> Result<F::Output, AsyncTaskError> {
        self.0.block_on(future)
    }

    fn is_inside() -> bool {
        false
    }
}
