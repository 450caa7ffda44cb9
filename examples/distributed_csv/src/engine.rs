//! The engines, chosen by an address.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::bail;
use sweet_async::pipeline::{Depth, FinalEvent, Queue};
#[cfg(feature = "redis")]
use sweet_async_redis::RedisQueue;
#[cfg(feature = "postgres")]
use sweet_async_sql::{PostgresQueue, PostgresStore};
use sweet_async_sql::{SqliteQueue, SqliteStore};

use crate::{Gathered, Job};

/// The address of an engine.
#[derive(Clone, Debug)]
pub enum Url {
    /// A file of SQLite.
    Sqlite(PathBuf),
    /// A server of PostgreSQL.
    Postgres(String),
    /// A server of Redis.
    Redis(String),
}

impl Url {
    /// The address of a file of SQLite.
    pub fn sqlite(file: PathBuf) -> Self {
        Self::Sqlite(file)
    }

    /// Reads an address.
    ///
    /// # Errors
    ///
    /// No engine has such addresses.
    pub fn parse(url: &str) -> anyhow::Result<Self> {
        match url.split_once(':') {
            Some(("sqlite", file)) => Ok(Self::Sqlite(file.into())),
            Some(("postgres" | "postgresql", _)) => Ok(Self::Postgres(url.to_owned())),
            Some(("redis" | "rediss", _)) => Ok(Self::Redis(url.to_owned())),
            _ => bail!("{url}: an address is sqlite:FILE, postgres://.. or redis://.."),
        }
    }
}

impl Url {
    /// Returns the name of the engine.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
            Self::Redis(_) => "Redis",
        }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(file) => write!(f, "sqlite:{}", file.display()),
            Self::Postgres(url) | Self::Redis(url) => f.write_str(url),
        }
    }
}

/// The queues of a job: its chunks, and its results.
pub enum Engine {
    /// In a file of SQLite.
    Sqlite(SqliteQueue, SqliteQueue),
    /// In a database of PostgreSQL.
    #[cfg(feature = "postgres")]
    Postgres(PostgresQueue, PostgresQueue),
    /// On a server of Redis.
    #[cfg(feature = "redis")]
    Redis(RedisQueue, RedisQueue),
}

/// Calls a function with both queues, whatever their type.
macro_rules! with_queues {
    ($engine:expr, |$chunks:ident, $results:ident| $call:expr) => {
        match $engine {
            Engine::Sqlite($chunks, $results) => $call,
            #[cfg(feature = "postgres")]
            Engine::Postgres($chunks, $results) => $call,
            #[cfg(feature = "redis")]
            Engine::Redis($chunks, $results) => $call,
        }
    };
}

impl Engine {
    /// Opens the queues of the job `name`.
    ///
    /// # Errors
    ///
    /// The engine cannot be reached, or is not compiled in.
    pub async fn open(url: &Url, name: &str) -> anyhow::Result<Self> {
        let [chunks, results] = ["chunks", "results"].map(|queue| format!("{name}.{queue}"));
        match url {
            Url::Sqlite(file) => {
                let store = SqliteStore::open(file).await?;
                Ok(Self::Sqlite(store.queue(&chunks).await?, store.queue(&results).await?))
            }
            #[cfg(feature = "postgres")]
            Url::Postgres(url) => {
                let store = PostgresStore::connect(url).await?;
                Ok(Self::Postgres(store.queue(&chunks).await?, store.queue(&results).await?))
            }
            #[cfg(feature = "redis")]
            Url::Redis(url) => Ok(Self::Redis(
                RedisQueue::connect(url, &chunks).await?,
                RedisQueue::connect(url, &results).await?,
            )),
            #[allow(unreachable_patterns, reason = "with all engines compiled in")]
            Url::Postgres(_) | Url::Redis(_) => {
                bail!("this program was built without the feature of {}", url.kind())
            }
        }
    }

    /// Handles chunks until the job is over.
    ///
    /// # Errors
    ///
    /// The engine fails.
    pub async fn work(&self, job: &Job) -> anyhow::Result<()> {
        with_queues!(self, |chunks, results| crate::work(chunks, results, job).await)?;
        Ok(())
    }

    /// Publishes the file, and gathers the records that others make of it, at the same time.
    ///
    /// # Errors
    ///
    /// The file cannot be read; the engine fails.
    pub async fn publish_and_gather(
        &self,
        job: &Job,
        file: &Path,
        chunk_rows: usize,
    ) -> anyhow::Result<(FinalEvent, Gathered)> {
        with_queues!(self, |chunks, results| {
            let published = crate::publish(chunks, job, file, chunk_rows);
            let gathered = crate::gather(results, job);
            futures_lite::future::try_zip(published, gathered).await
        })
    }

    /// Returns the number of chunks in each state.
    ///
    /// # Errors
    ///
    /// The engine fails.
    pub async fn depth(&self) -> anyhow::Result<Depth> {
        with_queues!(self, |chunks, _results| depth(chunks).await)
    }

    /// Removes the job, so that its name can be used again.
    ///
    /// # Errors
    ///
    /// The engine fails.
    pub async fn forget(&self, job: &Job) -> anyhow::Result<()> {
        with_queues!(self, |chunks, results| {
            chunks.forget(&job.name).await?;
            results.forget(&job.name).await?;
        });
        Ok(())
    }
}

async fn depth(queue: &impl Queue) -> anyhow::Result<Depth> {
    queue.depth().await.map_err(|error| anyhow::Error::from_boxed(error.into()))
}
