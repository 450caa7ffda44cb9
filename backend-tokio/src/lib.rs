//! Sweet Async on Tokio: a thin [`Runtime`](sweet_async_core::Runtime) over a Tokio handle.
//!
//! ```
//! use sweet_async_core::TaskBuilder;
//! use sweet_async_tokio::CurrentTokio;
//!
//! # let tokio = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
//! tokio.block_on(async {
//!     let answer = TaskBuilder::<u32, _>::new(CurrentTokio).spawn(|| async { 6 * 7 }).await?;
//!     assert_eq!(answer, 42);
//!     Ok::<_, sweet_async_core::AsyncTaskError>(())
//! })?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! [`TokioRuntime`] is a handle: it never keeps a runtime alive. [`OwnedTokio`] is an owned runtime.

#![forbid(unsafe_code)]

mod entry;
mod join;
mod local;
mod owned;
mod runtime;
mod signal;
mod sleep;

pub use entry::CurrentTokio;
pub use join::TokioJoin;
pub use local::TokioLocal;
pub use owned::OwnedTokio;
pub use runtime::TokioRuntime;
pub use sleep::TokioSleep;

/// Builds an [`OwnedTokio`].
pub type RuntimeBuilder = sweet_async_core::runtime::RuntimeBuilder<OwnedTokio>;
