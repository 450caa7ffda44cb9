//! The flavours of smol: the global executor, pools with one and with several threads, and a user's executor.

use std::future::Future;
use std::sync::Arc;

use async_executor::Executor;
use conformance::{CASE_THREAD, Failure, Harness};
use sweet_async::smol::{SmolPool, SmolRuntime};
use sweet_async::{AsyncTaskError, BlockOn as _};

fn on_thread_named(start: &str) -> bool {
    std::thread::current().name().is_some_and(|name| name.starts_with(start))
}

/// smol's global executor.
pub(crate) struct Global;

impl Harness for Global {
    type Runtime = SmolRuntime;
    const NAME: &'static str = "smol";
    const NEVER_ENDS: bool = true;

    fn start() -> Result<Self, Failure> {
        Ok(Self)
    }

    fn runtime(&self) -> SmolRuntime {
        SmolRuntime::global()
    }

    fn block_on<F: Future>(&self, future: F) -> Result<F::Output, AsyncTaskError> {
        SmolRuntime::global().block_on(future)
    }

    fn is_inside() -> bool {
        on_thread_named("smol-")
    }
}

macro_rules! pool {
    ($name:ident, $threads:literal, $doc:literal) => {
        #[doc = $doc]
        pub(crate) struct $name(SmolPool);

        impl Harness for $name {
            type Runtime = SmolRuntime;
            const NAME: &'static str = "smol";

            fn start() -> Result<Self, Failure> {
                Ok(Self(SmolPool::new($threads)?))
            }

            fn runtime(&self) -> SmolRuntime {
                self.0.runtime().clone()
            }

            fn block_on<F: Future>(&self, future: F) -> Result<F::Output, AsyncTaskError> {
                self.0.block_on(future)
            }

            fn is_inside() -> bool {
                on_thread_named("sweet-smol-")
            }
        }
    };
}

pool!(OneThread, 1, "A pool with one thread.");
pool!(ManyThreads, 3, "A pool with several threads.");

/// A user's executor, run by the thread that waits for the result.
pub(crate) struct OwnExecutor {
    executor: Arc<Executor<'static>>,
    runtime: SmolRuntime,
}

impl Harness for OwnExecutor {
    type Runtime = SmolRuntime;
    const NAME: &'static str = "smol";
    const POLLS_ON_CALLER: bool = true;

    fn start() -> Result<Self, Failure> {
        let executor = Arc::new(Executor::new());
        let runtime = SmolRuntime::from_executor(&executor, 1);
        Ok(Self { executor, runtime })
    }

    fn runtime(&self) -> SmolRuntime {
        self.runtime.clone()
    }

    fn block_on<F: Future>(&self, future: F) -> Result<F::Output, AsyncTaskError> {
        self.runtime.block_on(self.executor.run(future))
    }

    fn is_inside() -> bool {
        on_thread_named(CASE_THREAD)
    }
}
