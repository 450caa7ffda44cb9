//! The suite for queues on Redis, on Tokio and on smol. It needs a server: `scripts/with-redis cargo test ..`.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};

use conformance_queues::{Backend, Failure, QueueHarness, Smol, Tokio};
use sweet_async_core::{AsyncTaskError, DynRuntime};
use sweet_async_redis::RedisQueue;

/// The variable with the server's address.
const URL: &str = "REDIS_URL";

/// A prefix of its own for each case. Each handle has connections of its own, as each process would.
struct Redis<B> {
    backend: B,
    url: String,
    prefix: String,
}

impl<B: Backend> QueueHarness for Redis<B> {
    type Queue = RedisQueue;

    fn unavailable() -> Option<String> {
        std::env::var(URL).is_err().then(|| format!("{URL} is not set"))
    }
    fn start(seed: u64) -> Result<Self, Failure> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let prefix = format!("case_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Ok(Self { backend: B::start(seed)?, url: std::env::var(URL)?, prefix })
    }
    fn runtime(&self) -> DynRuntime {
        self.backend.runtime()
    }
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output, AsyncTaskError> {
        self.backend.block_on(future)
    }
    async fn open(&self, name: &str) -> Result<RedisQueue, Failure> {
        Ok(RedisQueue::builder(&self.url, name).key_prefix(&self.prefix).connect().await?)
    }
}

conformance_queues::queue_suite! {
    redis_on_tokio: Redis<Tokio>,
    redis_on_smol: Redis<Smol>,
}
