//! A tiny runtime made by hand, of threads and channels of the standard library, with nothing else below it.
//! It shows what a backend of Sweet Async has to supply, and passes the whole conformance suite.
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
//! Everything has one owner, and others send messages to it: there is no lock.
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
//! - `runtime`: the handle, with the primitives that core uses
//! - `task`: a task and its wake-ups
//! - `scheduler`: the thread that owns the tasks, and the workers that poll them
//! - `timer`, `blocking`: the two other threads that own something
//! - `join`: the path of a task's output to its handle
//! - `mailbox`: a channel that can be closed
//! - `wake`: a waker that wakes when it is dropped
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
