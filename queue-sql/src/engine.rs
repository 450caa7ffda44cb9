//! The engines: SQLite and PostgreSQL, as far as they differ in more than SQL.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::connections::Connections;
use crate::dialect::Dialect;
use crate::hint::Hint;
use crate::statements::Statements;

pub(crate) type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T, sqlx::Error>> + Send + 'a>>;

/// A parameter of a statement.
#[derive(Clone, Copy, Debug)]
pub enum Param<'a> {
    /// A number.
    Int(i64),
    /// A text.
    Text(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
}

/// The answer to a message that is to be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It is new.
    New,
    /// Its key is known.
    Known,
    /// There is no job of this name: it is to be opened.
    NoJob,
    /// Its job is sealed.
    Sealed,
}

/// A message to be added: its queue, job, key and body.
#[derive(Clone, Copy, Debug)]
pub struct NewMessage<'a> {
    pub(crate) queue: i64,
    pub(crate) job: &'a str,
    pub(crate) key: &'a str,
    pub(crate) body: &'a [u8],
}

/// A database that queues can be in. Implemented for [`sqlx::Sqlite`] and [`sqlx::Postgres`], each with its feature.
pub trait Engine: sqlx::Database + Sized {
    /// The engine's SQL.
    #[doc(hidden)]
    const DIALECT: Dialect;

    /// The time between two claims where there is no message.
    #[doc(hidden)]
    const POLL_PERIOD: Duration;

    /// Connects.
    #[doc(hidden)]
    fn connect(options: &<Self::Connection as sqlx::Connection>::Options) -> Boxed<'_, Self::Connection>;

    /// Runs a statement, and returns the number of rows that it has changed.
    #[doc(hidden)]
    fn execute<'a>(
        connection: &'a mut Self::Connection,
        sql: &'a Arc<str>,
        params: &'a [Param<'a>],
    ) -> Boxed<'a, u64>;

    /// Runs a statement, and returns its rows.
    #[doc(hidden)]
    fn rows<'a>(
        connection: &'a mut Self::Connection,
        sql: &'a Arc<str>,
        params: &'a [Param<'a>],
    ) -> Boxed<'a, Vec<Self::Row>>;

    /// The number in a column.
    #[doc(hidden)]
    fn int(row: &Self::Row, column: usize) -> Result<i64, sqlx::Error>;

    /// The text in a column.
    #[doc(hidden)]
    fn text(row: &Self::Row, column: usize) -> Result<String, sqlx::Error>;

    /// The bytes in a column.
    #[doc(hidden)]
    fn bytes(row: &Self::Row, column: usize) -> Result<Vec<u8>, sqlx::Error>;

    /// Adds a message, inside a transaction or as one statement, which is one.
    #[doc(hidden)]
    fn add<'a>(
        connection: &'a mut Self::Connection,
        statements: &'a Statements,
        message: NewMessage<'a>,
    ) -> Boxed<'a, Added>;

    /// Drops the hints that have come before now: whoever has just claimed needs none.
    #[doc(hidden)]
    fn forget_changes<'a>(hint: &'a Hint<Self>) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

    /// Waits for the hint that `queue` has changed.
    #[doc(hidden)]
    fn changed<'a>(
        hint: &'a Hint<Self>,
        connections: &'a Connections<Self>,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

    /// The listener of a hint.
    #[doc(hidden)]
    type Listener: Send;
}

/// Returns the reason for which a message was not added: its queue, job and key are given.
pub(crate) async fn refused<E: Engine>(
    connection: &mut E::Connection,
    statements: &Statements,
    named: &[Param<'_>],
) -> Result<Added, sqlx::Error> {
    let rows = E::rows(connection, &statements.refused, named).await?;
    Ok(match rows.first().map_or(Ok(2), |row| E::int(row, 0))? {
        1 => Added::Known,
        2 => Added::NoJob,
        _ => Added::Sealed,
    })
}
