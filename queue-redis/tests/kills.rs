//! Processes that share a queue on Redis, and are killed. It needs a server that keeps what it was told:
//! `REDIS_APPENDONLY=yes scripts/with-redis cargo test -p sweet-async-redis --all-features --test kills`.

use std::any::Any;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};

use conformance_queues::kills::SharedEngine;
use conformance_queues::{Backend, Failure, Smol, Tokio};
use sweet_async_redis::RedisQueue;

/// The variable with the server's address.
const URL: &str = "REDIS_URL";

struct Redis<B>(PhantomData<B>);

impl<B: Backend> SharedEngine for Redis<B> {
    type Backend = B;
    type Queue = RedisQueue;
    const HAS_SERVER: bool = true;

    fn unavailable() -> Option<String> {
        std::env::var(URL).is_err().then(|| format!("{URL} is not set"))
    }
    fn place() -> Result<(String, Box<dyn Any>), Failure> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let prefix = format!("kills_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Ok((prefix, Box::new(())))
    }
    async fn open(address: &str, name: &str) -> Result<RedisQueue, Failure> {
        Ok(RedisQueue::builder(&std::env::var(URL)?, name).key_prefix(address).connect().await?)
    }
    async fn cut(_: &str) -> Result<bool, Failure> {
        let client = redis::Client::open(std::env::var(URL)?)?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        for kind in ["normal", "pubsub"] {
            let mut kill = redis::cmd("CLIENT");
            kill.arg("KILL").arg("TYPE").arg(kind).arg("SKIPME").arg("yes");
            let () = kill.query_async(&mut connection).await?;
        }
        Ok(true)
    }
}

conformance_queues::queue_kills! {
    redis_on_tokio: Redis<Tokio>,
    redis_on_smol: Redis<Smol>,
}
