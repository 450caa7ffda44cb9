//! Bare claim/ack loops: the least that a queue on these clients needs. One connection, no keys, no jobs, no fencing.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;

use redis::AsyncCommands as _;
use redis::aio::MultiplexedConnection;
use redis::streams::{StreamReadOptions, StreamReadReply};
use side_by_side::Failure;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, Row as _, SqliteConnection};

type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + 'a>>;

/// A loop on a client.
pub(crate) trait Bare {
    /// Adds messages.
    fn fill<'a>(&'a mut self, count: usize, body: &'a [u8]) -> Boxed<'a, ()>;

    /// Claims at most `most` messages, acknowledges them, and returns their number.
    fn claim_and_ack(&mut self, most: usize) -> Boxed<'_, usize>;
}

/// A table of SQLite.
pub(crate) struct Sqlite(SqliteConnection);

impl Sqlite {
    pub(crate) async fn connect(file: &Path) -> Result<Self, Failure> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        let mut connection = options.connect().await?;
        let make = "CREATE TABLE bare (id INTEGER PRIMARY KEY AUTOINCREMENT, due BIGINT NOT NULL DEFAULT 0, body BLOB \
                    NOT NULL)";
        sqlx::query(make).execute(&mut connection).await?;
        Ok(Self(connection))
    }
}

impl Bare for Sqlite {
    fn fill<'a>(&'a mut self, count: usize, body: &'a [u8]) -> Boxed<'a, ()> {
        Box::pin(async move {
            for _ in 0..count {
                sqlx::query("INSERT INTO bare (body) VALUES ($1)")
                    .bind(body.to_vec())
                    .execute(&mut self.0)
                    .await?;
            }
            Ok(())
        })
    }

    fn claim_and_ack(&mut self, most: usize) -> Boxed<'_, usize> {
        Box::pin(async move {
            let claim = "UPDATE bare SET due = unixepoch() + 600 WHERE id IN (SELECT id FROM bare WHERE due <= \
                         unixepoch() ORDER BY id LIMIT $1) RETURNING id, body";
            let rows = sqlx::query(claim).bind(most as i64).fetch_all(&mut self.0).await?;
            let mut ids = Vec::new();
            for row in &rows {
                ids.push(row.try_get::<i64, _>(0)?.to_string());
                row.try_get::<Vec<u8>, _>(1)?;
            }
            let ack = "DELETE FROM bare WHERE id IN (SELECT value FROM json_each($1))";
            sqlx::query(ack).bind(format!("[{}]", ids.join(","))).execute(&mut self.0).await?;
            Ok(rows.len())
        })
    }
}

/// A table of PostgreSQL.
pub(crate) struct Postgres(PgConnection);

impl Postgres {
    pub(crate) async fn connect(url: &str) -> Result<Self, Failure> {
        let mut connection = PgConnection::connect(url).await?;
        sqlx::query("DROP TABLE IF EXISTS bare").execute(&mut connection).await?;
        let make = "CREATE TABLE bare (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, due TIMESTAMPTZ NOT NULL \
                    DEFAULT now(), body BYTEA NOT NULL)";
        sqlx::query(make).execute(&mut connection).await?;
        let apart = "ALTER TABLE bare ALTER COLUMN body SET STORAGE EXTERNAL";
        sqlx::query(apart).execute(&mut connection).await?;
        Ok(Self(connection))
    }
}

impl Bare for Postgres {
    fn fill<'a>(&'a mut self, count: usize, body: &'a [u8]) -> Boxed<'a, ()> {
        Box::pin(async move {
            for _ in 0..count {
                sqlx::query("INSERT INTO bare (body) VALUES ($1)").bind(body).execute(&mut self.0).await?;
            }
            Ok(())
        })
    }

    fn claim_and_ack(&mut self, most: usize) -> Boxed<'_, usize> {
        Box::pin(async move {
            let claim = "UPDATE bare SET due = now() + interval '600 s' WHERE id IN (SELECT id FROM bare WHERE due <= \
                         now() ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED) RETURNING id, body";
            let rows = sqlx::query(claim).bind(most as i64).fetch_all(&mut self.0).await?;
            let mut ids = Vec::new();
            for row in &rows {
                ids.push(row.try_get::<i64, _>(0)?);
                row.try_get::<Vec<u8>, _>(1)?;
            }
            sqlx::query("DELETE FROM bare WHERE id = ANY($1)").bind(ids).execute(&mut self.0).await?;
            Ok(rows.len())
        })
    }
}

/// A stream of Redis, read by a group.
pub(crate) struct Redis(MultiplexedConnection);

impl Redis {
    pub(crate) async fn connect(url: &str) -> Result<Self, Failure> {
        let mut connection = redis::Client::open(url)?.get_multiplexed_async_connection().await?;
        let () = connection.del("bare").await?;
        let () = connection.xgroup_create_mkstream("bare", "group", "0").await?;
        Ok(Self(connection))
    }
}

impl Bare for Redis {
    fn fill<'a>(&'a mut self, count: usize, body: &'a [u8]) -> Boxed<'a, ()> {
        Box::pin(async move {
            for _ in 0..count {
                let () = self.0.xadd("bare", "*", &[("body", body)]).await?;
            }
            Ok(())
        })
    }

    fn claim_and_ack(&mut self, most: usize) -> Boxed<'_, usize> {
        Box::pin(async move {
            let options = StreamReadOptions::default().group("group", "consumer").count(most);
            let read: Option<StreamReadReply> = self.0.xread_options(&["bare"], &[">"], &options).await?;
            let ids: Vec<String> = read
                .into_iter()
                .flat_map(|reply| reply.keys)
                .flat_map(|key| key.ids)
                .map(|message| message.id)
                .collect();
            if !ids.is_empty() {
                let () = self.0.xack("bare", "group", &ids).await?;
                let () = self.0.xdel("bare", &ids).await?;
            }
            Ok(ids.len())
        })
    }
}
