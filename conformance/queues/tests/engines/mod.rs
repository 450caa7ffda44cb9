//! The engines in memory, on a backend.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::Future;
use std::marker::PhantomData;
use std::num::NonZeroUsize;

use conformance_queues::{Backend, Failure, LeasedQueue, QueueHarness};
use sweet_async_core::{AsyncTaskError, DynRuntime};
use sweet_async_pipeline::{BoundedQueue, Queue};

/// The queues of a harness, by name. They live as long as it does.
pub(crate) struct Named<B, Q> {
    pub(crate) backend: B,
    queues: RefCell<HashMap<String, Q>>,
}

impl<B: Backend, Q: Queue> Named<B, Q> {
    pub(crate) fn start(seed: u64) -> Result<Self, Failure> {
        Ok(Self { backend: B::start(seed)?, queues: RefCell::default() })
    }

    pub(crate) fn open(&self, name: &str, make: impl FnOnce(&DynRuntime) -> Q) -> Q {
        let mut queues = self.queues.borrow_mut();
        queues.entry(name.to_owned()).or_insert_with(|| make(&self.backend.runtime())).clone()
    }
}

/// The bounded queue.
pub(crate) struct Bounded<B>(Named<B, BoundedQueue>);

impl<B: Backend> QueueHarness for Bounded<B> {
    type Queue = BoundedQueue;
    const CLAIM_WAITS: bool = true;
    const VIRTUAL_TIME: bool = B::VIRTUAL_TIME;
    const SEEDS: u64 = B::SEEDS;

    fn start(seed: u64) -> Result<Self, Failure> {
        Named::start(seed).map(Self)
    }
    fn runtime(&self) -> DynRuntime {
        self.0.backend.runtime()
    }
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output, AsyncTaskError> {
        self.0.backend.block_on(future)
    }
    async fn open(&self, name: &str) -> Result<BoundedQueue, Failure> {
        Ok(self.0.open(name, |_| BoundedQueue::new(NonZeroUsize::new(10_000).unwrap_or(NonZeroUsize::MIN))))
    }
}

/// The queue with leases.
pub(crate) struct Leased<B>(Named<B, LeasedQueue<DynRuntime>>, PhantomData<B>);

impl<B: Backend> QueueHarness for Leased<B> {
    type Queue = LeasedQueue<DynRuntime>;
    const CLAIM_WAITS: bool = true;
    const VIRTUAL_TIME: bool = B::VIRTUAL_TIME;
    const SEEDS: u64 = B::SEEDS;

    fn start(seed: u64) -> Result<Self, Failure> {
        Ok(Self(Named::start(seed)?, PhantomData))
    }
    fn runtime(&self) -> DynRuntime {
        self.0.backend.runtime()
    }
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output, AsyncTaskError> {
        self.0.backend.block_on(future)
    }
    async fn open(&self, name: &str) -> Result<LeasedQueue<DynRuntime>, Failure> {
        Ok(self.0.open(name, LeasedQueue::new))
    }
}
