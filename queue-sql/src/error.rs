//! The errors of queues in SQL databases.

use std::sync::Arc;

use sweet_async_core::AsyncTaskError;

/// The error of a store, or of a queue in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SqlError {
    /// The address is none of a database, or an option in it is unknown.
    #[error("{address:?} is no address of a database: {source}")]
    Address {
        /// The address, without a password.
        address: String,
        /// The reason.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The database cannot be reached.
    #[error("no connection to {database}: {source}; is the server running, and is the address right?")]
    NoConnection {
        /// The database.
        database: Arc<str>,
        /// The reason.
        source: sqlx::Error,
    },
    /// The server refuses the login, or the database to this role.
    #[error("{database} refuses the login: {source}; look at the user, the password and pg_hba.conf")]
    Login {
        /// The database.
        database: Arc<str>,
        /// The reason.
        source: sqlx::Error,
    },
    /// The role may not make the schema, or may not use or change what is in it.
    #[error(
        "{database}: this role may not make, use or change schema {schema:?}: {source}; \
         run \"CREATE SCHEMA {schema} AUTHORIZATION role\" as a role that may"
    )]
    Denied {
        /// The database.
        database: Arc<str>,
        /// The schema.
        schema: Arc<str>,
        /// The reason.
        source: sqlx::Error,
    },
    /// The tables were made by a later version of this crate.
    #[error(
        "the tables in {database} have version {found}, and this program knows versions to {known}: update it"
    )]
    NewerTables {
        /// The database.
        database: Arc<str>,
        /// The version of the tables.
        found: i64,
        /// The newest version that is known.
        known: i64,
    },
    /// The tables are older than this program needs, and it was told not to migrate them.
    #[error(
        "the tables in {database} have version {found}, and this program needs version {needed}: \
         open the store once with migrate(true), as the owner of the tables"
    )]
    OlderTables {
        /// The database.
        database: Arc<str>,
        /// The version of the tables; 0 where there are none.
        found: i64,
        /// The version that is needed.
        needed: i64,
    },
    /// A schema's name that is not made of lower-case letters, digits and `_`, or too long.
    #[error("{name:?} cannot be the name of a schema: use at most 48 of a-z, 0-9 and _, a letter first")]
    SchemaName {
        /// The name.
        name: String,
    },
    /// The job is sealed, and was without this message.
    #[error("job {job:?} is sealed, and was without message {key:?}")]
    Sealed {
        /// The job.
        job: String,
        /// The key of the message.
        key: String,
    },
    /// The connection was lost, and the retries are used up, or were given up. The source has the error of the last
    /// attempt.
    #[error("the connection to {database} was lost: {source}")]
    Lost {
        /// The database.
        database: Arc<str>,
        /// The end of the retries.
        source: AsyncTaskError,
    },
    /// Any other error of the database.
    #[error("{database}: {source}")]
    Database {
        /// The database.
        database: Arc<str>,
        /// The error.
        source: sqlx::Error,
    },
}

impl SqlError {
    /// True if the same call may succeed later: the connection was lost or could not be made, or the server is starting or
    /// stopping.
    pub fn is_connection_lost(&self) -> bool {
        match self {
            Self::Lost { .. } => true,
            Self::NoConnection { source, .. } | Self::Database { source, .. } => is_transient(source),
            _ => false,
        }
    }

    /// True where another process holds a lock of SQLite's.
    pub(crate) fn is_busy(&self) -> bool {
        match self {
            Self::NoConnection { source, .. } | Self::Database { source, .. } => {
                code(source).is_some_and(|code| BUSY.contains(&code.as_str()))
            }
            _ => false,
        }
    }

    pub(crate) fn of_connect(database: &Arc<str>, source: sqlx::Error) -> Self {
        let database = database.clone();
        match code(&source).as_deref() {
            // invalid_password, invalid_authorization_specification, insufficient_privilege
            Some("28P01" | "28000" | "42501") => Self::Login { database, source },
            Some(_) => Self::Database { database, source },
            _ => Self::NoConnection { database, source },
        }
    }

    pub(crate) fn of_call(database: &Arc<str>, source: sqlx::Error) -> Self {
        Self::Database { database: database.clone(), source }
    }
}

fn code(error: &sqlx::Error) -> Option<String> {
    Some(error.as_database_error()?.code()?.into_owned())
}

/// The codes of errors after which the same call may succeed.
const TRANSIENT: &[&str] = &[
    // PostgreSQL: admin_shutdown, crash_shutdown, cannot_connect_now, idle_session_timeout, too_many_connections,
    // serialization_failure, deadlock_detected, and the class of connection failures.
    "57P01", "57P02", "57P03", "57P05", "53300", "40001", "40P01", "08000", "08003", "08006",
];

/// The codes of SQLite for a lock that another process holds: BUSY, LOCKED, BUSY_RECOVERY, BUSY_SNAPSHOT. A call has waited
/// for it already.
const BUSY: &[&str] = &["5", "6", "261", "517"];

fn is_transient(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed => true,
        _ => code(error).is_some_and(|code| TRANSIENT.contains(&code.as_str())),
    }
}
