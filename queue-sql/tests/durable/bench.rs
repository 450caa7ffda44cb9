//! The stores, and nodes that count their runs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

#[cfg(feature = "postgres")]
use anyhow::Context as _;
use conformance_queues::{Backend, Outcome};
use sweet_async_core::{DynRuntime, TaskBuilder};
use sweet_async_orchestra::durable::{MemoryRunStore, RunStore};
use sweet_async_orchestra::{Orchestrator, OrchestratorBuilder, OrchestratorError};
use sweet_async_sql::{Durability, SqliteStore};

pub(crate) type Orchestra = Orchestrator<DynRuntime>;

pub(crate) fn in_memory<B: Backend>(case: impl AsyncFn(DynRuntime, MemoryRunStore) -> Outcome) -> Outcome {
    let backend = B::start(1)?;
    backend.block_on(case(backend.runtime(), MemoryRunStore::new()))?
}

pub(crate) fn in_sqlite<B: Backend>(case: impl AsyncFn(DynRuntime, SqliteStore) -> Outcome) -> Outcome {
    let (backend, folder) = (B::start(1)?, tempfile::tempdir()?);
    backend.block_on(async {
        let builder = SqliteStore::builder(folder.path().join("runs.db"));
        let store = builder.durability(Durability::ProcessCrash).open().await?;
        case(backend.runtime(), store).await
    })?
}

#[cfg(feature = "postgres")]
pub(crate) fn in_postgres<B: Backend>(
    case: impl AsyncFn(DynRuntime, sweet_async_sql::PostgresStore) -> Outcome,
) -> Outcome {
    use std::sync::atomic::{AtomicU64, Ordering};

    use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

    static NEXT: AtomicU64 = AtomicU64::new(0);
    let url = std::env::var("POSTGRES_URL").context("POSTGRES_URL is not set")?;
    let backend = B::start(1)?;
    let schema = format!("runs_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    backend.block_on(async {
        let builder = sweet_async_sql::PostgresStore::builder(&url)?.schema(&schema)?;
        let outcome = case(backend.runtime(), builder.max_connections(2).open().await?).await;
        let mut connection = PgConnection::connect(&url).await?;
        let drop = format!("DROP SCHEMA IF EXISTS {schema} CASCADE");
        sqlx::query(AssertSqlSafe(drop)).execute(&mut connection).await?;
        connection.close().await?;
        outcome
    })?
}

/// The number of runs of each node.
#[derive(Clone, Default)]
pub(crate) struct Counts(Arc<Mutex<BTreeMap<String, u32>>>);

impl Counts {
    pub(crate) fn add(&self, node: &str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(node.to_owned()).or_default() += 1;
    }

    pub(crate) fn of(&self, node: &str) -> u32 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(node).copied().unwrap_or_default()
    }
}

pub(crate) fn orchestra<Q: RunStore + Clone>(
    runtime: &DynRuntime,
    store: &Q,
    run: &str,
) -> Result<Orchestra, OrchestratorError> {
    OrchestratorBuilder::new(runtime.clone()).durable(store, run).build()
}

pub(crate) fn task<T>(runtime: &DynRuntime) -> TaskBuilder<T, DynRuntime> {
    TaskBuilder::new(runtime.clone())
}
