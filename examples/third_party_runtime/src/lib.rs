//! A tiny runtime made by hand: threads and channels of the standard library, and nothing else below it. It shows what
//! a backend of Sweet Async has to supply, and passes the whole conformance suite.
//!
//! ```
//! use sweet_async::prelude::*;
//! use sweet_async::runtime::OwnedRuntime as _;
//! use third_party_runtime::TinyPool;
//!
//! let pool = TinyPool::builder().worker_threads(2).build()?;
//! let task = AsyncTask::to::<u32>().on(pool.runtime()).timeout(1.minutes());
//! assert_eq!(pool.block_on(async { task.spawn(|| async { 6 * 7 }).await })??, 42);
//! # Ok::<_, AsyncTaskError>(())
//! ```
//!
//! Every thing has one owner, and whoever wants something of it sends a message: there is no lock.
//!
//! ```text
//!  spawn, wakers ──────► scheduler ── a task to poll ──► worker 0 .. n
//!                            ▲                              │
//!                            └── free again, and the task ──┘
//!                                if it is not done
//!  sleep_until ────────► timer      holds wakers, by deadline
//!  spawn_blocking ─────► foreman    holds jobs until a thread of its own is idle
//! ```
//!
//! - `pool`: the owner, which starts the threads and whose drop ends them
//! - `runtime`: the handle: what core asks of it
//! - `task`: a task, and how it is woken
//! - `scheduler`: who polls which task, and when
//! - `timer`, `blocking`: the two other threads that own something
//! - `join`: a task's output on its way to its handle
//! - `mailbox`: a channel that can be closed; `wake`: a waker that cannot be forgotten
//! - `park`: one future on the calling thread

#![forbid(unsafe_code)]

mod blocking;
mod join;
mod mailbox;
mod park;
mod pool;
mod runtime;
mod scheduler;
mod task;
mod timer;
mod wake;

pub use join::TinyJoin;
pub use pool::TinyPool;
pub use runtime::TinyRuntime;
pub use timer::TinySleep;
