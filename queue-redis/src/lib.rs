//! A queue between pipelines on Redis: [`RedisQueue`], an engine of
//! [`of_queue` and `publish`](sweet_async_pipeline::Queue).
//!
//! ```no_run
//! # use sweet_async_redis::{RedisQueue, RedisQueueError};
//! # async fn connected() -> Result<(), RedisQueueError> {
//! let queue = RedisQueue::connect("redis://127.0.0.1:6379", "orders").await?;
//! # Ok(()) }
//! ```
//!
//! It needs Redis 6.0 or newer, or a server that speaks its protocol (RESP3) and runs its scripts.
//!
//! # How it is kept
//!
//! The messages of a queue are entries of one **stream**, under numbers that count up; an entry is never changed, and
//! removed once its message is settled. The states of the messages are **sorted sets** of these numbers:
//!
//! ```text
//!  XADD ──► ready, ready:<job> ── claim ──► held ── ack ──► XDEL
//!           (by number)  ▲                   │ (by the end of the lease)
//!                        ├─── delayed ◄──────┤ nack, later
//!                        ├───────────────────┤ nack, release, lease run out
//!                        └── redrive ── dead ◄ bury
//! ```
//!
//! *Why no consumer group?* A group hands an entry out once, in order, and keeps it in a list of pending entries. It has
//! no command for most of the rest:
//!
//! - `XAUTOCLAIM` knows the time since the last delivery, not the end of a lease, so that consumers with different
//!   leases take messages from each other.
//! - An entry that comes back does not go before those that were added later: a reader asks for new entries or for
//!   pending ones.
//! - There is no delay, no claim of one job among several, and an entry that is given back still counts as delivered.
//! - `XACK` names an entry, not its delivery: an acknowledgement that is late removes the message of another consumer.
//!
//! So the stream keeps the bodies, and each call is one script. It is carried out as a whole or not at all, for nobody
//! sees a server between two commands of a script. Time is the server's (`TIME`), in microseconds. A delivery has a
//! number, which is greater than that of any earlier one and than the time in microseconds. So it is a new number even
//! if the server has lost its last second.
//!
//! A job has a count of its open messages, and the queue has one of its unfinished jobs: "over" is known at once.
//!
//! The keys of a queue begin with `{prefix:name}`. The braces keep all of them on one server of a cluster, where the
//! address has to be that of this server: redirections are not followed.
//!
//! # Durability
//!
//! A message is kept as well as the server keeps its data:
//!
//! | Setting of the server       | Lost when the server or its machine stops                                   |
//! |-----------------------------|-----------------------------------------------------------------------------|
//! | `appendonly no`             | All since the last snapshot (`save`); everything if there is none           |
//! | `appendfsync everysec`      | Up to the last two seconds                                                  |
//! | `appendfsync always`        | Nothing that a call has returned, as far as the disk keeps what was flushed |
//!
//! Both settings of `appendfsync` need `appendonly yes`. Lost changes are those of every kind: a message is not there,
//! or it is there again and is handed out once more, with the number of deliveries that it had.
//!
//! Replicas follow asynchronously. A replica that takes over may lack the last changes, whatever the setting above.
//! `WAIT` makes this less likely, not impossible, and this crate does not call it.
//!
//! `maxmemory-policy` has to be `noeviction`. With another one the server drops keys of the queue, and so messages. With
//! `noeviction` and no memory left, `publish`, `open` and `seal` fail, while messages can still be claimed and settled.
//!
//! A key of a message stays known until its job is [forgotten](RedisQueue::forget), which takes some hundred bytes for
//! each message.

#![forbid(unsafe_code)]

#[cfg(not(any(feature = "tokio", feature = "smol")))]
compile_error!("sweet-async-redis needs one of its features `tokio` and `smol`, or both");

mod arguments;
mod builder;
mod engine;
mod error;
mod link;
mod notices;
mod queue;
mod reply;
mod script;

pub use arguments::RedisReceipt;
pub use builder::RedisQueueBuilder;
pub use error::RedisQueueError;
pub use queue::RedisQueue;
