//! Queues for pipelines in SQL databases: SQLite, embedded in the program, and PostgreSQL. With the feature `durable`,
//! also the runs of durable orchestras.
//!
//! ```no_run
//! # #[cfg(feature = "sqlite")]
//! # async fn example() -> Result<(), sweet_async_sql::SqlError> {
//! use sweet_async_sql::SqliteStore;
//!
//! let store = SqliteStore::open("jobs.db").await?;
//! let chunks = store.queue("chunks").await?;
//! // pipeline.sender(..).publish(&chunks, "a job").await?
//! // sources.of_queue(&chunks)
//! # Ok(())
//! # }
//! ```
//!
//! A store is a database with the tables of this crate in it, and holds any number of queues and runs. The tables have a version
//! and are made and migrated when a store is opened. The clients are those of `sqlx`, which run natively on Tokio and on
//! smol: the features `tokio` and `smol` choose, and with both the runtime that a task is on decides.
//!
//! | | SQLite | PostgreSQL |
//! |---|---|---|
//! | reach | processes of one host | any host |
//! | needs | nothing | a server, 12 or later |
//! | writers | one at a time | many: claims pass over rows that others have locked |
//! | a consumer hears of a message | after at most 5 ms, by a poll that reads an index | at once, by `NOTIFY`; a poll each second stands beside it |
//! | a message is safe | once it is on the disk ([`Durability`]) | as `synchronous_commit` of the server says |
//!
//! Delivery is at least once, as for each [`Queue`](sweet_async_pipeline::Queue). A consumer that claims messages itself
//! writes results exactly once where they go to the same database, in one transaction with the acknowledgement:
//! [`SqlQueue::ack_in`], [`SqlQueue::publish_in`]. Their transactions are those of [`sqlx`], which is re-exported.
//!
//! - `store`, `open`: a database and the ways to open it
//! - `queue`, `calls`: the queue; `statements`: its SQL; `dialect`: the parts in which the engines differ
//! - `runs`: the runs of orchestras; `run_statements`: their SQL
//! - `engine`, `sqlite`, `postgres`: the engines; `connections`: their connections; `hint`: notifications
//! - `migration`: the tables and their versions

#![forbid(unsafe_code)]
#![cfg_attr(
    not(all(feature = "postgres", feature = "sqlite")),
    allow(dead_code, reason = "some parts are those of one engine alone")
)]

mod calls;
mod connections;
mod dialect;
mod engine;
mod error;
mod hint;
mod migration;
mod open;
#[cfg(feature = "postgres")]
mod postgres;
mod queue;
#[cfg(feature = "durable")]
mod run_statements;
#[cfg(feature = "durable")]
mod runs;
#[cfg(feature = "sqlite")]
mod sqlite;
mod statements;
mod store;

pub use engine::Engine;
pub use error::SqlError;
#[cfg(feature = "sqlite")]
pub use open::Durability;
pub use queue::{SqlQueue, SqlReceipt};
pub use sqlx;
pub use store::{SqlStore, StoreBuilder};

#[doc(hidden)]
pub mod internals {
    //! Types in the hidden methods of [`Engine`](crate::Engine).
    pub use crate::connections::Connections;
    pub use crate::dialect::Dialect;
    pub use crate::engine::{Added, NewMessage, Param};
    pub use crate::hint::Hint;
    #[cfg(feature = "postgres")]
    pub use crate::postgres::Listener;
    pub use crate::statements::Statements;
}

/// A store in a file of SQLite.
#[cfg(feature = "sqlite")]
pub type SqliteStore = SqlStore<sqlx::Sqlite>;

/// A queue in a file of SQLite.
#[cfg(feature = "sqlite")]
pub type SqliteQueue = SqlQueue<sqlx::Sqlite>;

/// A store in a database of PostgreSQL.
#[cfg(feature = "postgres")]
pub type PostgresStore = SqlStore<sqlx::Postgres>;

/// A queue in a database of PostgreSQL.
#[cfg(feature = "postgres")]
pub type PostgresQueue = SqlQueue<sqlx::Postgres>;
