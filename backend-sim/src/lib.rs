//! Sweet Async under a seeded virtual clock: one thread, no waiting, and runs that are repeatable from their
//! seed.
//!
//! Whenever more than one thing could run, the seed decides which one does. When nothing can, the clock jumps
//! to the next timer. A day passes in microseconds:
//!
//! ```
//! use std::time::Duration;
//! use sweet_async_core::{AsyncTaskError, RuntimeExt as _};
//! use sweet_async_sim::SimRuntime;
//!
//! let sim = SimRuntime::new(7);
//! let rt = sim.runtime();
//! sim.block_on(async { rt.sleep(Duration::from_secs(24 * 60 * 60)).await })??;
//! assert_eq!(sim.elapsed(), Duration::from_secs(24 * 60 * 60));
//! # Ok::<_, AsyncTaskError>(())
//! ```
//!
//! A race that shows once in a thousand runs is found by a sweep over seeds, and then replayed with the one
//! seed that found it:
//!
//! ```
//! use sweet_async_core::{AsyncTaskError, TaskBuilder};
//! use sweet_async_sim::SimRuntime;
//!
//! for seed in 0..100 {
//!     let sim = SimRuntime::new(seed);
//!     let task = || TaskBuilder::<u32, _>::new(sim.runtime().clone());
//!     let sum = sim.block_on(async {
//!         let (left, right) = (task().spawn(|| async { 1 }), task().spawn(|| async { 2 }));
//!         Ok::<_, AsyncTaskError>(left.await? + right.await?)
//!     })?;
//!     assert_eq!(sum?, 3, "with seed {seed}");
//! }
//! # Ok::<_, AsyncTaskError>(())
//! ```
//!
//! # Properties and limits
//!
//! - Everything runs inside [`SimRuntime::block_on`], on the thread that calls it. So does blocking
//!   work: it runs in one go, at a moment that the seed decides, and may itself call `block_on`.
//! - Time passes only when nothing can run. Work takes no time, and a loop that yields until some time has
//!   passed never ends: sleep instead.
//! - When nothing can run and no timer is set, `block_on` returns a [`Deadlock`] at once, with the tasks that
//!   are stuck. A wake that another thread was still to send is unknown here: such a thread cannot be part of
//!   a simulation. A wake that comes in time is taken, but the run can then not be replayed.
//! - The decisions of the seed are replayed. Inputs of work from elsewhere (threads, the system's clock, the
//!   order of a `HashMap`) are not. [`SimRuntime::fingerprint`] shows if two runs took the same steps.

#![forbid(unsafe_code)]

mod clock;
mod deadlock;
mod drive;
mod driver_lock;
mod entry;
mod executor;
mod join;
mod owned;
mod random;
mod runtime;
mod schedule;
mod sleep;

pub use deadlock::Deadlock;
pub use entry::CurrentSim;
pub use join::SimJoin;
pub use owned::SimRuntime;
pub use runtime::SimHandle;
pub use sleep::SimSleep;
