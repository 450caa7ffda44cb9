//! The ways to open a store.

#[cfg(feature = "sqlite")]
pub use sqlite::Durability;

#[cfg(feature = "sqlite")]
mod sqlite {
    use std::path::Path;
    use std::time::Duration;

    use sqlx::Sqlite;
    use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

    use crate::{SqlError, SqlStore, StoreBuilder};

    /// The faults after which a message that was published, and a change that was made, is still there.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub enum Durability {
        /// The power may fail: each change is on the disk before its call returns.
        #[default]
        PowerLoss,
        /// Processes may die, but not the machine: the last changes before a loss of power may be missing, the file is
        /// sound. Several times faster.
        ProcessCrash,
    }

    impl SqlStore<Sqlite> {
        /// Opens a store in the file at `path`, which is made where it is missing. Many processes of one host may open
        /// it; a file on a network's drive is not safe.
        ///
        /// # Errors
        ///
        /// As for [`StoreBuilder::open`].
        pub async fn open(path: impl AsRef<Path>) -> Result<Self, SqlError> {
            Self::builder(path).open().await
        }

        /// The settings of a store in the file at `path`.
        pub fn builder(path: impl AsRef<Path>) -> StoreBuilder<Sqlite> {
            let options = SqliteConnectOptions::new()
                .filename(path.as_ref())
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                // Other processes may write for long: a commit waits for the disk.
                .busy_timeout(Duration::from_secs(30));
            // One writes at a time, and reads take microseconds: a second connection would wait for the first.
            StoreBuilder::new(options, path.as_ref().display().to_string(), 1)
        }
    }

    impl StoreBuilder<Sqlite> {
        /// Sets the faults that a change survives; [`Durability::PowerLoss`] by default.
        pub fn durability(mut self, durability: Durability) -> Self {
            let synchronous = match durability {
                Durability::PowerLoss => SqliteSynchronous::Full,
                Durability::ProcessCrash => SqliteSynchronous::Normal,
            };
            self.options = self.options.synchronous(synchronous);
            self
        }
    }
}

#[cfg(feature = "postgres")]
mod postgres {
    use std::str::FromStr as _;
    use std::time::Duration;

    use sqlx::Postgres;
    use sqlx::postgres::PgConnectOptions;
    use sweet_async_pipeline::Reconnect;

    use crate::{SqlError, SqlStore, StoreBuilder};

    /// The schema of a store that names none.
    const SCHEMA: &str = "sweet_async";

    /// The longest time of a call: a server that is gone without a word is not waited for without end.
    const RESPONSE_TIMEOUT: Duration = Duration::from_secs(60);

    /// The most connections of a store that sets no number.
    const CONNECTIONS: usize = 8;

    impl SqlStore<Postgres> {
        /// Opens a store in the database at `url`, `postgres://user:password@host:port/database`, in the schema
        /// `sweet_async`.
        ///
        /// # Errors
        ///
        /// [`SqlError::Address`]; as for [`StoreBuilder::open`].
        pub async fn connect(url: &str) -> Result<Self, SqlError> {
            Self::builder(url)?.open().await
        }

        /// The settings of a store in the database at `url`, whose parameters may be those of `libpq`; `sslmode` among
        /// them.
        ///
        /// # Errors
        ///
        /// [`SqlError::Address`].
        pub fn builder(url: &str) -> Result<StoreBuilder<Postgres>, SqlError> {
            let options = PgConnectOptions::from_str(url).map_err(|source| SqlError::Address {
                address: without_password(url),
                source: source.into(),
            })?;
            Ok(Self::with_options(options.application_name("sweet-async")))
        }

        /// The settings of a store in a database that `options` connect to. An attempt of a call takes at most 60 seconds,
        /// unless [`reconnect`](StoreBuilder::reconnect) sets other retries.
        pub fn with_options(options: PgConnectOptions) -> StoreBuilder<Postgres> {
            let (host, port) = (options.get_host(), options.get_port());
            let database = options.get_database().unwrap_or_else(|| options.get_username());
            let name = format!("PostgreSQL at {host}:{port}/{database}");
            let mut builder = StoreBuilder::new(options, name, CONNECTIONS);
            builder.schema = Some(SCHEMA.into());
            builder.reconnect = Reconnect::default().response_timeout(RESPONSE_TIMEOUT);
            builder
        }
    }

    impl StoreBuilder<Postgres> {
        /// Sets the schema that the tables are in; `sweet_async` by default. A role that owns only this schema
        /// suffices.
        ///
        /// # Errors
        ///
        /// [`SqlError::SchemaName`].
        pub fn schema(mut self, name: &str) -> Result<Self, SqlError> {
            let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            let is_valid = name.starts_with(|c: char| c.is_ascii_lowercase())
                && name.len() <= 48
                && name.chars().all(is_plain);
            if !is_valid {
                return Err(SqlError::SchemaName { name: name.to_owned() });
            }
            self.schema = Some(name.into());
            Ok(self)
        }

        /// Sets the most connections that are open at a time, 8 by default, besides one for each queue that is waited
        /// for. At least one is used.
        pub fn max_connections(mut self, most: usize) -> Self {
            self.connections = most;
            self
        }
    }

    /// The address without what is between `//` and `@`.
    fn without_password(url: &str) -> String {
        match (url.split_once("//"), url.rsplit_once('@')) {
            (Some((scheme, _)), Some((_, host))) => format!("{scheme}//...@{host}"),
            _ => url.to_owned(),
        }
    }
}
