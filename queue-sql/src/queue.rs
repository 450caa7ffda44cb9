//! A queue in a SQL database.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use sweet_async_pipeline::QueueMessage;

use crate::SqlError;
use crate::engine::{Added, Engine, NewMessage, Param};
use crate::hint::Hint;
use crate::statements::Statements;
use crate::store::SqlStore;

/// A [`Queue`](sweet_async_pipeline::Queue) in a SQL database. A clone is a handle on the same queue, with the same connections.
///
/// **After a lost connection** a call is made again ([`StoreBuilder::reconnect`](crate::StoreBuilder::reconnect)). The attempt
/// whose answer was lost may have been carried out: `publish` then says that its message was known, `ack`, `nack` and
/// `bury` that a message was not held any more, `redrive` and `purge` that there was no such dead letter, `forget` that the
/// job was not known. Messages that were claimed come back with the end of their lease.
///
/// **Cost.** In PostgreSQL `publish`, `ack` and `extend` are one statement each, and so is a `claim` that finds messages; one
/// that finds none needs one more. In SQLite `publish` is five, in one transaction, and `claim` two. A claim and an acknowledgement of many messages cost as many statements as of one. `depth`
/// counts all keys of the queue: do not ask it in a loop. Keys are kept until their job is
/// [forgotten](Self::forget).
///
/// **Names.** PostgreSQL keeps no NUL byte in a job's name or a key, and no key beyond about 2 KiB: such a message is an
/// error of the database.
pub struct SqlQueue<E: Engine> {
    pub(crate) store: SqlStore<E>,
    pub(crate) id: i64,
    pub(crate) hint: Arc<Hint<E>>,
}

impl<E: Engine> Clone for SqlQueue<E> {
    fn clone(&self) -> Self {
        Self { store: self.store.clone(), id: self.id, hint: self.hint.clone() }
    }
}

/// The receipt of a message of a [`SqlQueue`]: the numbers of the message and of its delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SqlReceipt {
    pub(crate) id: i64,
    pub(crate) delivery: i64,
}

pub(crate) fn millis(time: Duration) -> i64 {
    // Rounded up, so that no lease is shorter than asked for, and far from the end of the numbers.
    i64::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX).min(i64::MAX / 4)
}

pub(crate) fn most(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn json(receipts: &[SqlReceipt]) -> String {
    let pairs: Vec<_> =
        receipts.iter().map(|SqlReceipt { id, delivery }| format!("[{id},{delivery}]")).collect();
    format!("[{}]", pairs.join(","))
}

pub(crate) fn json_of_keys(keys: &[Arc<str>]) -> String {
    serde_json::Value::from_iter(keys.iter().map(|key| &**key)).to_string()
}

impl<E: Engine> SqlQueue<E> {
    pub(crate) fn statements(&self) -> &Statements {
        self.store.statements()
    }

    /// Adds a message inside the transaction that `connection` is in, as
    /// [`publish`](sweet_async_pipeline::Queue::publish) does: it is there once the transaction is committed, together with
    /// whatever else is in it. The result is true for a new message.
    ///
    /// In PostgreSQL, a seal of the job waits for the end of the transaction. In SQLite, the transaction is to be begun
    /// with `BEGIN IMMEDIATE`, so that it waits for others that write. A pipeline reads chunks: messages of another make,
    /// as these are, are for consumers of their own, which claim them.
    ///
    /// # Errors
    ///
    /// [`SqlError::Sealed`], or an error of the database. No attempt is made again: the transaction is the caller's.
    ///
    /// # Cancel safety
    ///
    /// After a dropped future the state of the transaction is not known: roll it back.
    pub async fn publish_in(
        &self,
        connection: &mut E::Connection,
        message: &QueueMessage,
    ) -> Result<bool, SqlError> {
        let (statements, new) = (self.statements(), self.new_message(message));
        let added = async {
            let added = E::add(&mut *connection, statements, new).await?;
            if added != Added::NoJob {
                return Ok(added);
            }
            E::execute(
                &mut *connection,
                &statements.open,
                &[Param::Int(self.id), Param::Text(message.job())],
            )
            .await?;
            E::add(connection, statements, new).await
        };
        let added =
            added.await.map_err(|error| SqlError::of_call(self.store.connections().database(), error))?;
        answer(added, message)
    }

    /// Acknowledges messages inside the transaction that `connection` is in, as
    /// [`ack`](sweet_async_pipeline::Queue::ack) does: together with whatever the same transaction writes, so that a
    /// result is there exactly once. Returns how many were still held. A smaller number than that of the receipts says
    /// that another consumer handles the others by now: roll the transaction back.
    ///
    /// # Errors
    ///
    /// An error of the database. No attempt is made again: the transaction is the caller's.
    ///
    /// # Cancel safety
    ///
    /// As of [`publish_in`](Self::publish_in).
    pub async fn ack_in(
        &self,
        connection: &mut E::Connection,
        receipts: &[SqlReceipt],
    ) -> Result<usize, SqlError> {
        if receipts.is_empty() {
            return Ok(0);
        }
        let receipts = json(receipts);
        let params = [Param::Int(self.id), Param::Text(&receipts)];
        let changed = E::execute(connection, &self.statements().ack, &params).await;
        changed.map(count).map_err(|error| SqlError::of_call(self.store.connections().database(), error))
    }

    /// Removes a job that is over, with its dead letters and the keys of its messages. The job is unknown afterwards, and
    /// the same messages may be published again. Its messages are not counted in the depth any more, and a
    /// queue all of whose jobs are forgotten is as a new one. Returns false, and changes nothing, if the job is not
    /// over, or not known. A queue that serves jobs for long forgets them, or else its keys become ever more.
    ///
    /// Cost: a look at all keys of the queue, and at all dead letters.
    ///
    /// # Errors
    ///
    /// Errors of the database.
    ///
    /// # Cancel safety
    ///
    /// A dropped call has forgotten the whole job or nothing.
    pub async fn forget(&self, job: &str) -> Result<bool, SqlError> {
        let (statements, params) = (self.statements(), &[Param::Int(self.id), Param::Text(job)]);
        let forget = move |mut connection| async move {
            E::execute(&mut connection, &statements.begin, &[]).await?;
            // A statement of its own: the next one sees the changes that this one has waited for.
            E::rows(&mut connection, &statements.lock_job, params).await?;
            let is_over = E::execute(&mut connection, &statements.forget_job, params).await? == 1;
            if is_over {
                E::execute(&mut connection, &statements.forget_messages, params).await?;
                E::execute(&mut connection, &statements.forget_keys, params).await?;
            }
            E::execute(&mut connection, &statements.commit, &[]).await?;
            Ok((connection, is_over))
        };
        self.store.call("forget a job", forget).await
    }

    pub(crate) fn new_message<'a>(&self, message: &'a QueueMessage) -> NewMessage<'a> {
        NewMessage { queue: self.id, job: message.job(), key: message.key(), body: message.body() }
    }

    /// Runs a statement on messages that are held, and returns how many there were.
    pub(crate) async fn settle(
        &self,
        doing: &'static str,
        sql: &Arc<str>,
        receipts: &[SqlReceipt],
        more: &[Param<'_>],
    ) -> Result<usize, SqlError> {
        if receipts.is_empty() {
            return Ok(0);
        }
        let receipts = json(receipts);
        self.change(doing, sql, &receipts, more).await
    }

    /// Runs a statement on the messages that a JSON array names, and returns how many there were.
    pub(crate) async fn change(
        &self,
        doing: &'static str,
        sql: &Arc<str>,
        array: &str,
        more: &[Param<'_>],
    ) -> Result<usize, SqlError> {
        let params = [&[Param::Int(self.id), Param::Text(array)], more].concat();
        Ok(count(self.store.execute(doing, sql, &params).await?))
    }

    /// Notifies waiting consumers if `count` messages came back.
    pub(crate) async fn returned(&self, count: usize) -> usize {
        if count > 0 {
            self.notify().await;
        }
        count
    }

    /// Gives the hint that the queue has changed. An error of it changes nothing: a slow poll stands beside it.
    pub(crate) async fn notify(&self) {
        self.hint.notify();
        let (statements, connections) = (self.statements(), self.store.connections());
        if statements.dialect.looks_first {
            return;
        }
        let params = &[Param::Text(&self.hint.channel)];
        let notified = connections.with(async |mut connection| {
            E::rows(&mut connection, &statements.notify, params).await?;
            Ok((connection, ()))
        });
        let _ = notified.await;
    }
}

/// A reason without the character that PostgreSQL keeps in no text. It may quote the data.
pub(crate) fn plain(reason: &str) -> Cow<'_, str> {
    if reason.contains('\0') { reason.replace('\0', "\u{fffd}").into() } else { reason.into() }
}

fn count(rows: u64) -> usize {
    usize::try_from(rows).unwrap_or(usize::MAX)
}

pub(crate) fn answer(added: Added, message: &QueueMessage) -> Result<bool, SqlError> {
    match added {
        Added::New => Ok(true),
        Added::Known => Ok(false),
        Added::NoJob | Added::Sealed => {
            Err(SqlError::Sealed { job: message.job().to_owned(), key: message.key().to_owned() })
        }
    }
}
