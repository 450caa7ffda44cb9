//! PostgreSQL: claims pass over rows that others have locked, and `NOTIFY` is a hint.

use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_lite::future::{or, poll_once};
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions, PgRow};
use sqlx::{AssertSqlSafe, ConnectOptions as _, PgConnection, Postgres, Row as _};

use sweet_async_core::{CurrentRuntime, DynRuntime, Join as _, Runtime as _};

use crate::connections::Connections;
use crate::dialect::Dialect;
use crate::engine::{Added, Boxed, Engine, NewMessage, Param, refused};
use crate::hint::Hint;
use crate::statements::Statements;

type Query<'q> = sqlx::query::Query<'q, Postgres, sqlx::postgres::PgArguments>;

fn bound<'q>(sql: &Arc<str>, params: &[Param<'_>]) -> Query<'q> {
    // The statements of this crate, with all values as parameters.
    let query = sqlx::query(AssertSqlSafe(sql.clone()));
    params.iter().fold(query, |query, param| match *param {
        Param::Int(n) => query.bind(n),
        Param::Text(text) => query.bind(text),
        Param::Bytes(bytes) => query.bind(bytes),
    })
}

impl Engine for Postgres {
    const DIALECT: Dialect = Dialect {
        serial: "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
        bytes: "BYTEA",
        // Bodies that are long are kept apart by the server, and not copied with each change of their row.
        body_column: " body BYTEA NOT NULL,",
        body: "body",
        now: "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)",
        skip_locked: "FOR UPDATE SKIP LOCKED",
        share_lock: "FOR SHARE",
        update_lock: "FOR UPDATE",
        elements: "jsonb_array_elements(CAST($2 AS JSONB)) AS item(value)",
        texts: "jsonb_array_elements_text(CAST($2 AS JSONB)) AS item(value)",
        // The planner does not know how few the elements are, and would take them for too many to use an index. Of an array
        // it assumes that they are few.
        among: "AND id = ANY (ARRAY(SELECT CAST(value ->> 0 AS BIGINT) FROM {elements}))",
        tuning: &[
            // Bodies are compressed where they are to be by whoever publishes them.
            "ALTER TABLE {s}queue_messages ALTER COLUMN body SET STORAGE EXTERNAL",
            // Rows live shortly: room for their new versions in their page, and a vacuum that keeps up.
            "ALTER TABLE {s}queue_messages SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, \
             autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0)",
        ],
        looks_first: false,
        begin: "BEGIN",
        lock: Some("SELECT pg_advisory_xact_lock(hashtextextended('sweet_async', 0))"),
        has_schema: Some("SELECT COUNT(*) FROM pg_namespace WHERE nspname = $1"),
        has_version: "SELECT COUNT(to_regclass('{s}sweet_async_version'))",
    };

    const POLL_PERIOD: Duration = Duration::from_secs(1);

    type Listener = Listener;

    fn connect(options: &PgConnectOptions) -> Boxed<'_, PgConnection> {
        Box::pin(options.connect())
    }

    fn execute<'a>(
        connection: &'a mut PgConnection,
        sql: &'a Arc<str>,
        params: &'a [Param<'a>],
    ) -> Boxed<'a, u64> {
        Box::pin(async move { Ok(bound(sql, params).execute(connection).await?.rows_affected()) })
    }

    fn rows<'a>(
        connection: &'a mut PgConnection,
        sql: &'a Arc<str>,
        params: &'a [Param<'a>],
    ) -> Boxed<'a, Vec<PgRow>> {
        Box::pin(async move { bound(sql, params).fetch_all(connection).await })
    }

    fn int(row: &PgRow, column: usize) -> Result<i64, sqlx::Error> {
        row.try_get(column)
    }

    fn text(row: &PgRow, column: usize) -> Result<String, sqlx::Error> {
        row.try_get(column)
    }

    fn bytes(row: &PgRow, column: usize) -> Result<Vec<u8>, sqlx::Error> {
        row.try_get(column)
    }

    fn add<'a>(
        connection: &'a mut PgConnection,
        statements: &'a Statements,
        message: NewMessage<'a>,
    ) -> Boxed<'a, Added> {
        let NewMessage { queue, job, key, body } = message;
        Box::pin(async move {
            let channel = statements.channel(queue);
            let named = [Param::Int(queue), Param::Text(job), Param::Text(key)];
            let whole = [named[0], named[1], named[2], Param::Bytes(body), Param::Text(&channel)];
            let rows = Self::rows(&mut *connection, &statements.publish, &whole).await?;
            Ok(match rows.first().map_or(Ok(0), |row| Self::int(row, 0))? {
                0 => Added::Known,
                1 => Added::New,
                // No such job, or it is sealed. Another publisher may have added the message after this statement's
                // snapshot was taken: the key is looked for in a new one.
                _ => refused::<Self>(connection, statements, &named).await?,
            })
        })
    }

    fn forget_changes<'a>(hint: &'a Hint<Self>) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async move {
            if let Some(mut listener) = hint.listener.try_lock() {
                drain(&mut listener).await;
            }
        })
    }

    fn changed<'a>(
        hint: &'a Hint<Self>,
        connections: &'a Connections<Self>,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async move {
            // One consumer listens for all, and the others for what it says.
            or(hint.event.listen(), listen(hint, connections)).await;
        })
    }
}

/// The connection that hears of notifications.
///
/// The client starts a task where one is dropped, and so it is dropped by a task of the runtime that it was made on. A
/// queue itself may be dropped anywhere.
pub struct Listener {
    inner: Option<PgListener>,
    runtime: Option<DynRuntime>,
}

impl Listener {
    async fn recv(&mut self) -> Result<(), sqlx::Error> {
        match &mut self.inner {
            Some(inner) => inner.recv().await.map(drop),
            None => pending().await,
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let left = Leftover(self.inner.take());
        if let Some(runtime) = &self.runtime
            && let Ok(task) = runtime.spawn(async move { drop(left.into_inner()) })
        {
            task.detach();
        }
    }
}

/// A listener on its way to the task that drops it. Where there is no such task any more, its runtime has ended, and with it
/// the connection's input and output: only its memory is left.
struct Leftover(Option<PgListener>);

impl Leftover {
    fn into_inner(mut self) -> Option<PgListener> {
        self.0.take()
    }
}

impl Drop for Leftover {
    fn drop(&mut self) {
        std::mem::forget(self.0.take());
    }
}

/// Waits for a notification, as the one that listens for all.
async fn listen(hint: &Hint<Postgres>, connections: &Connections<Postgres>) {
    let mut listener = hint.listener.lock().await;
    let heard = match &mut *listener {
        Some(listener) => listener.recv().await,
        None => match connect(hint, connections).await {
            Ok(connected) => {
                // There may have been messages before it.
                *listener = Some(connected);
                Ok(())
            }
            Err(error) => Err(error),
        },
    };
    drain(&mut listener).await;
    if heard.is_err() {
        // The next wait connects anew; this one ends with the time between two claims.
        *listener = None;
        drop(listener);
        return pending().await;
    }
    hint.notify();
}

/// Takes the notifications that have come meanwhile: one says as much as many.
async fn drain(listener: &mut Option<Listener>) {
    while let Some(open) = listener {
        match poll_once(open.recv()).await {
            Some(Ok(())) => {}
            Some(Err(_)) => *listener = None,
            None => return,
        }
    }
}

async fn connect(
    hint: &Hint<Postgres>,
    connections: &Connections<Postgres>,
) -> Result<Listener, sqlx::Error> {
    let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(connections.options().clone());
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.listen(&hint.channel).await?;
    let runtime = CurrentRuntime::of_task().or_else(CurrentRuntime::entered).map(CurrentRuntime::into_dyn);
    Ok(Listener { inner: Some(listener), runtime })
}
