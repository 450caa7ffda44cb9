//! The suite for queues on PostgreSQL, on Tokio and on smol. It needs a server: `scripts/with-postgres cargo test ..`.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};

use conformance_queues::{Backend, Failure, Outcome, QueueHarness, Smol, Tokio};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use sweet_async_core::{AsyncTaskError, DynRuntime};
use sweet_async_sql::{PostgresQueue, PostgresStore};

/// The variable with the server's address.
const URL: &str = "POSTGRES_URL";

/// A schema of its own for each case. Each handle has connections of its own, as each process would.
struct Postgres<B> {
    backend: B,
    url: String,
    schema: String,
}

impl<B: Backend> QueueHarness for Postgres<B> {
    type Queue = PostgresQueue;

    fn unavailable() -> Option<String> {
        std::env::var(URL).is_err().then(|| format!("{URL} is not set"))
    }
    fn start(seed: u64) -> Result<Self, Failure> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let schema = format!("case_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Ok(Self { backend: B::start(seed)?, url: std::env::var(URL)?, schema })
    }
    fn runtime(&self) -> DynRuntime {
        self.backend.runtime()
    }
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output, AsyncTaskError> {
        self.backend.block_on(future)
    }
    async fn open(&self, name: &str) -> Result<PostgresQueue, Failure> {
        let store =
            PostgresStore::builder(&self.url)?.schema(&self.schema)?.max_connections(2).open().await?;
        Ok(store.queue(name).await?)
    }
    async fn clean(&self) -> Outcome {
        let mut connection = PgConnection::connect(&self.url).await?;
        let drop = format!("DROP SCHEMA IF EXISTS {} CASCADE", self.schema);
        sqlx::query(AssertSqlSafe(drop)).execute(&mut connection).await?;
        Ok(connection.close().await?)
    }
}

conformance_queues::queue_suite! {
    postgres_on_tokio: Postgres<Tokio>,
    postgres_on_smol: Postgres<Smol>,
}
