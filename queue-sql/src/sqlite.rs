//! SQLite: a file, which many processes of one host may share.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _, Sqlite, SqliteConnection};

use crate::connections::Connections;
use crate::dialect::Dialect;
use crate::engine::{Added, Boxed, Engine, NewMessage, Param};
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
        now: "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
        // One statement at a time writes.
        skip_locked: "",
        elements: "json_each($2)",
        texts: "json_each($2)",
        tuning: &[],
        looks_first: true,
        begin: "BEGIN IMMEDIATE",
        lock: None,
        has_schema: None,
        has_version: "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'sweet_async_version'",
    };

    // A claim that finds nothing reads one page of an index, without a lock.
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
                let whole = [Param::Int(queue), Param::Text(job), Param::Text(key), Param::Bytes(body)];
                Self::execute(connection, &statements.add_message, &whole).await?;
                return Ok(Added::New);
            }
            let rows = Self::rows(connection, &statements.refused, &named).await?;
            let refused = rows.first().map_or(Ok(2), |row| Self::int(row, 0))?;
            Ok(match refused {
                1 => Added::Known,
                2 => Added::NoJob,
                _ => Added::Sealed,
            })
        })
    }

    fn changed<'a>(
        hint: &'a Hint<Self>,
        _: &'a Connections<Self>,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(hint.event.listen())
    }
}
