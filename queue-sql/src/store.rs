//! A store: a database with the tables of queues in it.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use sweet_async_core::{CurrentRuntime, Retry, RetryStrategy, TaskBuilder};

use crate::SqlError;
use crate::connections::Connections;
use crate::engine::{Engine, Param};
use crate::hint::Hint;
use crate::migration::Tables;
use crate::queue::SqlQueue;
use crate::statements::Statements;

/// A database that holds queues. A clone is a handle on the same connections.
///
/// Connections belong to the runtime on which they were made, so a store is used on one runtime.
pub struct SqlStore<E: Engine>(Arc<Shared<E>>);

pub(crate) struct Shared<E: Engine> {
    connections: Connections<E>,
    pub(crate) statements: Statements,
    retry: Retry,
}

impl<E: Engine> Clone for SqlStore<E> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// The settings of a store, which [`open`](Self::open) opens.
#[must_use = "a store is opened by `open`"]
pub struct StoreBuilder<E: Engine> {
    pub(crate) options: <E::Connection as sqlx::Connection>::Options,
    pub(crate) database: Arc<str>,
    pub(crate) schema: Option<Arc<str>>,
    pub(crate) connections: usize,
    pub(crate) may_migrate: bool,
    pub(crate) retry: Retry,
}

/// The retries of a lost connection: 40, from 20 ms to 2 s apart, so about a minute in all.
fn default_retry() -> Retry {
    let (base, max) = (Duration::from_millis(20), Duration::from_secs(2));
    Retry::new(40).backoff(RetryStrategy::Exponential { base, factor: 2.0, max })
}

impl<E: Engine> StoreBuilder<E> {
    pub(crate) fn new(
        options: <E::Connection as sqlx::Connection>::Options,
        database: impl Into<Arc<str>>,
        connections: usize,
    ) -> Self {
        let (database, retry) = (database.into(), default_retry());
        Self { options, database, schema: None, connections, may_migrate: true, retry }
    }

    /// Sets whether the tables may be made, and brought to the version that this program needs. True by default; false
    /// for a program whose role may not change tables: it gets [`SqlError::OlderTables`] instead.
    pub fn migrate(mut self, may_migrate: bool) -> Self {
        self.may_migrate = may_migrate;
        self
    }

    /// Sets the retries of a call whose connection was lost, or that came while the server was starting. By default 40,
    /// with an exponential backoff from 20 ms to 2 s and full jitter. They need a runtime, that of the task around or
    /// the entered one; a call without a runtime is tried once. An attempt whose answer was lost may have been carried
    /// out: see [`SqlQueue`].
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Opens the store, and makes its tables where they are missing.
    ///
    /// # Errors
    ///
    /// The database cannot be reached or refuses the login; its tables are of another version, or cannot be made. No
    /// attempt is made again.
    pub async fn open(self) -> Result<SqlStore<E>, SqlError> {
        let Self { options, database, schema, connections, may_migrate, retry } = self;
        let prefix = schema.as_ref().map(|schema| format!("\"{schema}\".")).unwrap_or_default();
        let connections = Connections::new(options, database, connections);
        let tables = Tables { schema: schema.as_ref(), prefix: &prefix, may_migrate };
        tables.migrate(&connections).await?;
        let channel = format!("sweet_async_{}", schema.as_deref().unwrap_or_default());
        let statements = Statements::new(E::DIALECT, &prefix, channel);
        let retry = retry
            .retry_if(|error| error.downcast_ref::<SqlError>().is_some_and(SqlError::is_connection_lost));
        Ok(SqlStore(Arc::new(Shared { connections, statements, retry })))
    }
}

impl<E: Engine> SqlStore<E> {
    /// Opens the queue of this name, which is made by its first use.
    ///
    /// # Errors
    ///
    /// Errors of the database.
    pub async fn queue(&self, name: &str) -> Result<SqlQueue<E>, SqlError> {
        let statements = &self.0.statements;
        let params = &[Param::Text(name)];
        let find = move |mut connection| async move {
            // Not an insert with its answer, which would use a number up each time.
            let rows = E::rows(&mut connection, &statements.name, params).await?;
            let id = rows.first().map(|row| E::int(row, 0)).transpose()?;
            Ok((connection, id))
        };
        let id = match self.call("find a queue", find).await? {
            Some(id) => id,
            None => {
                self.execute("make a queue", &statements.make_name, params).await?;
                self.call("find a queue", find).await?.unwrap_or_default()
            }
        };
        let hint = Arc::new(Hint::new(statements.channel(id)));
        Ok(SqlQueue { store: self.clone(), id, hint })
    }

    /// Closes the connections that are not in use, and waits for that. A later call connects anew.
    pub async fn close(&self) {
        self.0.connections.close().await;
    }

    pub(crate) fn statements(&self) -> &Statements {
        &self.0.statements
    }

    pub(crate) fn connections(&self) -> &Connections<E> {
        &self.0.connections
    }

    /// Runs a statement, and returns the number of rows that it has changed.
    pub(crate) async fn execute(
        &self,
        doing: &'static str,
        sql: &Arc<str>,
        params: &[Param<'_>],
    ) -> Result<u64, SqlError> {
        let call = move |mut connection| async move {
            let count = E::execute(&mut connection, sql, params).await?;
            Ok((connection, count))
        };
        self.call(doing, call).await
    }

    /// Calls `call` with a connection, which it returns, and again where the connection was lost.
    pub(crate) async fn call<T, O>(
        &self,
        doing: &'static str,
        call: impl Fn(E::Connection) -> O + Send + Sync,
    ) -> Result<T, SqlError>
    where
        O: Future<Output = Result<(E::Connection, T), sqlx::Error>> + Send,
        T: Send,
    {
        let connections = &self.0.connections;
        let Some(runtime) = CurrentRuntime::of_task().or_else(CurrentRuntime::entered) else {
            return connections.with(&call).await;
        };
        let attempt = || async {
            match connections.with(&call).await {
                Err(error) if error.is_connection_lost() => Err(error),
                settled => Ok(settled),
            }
        };
        let retried = TaskBuilder::<Result<T, SqlError>, _>::new(runtime.into_dyn())
            .name(doing)
            .retry_as(self.0.retry.clone())
            .run(attempt)
            .await;
        retried
            .unwrap_or_else(|source| Err(SqlError::Lost { database: connections.database().clone(), source }))
    }
}
