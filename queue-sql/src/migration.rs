//! The tables of a store, and their versions.

use std::sync::Arc;

use crate::SqlError;
use crate::connections::Connections;
use crate::engine::{Engine, Param};

/// The scripts that make the tables of each version out of those of the one before.
const VERSIONS: &[&[&str]] = &[
    // Queues.
    &[
        "CREATE TABLE {s}queue_names (id {serial}, name TEXT NOT NULL UNIQUE)",
        "CREATE TABLE {s}queue_jobs (queue BIGINT NOT NULL, name TEXT NOT NULL, is_sealed BOOLEAN NOT NULL DEFAULT FALSE, \
         PRIMARY KEY (queue, name))",
        "CREATE TABLE {s}queue_keys (queue BIGINT NOT NULL, key TEXT NOT NULL, job TEXT NOT NULL, is_purged BOOLEAN NOT \
         NULL DEFAULT FALSE, PRIMARY KEY (queue, key))",
        "CREATE TABLE {s}queue_messages (id {serial}, queue BIGINT NOT NULL, job TEXT NOT NULL, key TEXT NOT NULL,{body} \
         deliveries BIGINT NOT NULL DEFAULT 0, delivery BIGINT NOT NULL DEFAULT 0, due BIGINT NOT NULL \
         DEFAULT 0, is_held BOOLEAN NOT NULL DEFAULT FALSE, is_dead BOOLEAN NOT NULL DEFAULT FALSE, reason TEXT NOT NULL \
         DEFAULT '')",
        "CREATE INDEX queue_live ON {s}queue_messages (queue, id) WHERE NOT is_dead",
        "CREATE INDEX queue_live_of_job ON {s}queue_messages (queue, job, id) WHERE NOT is_dead",
        "CREATE INDEX queue_dead ON {s}queue_messages (queue, id) WHERE is_dead",
    ],
    // Runs of orchestras. `state` is 0 for a node that waits, 1 for one that runs, 2 for one that has completed;
    // `depends_on` is a JSON array of names.
    &[
        "CREATE TABLE {s}orchestra_runs (id TEXT PRIMARY KEY, begun BIGINT NOT NULL, attempt BIGINT NOT NULL, \
         forked_from TEXT NOT NULL)",
        "CREATE TABLE {s}orchestra_nodes (run TEXT NOT NULL, name TEXT NOT NULL, number BIGINT NOT NULL, depends_on \
         TEXT NOT NULL, is_durable BIGINT NOT NULL, state BIGINT NOT NULL, output {bytes}, PRIMARY KEY (run, name))",
    ],
];

/// The version that this program needs.
pub(crate) const NEEDED: i64 = VERSIONS.len() as i64;

/// The tables of a store.
pub(crate) struct Tables<'a> {
    /// The schema, where the engine has schemas.
    pub(crate) schema: Option<&'a Arc<str>>,
    /// The prefix of the tables' names.
    pub(crate) prefix: &'a str,
    /// True if they may be made, or brought to the version that is needed.
    pub(crate) may_migrate: bool,
}

/// The reason for which a migration was given up.
enum Refused {
    Newer(i64),
    Older(i64),
}

impl Tables<'_> {
    /// Brings the tables to the version that is needed.
    pub(crate) async fn migrate<E: Engine>(&self, connections: &Connections<E>) -> Result<(), SqlError> {
        let script = Script::new::<E>(self);
        let made = connections
            .with(async |mut connection| {
                let refused = script.run::<E>(&mut connection).await?;
                Ok((connection, refused))
            })
            .await;
        let database = connections.database().clone();
        match made {
            Ok(None) => Ok(()),
            Ok(Some(Refused::Newer(found))) => Err(SqlError::NewerTables { database, found, known: NEEDED }),
            Ok(Some(Refused::Older(found))) => Err(SqlError::OlderTables { database, found, needed: NEEDED }),
            Err(SqlError::Database { source, .. }) if is_denied(&source) => {
                let schema = self.schema.cloned().unwrap_or_default();
                Err(SqlError::Denied { database, schema, source })
            }
            Err(error) => Err(error),
        }
    }
}

fn is_denied(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(|error| error.code()).is_some_and(|code| code == "42501")
}

/// The statements of a migration.
struct Script {
    may_migrate: bool,
    begin: Arc<str>,
    commit: Arc<str>,
    lock: Option<Arc<str>>,
    /// The question whether the schema is there, its name, and the statement that makes it.
    schema: Option<(Arc<str>, Arc<str>, Arc<str>)>,
    has_version: Arc<str>,
    make_version: Arc<str>,
    version: Arc<str>,
    set_version: Arc<str>,
    versions: Vec<Vec<Arc<str>>>,
}

impl Script {
    fn new<E: Engine>(tables: &Tables<'_>) -> Self {
        let dialect = E::DIALECT;
        let fill = |sql: &str| -> Arc<str> { dialect.fill(sql, tables.prefix).into() };
        let mut versions: Vec<Vec<Arc<str>>> =
            VERSIONS.iter().map(|version| version.iter().map(|sql| fill(sql)).collect()).collect();
        if let Some(first) = versions.first_mut() {
            first.extend(dialect.tuning.iter().map(|sql| fill(sql)));
        }
        let schema = dialect.has_schema.zip(tables.schema).map(|(has_schema, schema)| {
            (has_schema.into(), schema.clone(), format!("CREATE SCHEMA \"{schema}\"").into())
        });
        Self {
            may_migrate: tables.may_migrate,
            begin: dialect.begin.into(),
            commit: "COMMIT".into(),
            lock: dialect.lock.map(Into::into),
            schema,
            has_version: fill(dialect.has_version),
            make_version: fill("CREATE TABLE {s}sweet_async_version (version BIGINT NOT NULL)"),
            version: fill("SELECT COALESCE(MAX(version), 0) FROM {s}sweet_async_version"),
            set_version: fill("INSERT INTO {s}sweet_async_version (version) VALUES ($1)"),
            versions,
        }
    }

    /// Runs what is needed, in a transaction. The connection is closed after an error, which takes all back.
    async fn run<E: Engine>(&self, connection: &mut E::Connection) -> Result<Option<Refused>, sqlx::Error> {
        E::execute(&mut *connection, &self.begin, &[]).await?;
        if let Some(lock) = &self.lock {
            E::rows(&mut *connection, lock, &[]).await?;
        }
        let found = self.found::<E>(&mut *connection).await?;
        let refused = match found {
            newer if newer > NEEDED => Some(Refused::Newer(newer)),
            older if older < NEEDED && !self.may_migrate => Some(Refused::Older(older)),
            older if older < NEEDED => {
                self.make::<E>(&mut *connection, older).await?;
                None
            }
            _ => None,
        };
        E::execute(connection, &self.commit, &[]).await?;
        Ok(refused)
    }

    /// Returns the version of the tables; 0 where there are none.
    async fn found<E: Engine>(&self, connection: &mut E::Connection) -> Result<i64, sqlx::Error> {
        if let Some((has_schema, schema, _)) = &self.schema
            && number::<E>(&mut *connection, has_schema, &[Param::Text(schema)]).await? == 0
        {
            return Ok(0);
        }
        if number::<E>(&mut *connection, &self.has_version, &[]).await? == 0 {
            return Ok(0);
        }
        number::<E>(connection, &self.version, &[]).await
    }

    async fn make<E: Engine>(&self, connection: &mut E::Connection, found: i64) -> Result<(), sqlx::Error> {
        if let Some((has_schema, schema, make_schema)) = &self.schema
            && number::<E>(&mut *connection, has_schema, &[Param::Text(schema)]).await? == 0
        {
            E::execute(&mut *connection, make_schema, &[]).await?;
        }
        if found == 0 {
            E::execute(&mut *connection, &self.make_version, &[]).await?;
        }
        for (script, version) in self.versions.iter().zip(1..).filter(|(_, version)| *version > found) {
            for sql in script {
                E::execute(&mut *connection, sql, &[]).await?;
            }
            E::execute(&mut *connection, &self.set_version, &[Param::Int(version)]).await?;
        }
        Ok(())
    }
}

/// Returns the number that a statement answers with.
async fn number<E: Engine>(
    connection: &mut E::Connection,
    sql: &Arc<str>,
    params: &[Param<'_>],
) -> Result<i64, sqlx::Error> {
    let rows = E::rows(connection, sql, params).await?;
    rows.first().map_or(Ok(0), |row| E::int(row, 0))
}
