#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod ambient;
mod block_on;
mod entry;

pub use ambient::{Ambient, AmbientRuntime, install_default};
pub use block_on::block_on;
pub use entry::{AsyncTask, Task};
pub use sweet_async_core::{
    AsyncTaskError, BlockOn, BoxError, CancelCause, CancelLevel, Cancellation, CancellationResult, Canceller,
    CurrentRuntime, DurationExt, DynRuntime, EnterGuard, Join, PanicError, Runtime, RuntimeError,
    RuntimeSource, SpawnError, TaskBuilder, TaskId, TaskStatus, TimeoutError, TimeoutKind, await_final_event,
};

/// Tasks: the builder's types, for signatures.
pub use sweet_async_core::task;

/// Pipelines: sources, events, collectors and what they report.
pub use sweet_async_core::pipeline;

/// The seam to the executor, for those who write a backend.
pub use sweet_async_core::runtime;

/// The Tokio backend, and an `AsyncTask` that always means it.
#[cfg(feature = "tokio")]
pub use sweet_async_tokio as tokio;

/// The smol backend, and an `AsyncTask` that always means it.
#[cfg(feature = "smol")]
pub use sweet_async_smol as smol;

/// What most programs want: `use sweet_async::prelude::*;`.
pub mod prelude {
    pub use crate::pipeline::{
        ChunkSize, ChunkSizeExt as _, Collector, Delimiter, ErrorStrategy, Event, FinalEvent, RowError,
    };

    pub use crate::{
        AsyncTask, AsyncTaskError, CancelLevel, DurationExt as _, Task, TaskStatus, await_final_event,
    };
}
