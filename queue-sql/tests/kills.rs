//! Processes that share a queue in a SQL database, and are killed. PostgreSQL needs a server:
//! `scripts/with-postgres cargo test -p sweet-async-sql --all-features --test kills`.

use std::any::Any;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};

use conformance_queues::kills::SharedEngine;
use conformance_queues::{Backend, Failure, Smol, Tokio};
use sqlx::{Connection as _, PgConnection};
use sweet_async_sql::{Durability, PostgresQueue, PostgresStore, SqliteQueue, SqliteStore, sqlx};

/// The variable with the server's address.
const URL: &str = "POSTGRES_URL";

struct Sqlite<B>(PhantomData<B>);

impl<B: Backend> SharedEngine for Sqlite<B> {
    type Backend = B;
    type Queue = SqliteQueue;
    const HAS_SERVER: bool = false;

    fn place() -> Result<(String, Box<dyn Any>), Failure> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("queues.db").display().to_string();
        Ok((file, Box::new(folder)))
    }
    async fn open(address: &str, name: &str) -> Result<SqliteQueue, Failure> {
        // Processes are killed here, and not the machine.
        let store = SqliteStore::builder(address).durability(Durability::ProcessCrash).open().await?;
        Ok(store.queue(name).await?)
    }
}

struct Postgres<B>(PhantomData<B>);

impl<B: Backend> SharedEngine for Postgres<B> {
    type Backend = B;
    type Queue = PostgresQueue;
    const HAS_SERVER: bool = true;

    fn unavailable() -> Option<String> {
        std::env::var(URL).is_err().then(|| format!("{URL} is not set"))
    }
    fn place() -> Result<(String, Box<dyn Any>), Failure> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let schema = format!("kills_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Ok((schema, Box::new(())))
    }
    async fn open(address: &str, name: &str) -> Result<PostgresQueue, Failure> {
        let store = PostgresStore::builder(&std::env::var(URL)?)?.schema(address)?.open().await?;
        Ok(store.queue(name).await?)
    }
    async fn cut(_: &str) -> Result<bool, Failure> {
        let mut connection = PgConnection::connect(&std::env::var(URL)?).await?;
        let cut =
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sweet-async'";
        sqlx::query(cut).execute(&mut connection).await?;
        connection.close().await?;
        Ok(true)
    }
}

conformance_queues::queue_kills! {
    sqlite_on_tokio: Sqlite<Tokio>,
    sqlite_on_smol: Sqlite<Smol>,
    postgres_on_tokio: Postgres<Tokio>,
    postgres_on_smol: Postgres<Smol>,
}
