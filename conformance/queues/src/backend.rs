//! The backends of this library, for harnesses of engines.

use std::future::Future;

use sweet_async_core::{AsyncTaskError, DynRuntime};

use crate::Failure;

/// A runtime for one case, which a harness may be generic over.
pub trait Backend: Sized + 'static {
    /// [`QueueHarness::VIRTUAL_TIME`](crate::QueueHarness::VIRTUAL_TIME), for an engine that uses the runtime's clock.
    const VIRTUAL_TIME: bool = false;

    /// [`QueueHarness::SEEDS`](crate::QueueHarness::SEEDS).
    const SEEDS: u64 = 1;

    /// Builds the runtime.
    ///
    /// # Errors
    ///
    /// It could not be built.
    fn start(seed: u64) -> Result<Self, Failure>;

    /// Returns the handle to the runtime.
    fn runtime(&self) -> DynRuntime;

    /// Drives `future` on this thread to its end, with the runtime entered.
    ///
    /// # Errors
    ///
    /// As for [`BlockOn::block_on`](sweet_async_core::BlockOn::block_on).
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output, AsyncTaskError>;
}

/// A runtime of Tokio with two threads.
#[cfg(feature = "tokio")]
pub struct Tokio(sweet_async_tokio::OwnedTokio);

#[cfg(feature = "tokio")]
impl Backend for Tokio {
    fn start(_: u64) -> Result<Self, Failure> {
        Ok(Self(sweet_async_tokio::OwnedTokio::multi_thread(2)?))
    }
    fn runtime(&self) -> DynRuntime {
        DynRuntime::new(self.0.runtime())
    }
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output, AsyncTaskError> {
        self.0.block_on(future)
    }
}

/// A pool of smol with two threads.
#[cfg(feature = "smol")]
pub struct Smol(sweet_async_smol::SmolPool);

#[cfg(feature = "smol")]
impl Backend for Smol {
    fn start(_: u64) -> Result<Self, Failure> {
        Ok(Self(sweet_async_smol::SmolPool::new(2)?))
    }
    fn runtime(&self) -> DynRuntime {
        DynRuntime::new(self.0.runtime())
    }
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output, AsyncTaskError> {
        self.0.block_on(future)
    }
}

/// A simulation.
#[cfg(feature = "sim")]
pub struct Sim(sweet_async_sim::SimRuntime);

#[cfg(feature = "sim")]
impl Backend for Sim {
    const VIRTUAL_TIME: bool = true;
    const SEEDS: u64 = 20;

    fn start(seed: u64) -> Result<Self, Failure> {
        Ok(Self(sweet_async_sim::SimRuntime::new(seed)))
    }
    fn runtime(&self) -> DynRuntime {
        DynRuntime::new(self.0.runtime())
    }
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output, AsyncTaskError> {
        self.0.block_on(future)
    }
}
