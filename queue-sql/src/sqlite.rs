//! SQLite: a file, which many processes of one host may share.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _, Sqlite, SqliteConnection};

use crate::connections::Connections;
use crate::dialect::Dialect;
use crate::engine::{Added, Boxed, Engine, NewMessage, Param, refused};
use crate::hint::Hint;
use crate::statements::Statements;

type Query<'q> = sqlx::query::Query<'q, Sqlite, sqlx::sqlite::SqliteArguments>;

fn bound<'q>(sql: &Arc<str>, params: &[Param<'_>]) -> Query<'q> {
    // The statements of this crate, with all values as parameters.
    let query = sqlx::query(AssertSqlSafe(sql.clone()));
    params.iter().fold(query, |query, param| match *param {
        Param::Int(n) => query.bind(n),
        Param::Text(text) => query.bind(text.to_owned()),
        Param::Bytes(bytes) => query.bind(bytes.to_owned()),
    })
}

impl Engine for Sqlite {
    const DIALECT: Dialect = Dialect {
        serial: "INTEGER PRIMARY KEY AUTOINCREMENT",
        bytes: "BLOB",
        // Bodies are in a table of their own: a change of a row writes the whole row.
        body_column: "",
        body: "(SELECT body FROM {s}queue_bodies WHERE id = {s}queue_messages.id)",
        now: "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
        // One statement at a time writes.
        skip_locked: "",
        share_lock: "",
        update_lock: "",
        elements: "json_each($2)",
        texts: "json_each($2)",
        among: "",
        tuning: &[
            "CREATE TABLE {s}queue_bodies (id INTEGER PRIMARY KEY, body BLOB NOT NULL)",
            "CREATE TRIGGER {s}queue_body_goes AFTER DELETE ON {s}queue_messages BEGIN DELETE FROM queue_bodies WHERE id = \
             OLD.id; END",
            // For a poll that finds nothing, however many messages are held.
            "CREATE INDEX queue_due ON {s}queue_messages (queue, due) WHERE NOT is_dead",
        ],
        looks_first: true,
        begin: "BEGIN IMMEDIATE",
        lock: None,
        has_schema: None,
        has_version: "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'sweet_async_version'",
    };

    // A claim that finds nothing reads an index, without a lock.
    const POLL_PERIOD: Duration = Duration::from_millis(5);

    type Listener = ();

    fn connect(options: &SqliteConnectOptions) -> Boxed<'_, SqliteConnection> {
        Box::pin(options.connect())
    }

    fn execute<'a>(
        connection: &'a mut SqliteConnection,
        sql: &'a Arc<str>,
        params: &'a [Param<'a>],
    ) -> Boxed<'a, u64> {
        Box::pin(async move { Ok(bound(sql, params).execute(connection).await?.rows_affected()) })
    }

    fn rows<'a>(
        connection: &'a mut SqliteConnection,
        sql: &'a Arc<str>,
        params: &'a [Param<'a>],
    ) -> Boxed<'a, Vec<SqliteRow>> {
        Box::pin(async move { bound(sql, params).fetch_all(connection).await })
    }

    fn int(row: &SqliteRow, column: usize) -> Result<i64, sqlx::Error> {
        row.try_get(column)
    }

    fn text(row: &SqliteRow, column: usize) -> Result<String, sqlx::Error> {
        row.try_get(column)
    }

    fn bytes(row: &SqliteRow, column: usize) -> Result<Vec<u8>, sqlx::Error> {
        row.try_get(column)
    }

    fn add<'a>(
        connection: &'a mut SqliteConnection,
        statements: &'a Statements,
        message: NewMessage<'a>,
    ) -> Boxed<'a, Added> {
        let NewMessage { queue, job, key, body } = message;
        Box::pin(async move {
            let named = [Param::Int(queue), Param::Text(job), Param::Text(key)];
            if Self::execute(&mut *connection, &statements.add_key, &named).await? == 1 {
                Self::execute(&mut *connection, &statements.add_message, &named).await?;
                Self::execute(connection, &statements.add_body, &[Param::Bytes(body)]).await?;
                return Ok(Added::New);
            }
            refused::<Self>(connection, statements, &named).await
        })
    }

    fn forget_changes<'a>(_: &'a Hint<Self>) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(std::future::ready(()))
    }

    fn changed<'a>(
        hint: &'a Hint<Self>,
        _: &'a Connections<Self>,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(hint.event.listen())
    }
}
