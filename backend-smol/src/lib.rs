//! Sweet Async on smol: a thin [`Runtime`](sweet_async_core::Runtime) over the global executor, over an
//! executor of the user's, or over a pool of threads.
//!
//! ```
//! use sweet_async_core::TaskBuilder;
//! use sweet_async_smol::CurrentSmol;
//!
//! let answer = smol::block_on(TaskBuilder::<u32, _>::new(CurrentSmol).spawn(|| async { 6 * 7 }))?;
//! assert_eq!(answer, 42);
//! # Ok::<_, sweet_async_core::AsyncTaskError>(())
//! ```

#![forbid(unsafe_code)]

mod entry;
mod join;
mod local;
mod owned;
mod runtime;
mod signal;
mod sleep;

pub use entry::CurrentSmol;
pub use join::SmolJoin;
pub use local::SmolLocal;
pub use owned::SmolPool;
pub use runtime::SmolRuntime;
pub use sleep::SmolSleep;

/// Builds a [`SmolPool`].
pub type RuntimeBuilder = sweet_async_core::runtime::RuntimeBuilder<SmolPool>;
