//! Sweet Async on smol: a thin [`Runtime`](sweet_async_core::Runtime) over the global executor, over an executor of
//! yours, or over a pool of threads.
//!
//! ```
//! use sweet_async_smol::AsyncTask;
//!
//! let answer = smol::block_on(AsyncTask::to::<u32>().spawn(|| async { 6 * 7 }))?;
//! assert_eq!(answer, 42);
//! # Ok::<_, sweet_async_core::AsyncTaskError>(())
//! ```

#![forbid(unsafe_code)]

mod join;
mod local;
mod pool;
mod runtime;
mod signal;
mod sleep;
mod task;

pub use join::SmolJoin;
pub use local::SmolLocal;
pub use pool::SmolPool;
pub use runtime::SmolRuntime;
pub use sleep::SmolSleep;
pub use task::{AsyncTask, CurrentSmol};

/// Builds a [`SmolPool`].
pub type RuntimeBuilder = sweet_async_core::runtime::RuntimeBuilder<SmolPool>;
