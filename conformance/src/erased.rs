//! A flavour on the erased runtime, so that most cases are compiled once for all flavours.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use sweet_async::{AsyncTaskError, DynRuntime};

use crate::{Failure, Harness, Outcome};

/// The future of a case.
pub type Running = Pin<Box<dyn Future<Output = Outcome>>>;

/// The flavour `H` with its runtime in a [`DynRuntime`].
///
/// Its tasks use all of the backend except the results of its join handles. Topics about those run on the
/// runtime's own type.
pub struct Erased<H>(H);

impl<H: Harness> Harness for Erased<H> {
    type Runtime = DynRuntime;
    const NAME: &'static str = H::NAME;
    const POLLS_ON_CALLER: bool = H::POLLS_ON_CALLER;
    const NEVER_ENDS: bool = H::NEVER_ENDS;
    const HAS_THREADS: bool = H::HAS_THREADS;
    const VIRTUAL_TIME: bool = H::VIRTUAL_TIME;
    const SEEDS: u64 = H::SEEDS;
    const PATIENCE: Duration = H::PATIENCE;
    const LIMIT: Duration = H::LIMIT;

    fn start() -> Result<Self, Failure> {
        H::start().map(Self)
    }

    fn start_with(seed: u64) -> Result<Self, Failure> {
        H::start_with(seed).map(Self)
    }

    fn runtime(&self) -> DynRuntime {
        DynRuntime::new(&self.0.runtime())
    }

    fn block_on<F: Future>(&self, future: F) -> Result<F::Output, AsyncTaskError> {
        self.0.block_on(future)
    }

    fn is_inside() -> bool {
        H::is_inside()
    }
}
