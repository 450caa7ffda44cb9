//! A store: a database with the tables of queues and of runs in it.

use std::future::Future;
use std::sync::Arc;

use sweet_async_pipeline::Reconnect;

use crate::SqlError;
use crate::connections::Connections;
use crate::engine::{Engine, Param};
use crate::hint::Hint;
use crate::migration::Tables;
use crate::queue::SqlQueue;
#[cfg(feature = "durable")]
use crate::run_statements::RunStatements;
use crate::statements::Statements;

/// A database that holds queues, and with the feature `durable` runs of orchestras. A clone is a handle on the same connections.
///
/// Connections belong to the runtime on which they were made, so a store is used on one runtime.
pub struct SqlStore<E: Engine>(Arc<Shared<E>>);

pub(crate) struct Shared<E: Engine> {
    connections: Connections<E>,
    pub(crate) statements: Statements,
    #[cfg(feature = "durable")]
    pub(crate) run_statements: RunStatements,
    reconnect: Reconnect,
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
    pub(crate) reconnect: Reconnect,
}

impl<E: Engine> StoreBuilder<E> {
    pub(crate) fn new(
        options: <E::Connection as sqlx::Connection>::Options,
        database: impl Into<Arc<str>>,
        connections: usize,
    ) -> Self {
        let (database, reconnect) = (database.into(), Reconnect::default());
        Self { options, database, schema: None, connections, may_migrate: true, reconnect }
    }

    /// Sets whether the tables may be made, and brought to the version that this program needs. True by default; false
    /// for a program whose role may not change tables: it gets [`SqlError::OlderTables`] instead.
    pub fn migrate(mut self, may_migrate: bool) -> Self {
        self.may_migrate = may_migrate;
        self
    }

    /// Sets the retries of a call whose connection was lost, or that came while the server was starting. An attempt whose
    /// answer was lost may have been carried out: see [`SqlQueue`].
    pub fn reconnect(mut self, reconnect: Reconnect) -> Self {
        self.reconnect = reconnect;
        self
    }

    /// Opens the store, and makes its tables where they are missing.
    ///
    /// # Errors
    ///
    /// The database cannot be reached or refuses the login; its tables are of another version, or cannot be made. A server
    /// that cannot be reached is not tried again.
    ///
    /// # Cancel safety
    ///
    /// A dropped call has made all tables of a version or none of them.
    pub async fn open(self) -> Result<SqlStore<E>, SqlError> {
        let Self { options, database, schema, connections, may_migrate, reconnect } = self;
        let prefix = schema.as_ref().map(|schema| format!("\"{schema}\".")).unwrap_or_default();
        let connections = Connections::new(options, database, connections);
        let tables = Tables { schema: schema.as_ref(), prefix: &prefix, may_migrate };
        // Several processes may make a new file at once, and SQLite does not wait for its lock then.
        let migrated =
            reconnect.call("open a store", SqlError::is_busy, || tables.migrate(&connections)).await;
        migrated.unwrap_or_else(|source| {
            Err(SqlError::Lost { database: connections.database().clone(), source })
        })?;
        let channel = format!("sweet_async_{}", schema.as_deref().unwrap_or_default());
        let statements = Statements::new(E::DIALECT, &prefix, channel);
        Ok(SqlStore(Arc::new(Shared {
            connections,
            statements,
            #[cfg(feature = "durable")]
            run_statements: RunStatements::new(E::DIALECT, &prefix),
            reconnect,
        })))
    }
}

impl<E: Engine> SqlStore<E> {
    /// Opens the queue of this name, which is made by its first use.
    ///
    /// # Errors
    ///
    /// Errors of the database.
    ///
    /// # Cancel safety
    ///
    /// A dropped call may have made the queue.
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

    /// Closes the connections that are not in use, and waits for that. A later call connects anew. A dropped call closes
    /// them too, in less good order.
    pub async fn close(&self) {
        self.0.connections.close().await;
    }

    pub(crate) fn statements(&self) -> &Statements {
        &self.0.statements
    }

    #[cfg(feature = "durable")]
    pub(crate) fn run_statements(&self) -> &RunStatements {
        &self.0.run_statements
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
        let Shared { connections, reconnect, .. } = &*self.0;
        let called = reconnect.call(doing, SqlError::is_connection_lost, || connections.with(&call)).await;
        called
            .unwrap_or_else(|source| Err(SqlError::Lost { database: connections.database().clone(), source }))
    }
}
