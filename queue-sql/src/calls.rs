//! The calls of [`Queue`] on a SQL database, each one statement or one transaction.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use sweet_async_pipeline::{Claim, Claims, DeadLetter, Depth, Queue, QueueMessage};

use crate::SqlError;
use crate::engine::{Added, Engine, NewMessage, Param};
use crate::queue::{SqlQueue, SqlReceipt, answer, json_of_keys, millis, most, plain};
use crate::statements::Statements;

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
