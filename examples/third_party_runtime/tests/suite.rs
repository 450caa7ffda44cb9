//! The whole conformance suite on the tiny runtime, with one worker thread and with three.

use std::future::Future;
use std::sync::OnceLock;

use conformance::{Failure, Harness};
use sweet_async::{AsyncTaskError, DynRuntime, install_default};
use sweet_async_core::OwnedRuntime as _;
use third_party_runtime::{TinyPool, TinyRuntime};

/// The runtime that `sweet_async::block_on` uses, for as long as the process lives. Some cases call it, and
/// the facade has no runtime of its own if no backend is compiled into it.
static DEFAULT: OnceLock<Option<TinyPool>> = OnceLock::new();

fn install() -> Result<(), Failure> {
    let install = || {
        let pool = TinyPool::builder().worker_threads(1).build().ok()?;
        install_default(DynRuntime::new(pool.runtime())).ok()?;
        Some(pool)
    };
    DEFAULT.get_or_init(install).as_ref().map(|_| ()).ok_or_else(|| Failure::msg("no default was installed"))
}

/// A pool with `WORKERS` threads that poll.
struct Tiny<const WORKERS: usize>(TinyPool);

impl<const WORKERS: usize> Harness for Tiny<WORKERS> {
    type Runtime = TinyRuntime;
    const NAME: &'static str = "tiny";

    fn start() -> Result<Self, Failure> {
        install()?;
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

conformance::suite! {
    one_worker: Tiny<1>,
    three_workers: Tiny<3>,
}
