//! A queue in a SQL database.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use sweet_async_pipeline::{Claim, Claims, DeadLetter, Depth, Queue, QueueMessage};

use crate::SqlError;
use crate::engine::{Added, Engine, NewMessage, Param};
use crate::hint::Hint;
use crate::statements::Statements;
use crate::store::SqlStore;

/// A [`Queue`] in a SQL database. A clone is a handle on the same queue, with the same connections.
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
    id: i64,
    delivery: i64,
}

fn millis(time: Duration) -> i64 {
    // Rounded up, so that no lease is shorter than asked for, and far from the end of the numbers.
    i64::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX).min(i64::MAX / 4)
}

fn most(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn json(receipts: &[SqlReceipt]) -> String {
    let pairs: Vec<_> =
        receipts.iter().map(|SqlReceipt { id, delivery }| format!("[{id},{delivery}]")).collect();
    format!("[{}]", pairs.join(","))
}

fn json_of_keys(keys: &[Arc<str>]) -> String {
    serde_json::Value::from_iter(keys.iter().map(|key| &**key)).to_string()
}

impl<E: Engine> SqlQueue<E> {
    fn statements(&self) -> &Statements {
        self.store.statements()
    }

    /// Adds a message inside the transaction that `connection` is in, as [`publish`](Queue::publish) does: it is there
    /// once the transaction is committed, together with whatever else is in it. The result is true for a new message.
    ///
    /// In PostgreSQL, a seal of the job waits for the end of the transaction. In SQLite, the transaction is to be begun
    /// with `BEGIN IMMEDIATE`, so that it waits for others that write. A pipeline reads chunks: messages of another make,
    /// as these are, are for consumers of their own, which claim them.
    ///
    /// # Errors
    ///
    /// [`SqlError::Sealed`], or an error of the database. No attempt is made again: the transaction is the caller's.
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

    /// Acknowledges messages inside the transaction that `connection` is in, as [`ack`](Queue::ack) does: together with
    /// whatever the same transaction writes, so that a result is there exactly once. Returns how many were still held.
    /// Where that is fewer than there are, somebody else handles the others by now: roll the transaction back.
    ///
    /// # Errors
    ///
    /// An error of the database. No attempt is made again: the transaction is the caller's.
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

    fn new_message<'a>(&self, message: &'a QueueMessage) -> NewMessage<'a> {
        NewMessage { queue: self.id, job: message.job(), key: message.key(), body: message.body() }
    }

    /// Runs a statement on messages that are held, and returns how many there were.
    async fn settle(
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
    async fn change(
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
    async fn returned(&self, count: usize) -> usize {
        if count > 0 {
            self.notify().await;
        }
        count
    }

    /// Gives the hint that the queue has changed. An error of it changes nothing: a slow poll stands beside it.
    async fn notify(&self) {
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
fn plain(reason: &str) -> Cow<'_, str> {
    if reason.contains('\0') { reason.replace('\0', "\u{fffd}").into() } else { reason.into() }
}

fn count(rows: u64) -> usize {
    usize::try_from(rows).unwrap_or(usize::MAX)
}

fn answer(added: Added, message: &QueueMessage) -> Result<bool, SqlError> {
    match added {
        Added::New => Ok(true),
        Added::Known => Ok(false),
        Added::NoJob | Added::Sealed => {
            Err(SqlError::Sealed { job: message.job().to_owned(), key: message.key().to_owned() })
        }
    }
}

impl<E: Engine> Queue for SqlQueue<E> {
    type Receipt = SqlReceipt;
    type Error = SqlError;

    async fn open(&self, job: &str) -> Result<(), SqlError> {
        let (sql, params) = (&self.statements().open, [Param::Int(self.id), Param::Text(job)]);
        self.store.execute("open a job", sql, &params).await?;
        Ok(())
    }

    async fn publish(&self, message: QueueMessage) -> Result<bool, SqlError> {
        let (statements, new) = (self.statements(), self.new_message(&message));
        let add = move |connection| add_alone::<E>(connection, statements, new);
        let mut added = self.store.call("publish a message", add).await?;
        if added == Added::NoJob {
            self.open(message.job()).await?;
            added = self.store.call("publish a message", add).await?;
        }
        let is_new = answer(added, &message)?;
        if is_new {
            // Those of other processes have heard of it by the statement itself.
            self.hint.notify();
        }
        Ok(is_new)
    }

    async fn seal(&self, job: &str) -> Result<(), SqlError> {
        let (sql, params) = (&self.statements().seal, [Param::Int(self.id), Param::Text(job)]);
        self.store.execute("seal a job", sql, &params).await?;
        self.notify().await;
        Ok(())
    }

    async fn claim(
        &self,
        job: Option<&str>,
        count: usize,
        lease: Duration,
    ) -> Result<Claims<SqlReceipt>, SqlError> {
        let (statements, count) = (self.statements(), most(count));
        let (id, lease) = (Param::Int(self.id), Param::Int(millis(lease)));
        let claim = move |mut connection| async move {
            let looks_first = statements.dialect.looks_first;
            if looks_first {
                let state = state::<E>(&mut connection, statements, id, job).await?;
                if state != MAY_CLAIM {
                    return Ok((connection, nothing(state)));
                }
            }
            let rows = match job {
                None => E::rows(&mut connection, &statements.claim, &[id, Param::Int(count), lease]).await?,
                Some(job) => {
                    let params = [id, Param::Int(count), lease, Param::Text(job)];
                    E::rows(&mut connection, &statements.claim_of_job, &params).await?
                }
            };
            if rows.is_empty() {
                let state = if looks_first {
                    NONE_FOR_NOW
                } else {
                    state::<E>(&mut connection, statements, id, job).await?
                };
                return Ok((connection, nothing(state)));
            }
            let mut claims = rows.iter().map(claimed::<E>).collect::<Result<Vec<_>, _>>()?;
            // By number: the statement's order is not that of its rows.
            claims.sort_unstable_by_key(|claim| claim.receipt.id);
            Ok((connection, Claims::Messages(claims)))
        };
        let claims = self.store.call("claim messages", claim).await?;
        if matches!(claims, Claims::Messages(_)) {
            E::forget_changes(&self.hint).await;
        }
        Ok(claims)
    }

    async fn ack(&self, receipts: &[SqlReceipt]) -> Result<usize, SqlError> {
        self.settle("acknowledge messages", &self.statements().ack, receipts, &[]).await
    }

    async fn extend(&self, receipts: &[SqlReceipt], lease: Duration) -> Result<usize, SqlError> {
        let lease = [Param::Int(millis(lease))];
        self.settle("extend leases", &self.statements().extend, receipts, &lease).await
    }

    async fn nack(&self, receipts: &[SqlReceipt], reason: &str, after: Duration) -> Result<usize, SqlError> {
        let reason = plain(reason);
        let more = [Param::Int(millis(after)), Param::Text(&reason)];
        let count = self.settle("give messages back", &self.statements().nack, receipts, &more).await?;
        Ok(self.returned(count).await)
    }

    async fn release(&self, receipts: &[SqlReceipt]) -> Result<usize, SqlError> {
        let count = self.settle("release messages", &self.statements().release, receipts, &[]).await?;
        Ok(self.returned(count).await)
    }

    async fn bury(&self, receipts: &[SqlReceipt], reason: &str) -> Result<usize, SqlError> {
        let reason = plain(reason);
        self.settle("bury messages", &self.statements().bury, receipts, &[Param::Text(&reason)]).await
    }

    async fn dead(&self, count: usize) -> Result<Vec<DeadLetter>, SqlError> {
        let (sql, params) = (&self.statements().dead, &[Param::Int(self.id), Param::Int(most(count))]);
        let list = move |mut connection| async move {
            let rows = E::rows(&mut connection, sql, params).await?;
            let letters = rows.iter().map(letter::<E>).collect::<Result<Vec<_>, _>>()?;
            Ok((connection, letters))
        };
        self.store.call("list dead letters", list).await
    }

    async fn redrive(&self, keys: &[Arc<str>]) -> Result<usize, SqlError> {
        if keys.is_empty() {
            return Ok(0);
        }
        let keys = json_of_keys(keys);
        let count = self.change("redrive dead letters", &self.statements().redrive, &keys, &[]).await?;
        Ok(self.returned(count).await)
    }

    async fn purge(&self, keys: &[Arc<str>]) -> Result<usize, SqlError> {
        if keys.is_empty() {
            return Ok(0);
        }
        let (statements, keys) = (self.statements(), json_of_keys(keys));
        let (id, params) = (Param::Int(self.id), &[Param::Int(self.id), Param::Text(&keys)]);
        let purge = move |mut connection| async move {
            E::execute(&mut connection, &statements.begin, &[]).await?;
            let rows = E::rows(&mut connection, &statements.drop_dead, params).await?;
            let dropped = rows.iter().map(|row| E::text(row, 0)).collect::<Result<Vec<_>, _>>()?;
            let count = dropped.len();
            let dropped = serde_json::Value::from(dropped).to_string();
            E::execute(&mut connection, &statements.mark_purged, &[id, Param::Text(&dropped)]).await?;
            E::execute(&mut connection, &statements.commit, &[]).await?;
            Ok((connection, count))
        };
        self.store.call("purge dead letters", purge).await
    }

    async fn depth(&self) -> Result<Depth, SqlError> {
        let (sql, params) = (&self.statements().depth, &[Param::Int(self.id)]);
        let depth = move |mut connection| async move {
            let rows = E::rows(&mut connection, sql, params).await?;
            let depth = rows.first().map_or_else(|| Ok(Depth::default()), counted::<E>)?;
            Ok((connection, depth))
        };
        self.store.call("count messages", depth).await
    }

    async fn changed(&self) {
        E::changed(&self.hint, self.store.connections()).await;
    }

    fn poll_period(&self) -> Duration {
        E::POLL_PERIOD
    }
}

/// The answers of the statements `state` and `state_of_job`.
const MAY_CLAIM: i64 = 0;
const NONE_FOR_NOW: i64 = 1;
const IS_OVER: i64 = 2;

fn nothing(state: i64) -> Claims<SqlReceipt> {
    if state == IS_OVER { Claims::Over } else { Claims::Empty }
}

async fn state<E: Engine>(
    connection: &mut E::Connection,
    statements: &Statements,
    id: Param<'_>,
    job: Option<&str>,
) -> Result<i64, sqlx::Error> {
    let rows = match job {
        None => E::rows(connection, &statements.state, &[id]).await?,
        Some(job) => E::rows(connection, &statements.state_of_job, &[id, Param::Text(job)]).await?,
    };
    rows.first().map_or(Ok(NONE_FOR_NOW), |row| E::int(row, 0))
}

/// Adds a message in a transaction of its own.
async fn add_alone<E: Engine>(
    mut connection: E::Connection,
    statements: &Statements,
    new: NewMessage<'_>,
) -> Result<(E::Connection, Added), sqlx::Error> {
    // One statement is a transaction; the engine that needs several is the one that locks others out.
    if !statements.dialect.looks_first {
        let added = E::add(&mut connection, statements, new).await?;
        return Ok((connection, added));
    }
    E::execute(&mut connection, &statements.begin, &[]).await?;
    let added = E::add(&mut connection, statements, new).await?;
    E::execute(&mut connection, &statements.commit, &[]).await?;
    Ok((connection, added))
}

fn counted<E: Engine>(row: &E::Row) -> Result<Depth, sqlx::Error> {
    let count = |column| E::int(row, column).map(|count| u64::try_from(count).unwrap_or_default());
    Ok(Depth { waiting: count(0)?, delayed: count(1)?, claimed: count(2)?, done: count(3)?, dead: count(4)? })
}

fn claimed<E: Engine>(row: &E::Row) -> Result<Claim<SqlReceipt>, sqlx::Error> {
    let receipt = SqlReceipt { id: E::int(row, 0)?, delivery: E::int(row, 1)? };
    let message = QueueMessage::new(E::text(row, 2)?, E::text(row, 3)?, Bytes::from(E::bytes(row, 4)?));
    Ok(Claim { message, receipt, deliveries: deliveries::<E>(row, 5)? })
}

fn letter<E: Engine>(row: &E::Row) -> Result<DeadLetter, sqlx::Error> {
    let message = QueueMessage::new(E::text(row, 0)?, E::text(row, 1)?, Bytes::from(E::bytes(row, 2)?));
    Ok(DeadLetter::new(message, deliveries::<E>(row, 3)?, E::text(row, 4)?))
}

fn deliveries<E: Engine>(row: &E::Row, column: usize) -> Result<u32, sqlx::Error> {
    Ok(u32::try_from(E::int(row, column)?).unwrap_or(u32::MAX))
}
