//! The suite for queues on SQLite, on Tokio and on smol.

use std::future::Future;

use conformance_queues::{Backend, Failure, QueueHarness, Smol, Tokio};
use sweet_async_core::{AsyncTaskError, DynRuntime};
use sweet_async_sql::{Durability, SqliteQueue, SqliteStore};
use tempfile::TempDir;

/// A file of its own for each case. Each handle has a connection of its own, as each process would.
struct Sqlite<B> {
    backend: B,
    folder: TempDir,
}

impl<B: Backend> QueueHarness for Sqlite<B> {
    type Queue = SqliteQueue;

    fn start(seed: u64) -> Result<Self, Failure> {
        Ok(Self { backend: B::start(seed)?, folder: tempfile::tempdir()? })
    }
    fn runtime(&self) -> DynRuntime {
        self.backend.runtime()
    }
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output, AsyncTaskError> {
        self.backend.block_on(future)
    }
    async fn open(&self, name: &str) -> Result<SqliteQueue, Failure> {
        // No power is lost here.
        let store = SqliteStore::builder(self.folder.path().join("queues.db"))
            .durability(Durability::ProcessCrash)
            .open()
            .await?;
        Ok(store.queue(name).await?)
    }
}

conformance_queues::queue_suite! {
    sqlite_on_tokio: Sqlite<Tokio>,
    sqlite_on_smol: Sqlite<Smol>,
}
