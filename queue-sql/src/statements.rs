//! The statements of queues, for an engine and a schema. All are prepared, and all values are parameters.
//!
//! A message is in `queue_messages` from its publishing to its acknowledgement. Its key stays in `queue_keys`. Times are
//! milliseconds since 1970, by the engine's clock. `due` is the time from which on a message can be claimed: 0, the end
//! of its lease while it is held, or the end of its delay.

use std::sync::Arc;

use crate::dialect::Dialect;

macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident: $sql:expr;)+) => {
        /// The statements.
        #[derive(Debug)]
        pub struct Statements {
            /// The SQL in which the engines differ.
            pub(crate) dialect: Dialect,
            /// The beginning of the names of channels for notifications.
            channel: String,
            $($(#[$doc])* pub(crate) $name: Arc<str>,)+
        }

        impl Statements {
            /// The statements for tables whose names begin with `prefix`.
            pub(crate) fn new(dialect: Dialect, prefix: &str, channel: String) -> Self {
                Self { dialect, channel, $($name: dialect.fill($sql, prefix).into(),)+ }
            }
        }
    };
}

/// The claim of messages of which `$which` is true.
macro_rules! claim {
    ($which:literal) => {
        concat!(
            "WITH picked AS MATERIALIZED (SELECT id FROM {s}queue_messages WHERE queue = $1 AND NOT is_dead AND due <= \
             (SELECT {now}) ",
            $which,
            " ORDER BY id LIMIT $2 {skip}) UPDATE {s}queue_messages SET due = {now} + $3, is_held = TRUE, deliveries = \
             deliveries + 1, delivery = delivery + 1 WHERE id IN (SELECT id FROM picked) RETURNING id, delivery, job, \
             key, {its_body}, deliveries"
        )
    };
}

/// The condition that a row of messages is a delivery of parameter 2 that still stands.
macro_rules! held {
    ($start:literal) => {
        concat!(
            $start,
            " WHERE queue = $1 AND is_held {among} AND (id, delivery) IN (SELECT CAST(value ->> 0 AS BIGINT), CAST(value ->> 1 \
             AS BIGINT) FROM {elements})"
        )
    };
}

statements! {
    begin: "{begin}";
    commit: "COMMIT";
    make_name: "INSERT INTO {s}queue_names (name) VALUES ($1) ON CONFLICT (name) DO NOTHING";
    name: "SELECT id FROM {s}queue_names WHERE name = $1";
    open: "INSERT INTO {s}queue_jobs (queue, name) VALUES ($1, $2) ON CONFLICT (queue, name) DO NOTHING";
    seal: "INSERT INTO {s}queue_jobs (queue, name, is_sealed) VALUES ($1, $2, TRUE) ON CONFLICT (queue, name) DO UPDATE \
           SET is_sealed = TRUE";
    /// PostgreSQL: one statement, which waits for a seal in progress, and which a seal waits for.
    publish: "WITH job AS MATERIALIZED (SELECT is_sealed FROM {s}queue_jobs WHERE queue = $1 AND name = $2 FOR SHARE), \
              fresh AS (INSERT INTO {s}queue_keys (queue, key, job) SELECT $1, $3, $2 FROM job WHERE NOT is_sealed ON \
              CONFLICT (queue, key) DO NOTHING RETURNING 1), \
              added AS (INSERT INTO {s}queue_messages (queue, job, key, body) SELECT $1, $2, $3, $4 FROM fresh RETURNING \
              pg_notify($5, '')) \
              SELECT CAST(CASE WHEN EXISTS (SELECT 1 FROM added) THEN 1 WHEN NOT EXISTS (SELECT 1 FROM job) THEN 2 WHEN \
              (SELECT is_sealed FROM job) THEN 3 ELSE 0 END AS BIGINT)";
    /// SQLite: the key, if the job is open; then the message, in the same transaction.
    add_key: "INSERT INTO {s}queue_keys (queue, key, job) SELECT $1, $3, $2 WHERE EXISTS (SELECT 1 FROM {s}queue_jobs \
              WHERE queue = $1 AND name = $2 AND NOT is_sealed) ON CONFLICT (queue, key) DO NOTHING";
    add_message: "INSERT INTO {s}queue_messages (queue, job, key) VALUES ($1, $2, $3)";
    add_body: "INSERT INTO {s}queue_bodies (id, body) VALUES (last_insert_rowid(), $1)";
    /// 1 if the key is known, 2 if there is no such job, else 3.
    refused: "SELECT CAST(CASE WHEN EXISTS (SELECT 1 FROM {s}queue_keys WHERE queue = $1 AND key = $3) THEN 1 WHEN NOT \
              EXISTS (SELECT 1 FROM {s}queue_jobs WHERE queue = $1 AND name = $2) THEN 2 ELSE 3 END AS BIGINT)";
    claim: claim!("");
    claim_of_job: claim!("AND job = $4");
    /// 0 for a message that can be claimed, 1 for none for now, 2 for none any more.
    state: "SELECT CAST(CASE WHEN EXISTS (SELECT 1 FROM {s}queue_messages WHERE queue = $1 AND NOT is_dead AND due <= \
            (SELECT {now})) THEN 0 WHEN EXISTS (SELECT 1 FROM {s}queue_jobs WHERE queue = $1) AND NOT EXISTS (SELECT 1 \
            FROM {s}queue_jobs WHERE queue = $1 AND NOT is_sealed) AND NOT EXISTS (SELECT 1 FROM {s}queue_messages \
            WHERE queue = $1 AND NOT is_dead) THEN 2 ELSE 1 END AS BIGINT)";
    state_of_job: "SELECT CAST(CASE WHEN EXISTS (SELECT 1 FROM {s}queue_messages WHERE queue = $1 AND job = $2 AND NOT \
                   is_dead AND due <= (SELECT {now})) THEN 0 WHEN EXISTS (SELECT 1 FROM {s}queue_jobs WHERE queue = $1 \
                   AND name = $2 AND is_sealed) AND NOT EXISTS (SELECT 1 FROM {s}queue_messages WHERE queue = $1 AND \
                   job = $2 AND NOT is_dead) THEN 2 ELSE 1 END AS BIGINT)";
    ack: held!("DELETE FROM {s}queue_messages");
    extend: held!("UPDATE {s}queue_messages SET due = {now} + $3");
    nack: held!("UPDATE {s}queue_messages SET due = CASE WHEN $3 = 0 THEN 0 ELSE {now} + $3 END, is_held = FALSE, reason \
                 = $4");
    release: held!("UPDATE {s}queue_messages SET due = 0, is_held = FALSE, deliveries = deliveries - 1");
    bury: held!("UPDATE {s}queue_messages SET due = 0, is_held = FALSE, is_dead = TRUE, reason = $3");
    dead: "SELECT job, key, {its_body}, deliveries, reason FROM {s}queue_messages WHERE queue = $1 AND is_dead ORDER BY id LIMIT \
           $2";
    /// The jobs stay until the end of the transaction: one that is forgotten has no message that comes back.
    redrive: "WITH kept AS MATERIALIZED (SELECT name FROM {s}queue_jobs WHERE queue = $1 AND name IN (SELECT job FROM \
              {s}queue_messages WHERE queue = $1 AND is_dead AND key IN (SELECT value FROM {texts})) {share}) UPDATE \
              {s}queue_messages SET is_dead = FALSE, deliveries = 0, reason = '' WHERE queue = $1 AND is_dead AND key IN \
              (SELECT value FROM {texts}) AND job IN (SELECT name FROM kept)";
    drop_dead: "DELETE FROM {s}queue_messages WHERE queue = $1 AND is_dead AND key IN (SELECT value FROM {texts}) \
                RETURNING key";
    mark_purged: "UPDATE {s}queue_keys SET is_purged = TRUE WHERE queue = $1 AND key IN (SELECT value FROM {texts})";
    depth: "SELECT COUNT(CASE WHEN NOT is_dead AND due <= clock.now THEN 1 END), COUNT(CASE WHEN NOT is_held AND due > \
            clock.now THEN 1 END), COUNT(CASE WHEN is_held AND due > clock.now THEN 1 END), (SELECT COUNT(*) FROM \
            {s}queue_keys WHERE queue = $1 AND NOT is_purged) - COUNT(*), COUNT(CASE WHEN is_dead THEN 1 END) FROM \
            {s}queue_messages, (SELECT {now} AS now) AS clock WHERE queue = $1";
    lock_job: "SELECT 1 FROM {s}queue_jobs WHERE queue = $1 AND name = $2 {update}";
    forget_job: "DELETE FROM {s}queue_jobs WHERE queue = $1 AND name = $2 AND is_sealed AND NOT EXISTS (SELECT 1 FROM \
                 {s}queue_messages WHERE queue = $1 AND job = $2 AND NOT is_dead)";
    forget_messages: "DELETE FROM {s}queue_messages WHERE queue = $1 AND job = $2 AND is_dead";
    forget_keys: "DELETE FROM {s}queue_keys WHERE queue = $1 AND job = $2";
    notify: "SELECT pg_notify($1, '')";
}

impl Statements {
    /// The channel for notifications of a queue.
    pub(crate) fn channel(&self, queue: i64) -> String {
        format!("{}_{queue}", self.channel)
    }
}
