#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod ambient;
mod apply;
mod block_on;
mod entry;
// Its examples use everything.
#[cfg(all(
    any(doc, doctest),
    feature = "compression",
    feature = "cron",
    feature = "csv",
    feature = "durable",
    feature = "hyper",
    feature = "jemalloc",
    feature = "json",
    feature = "metrics",
    feature = "orchestra",
    feature = "serde",
    feature = "sim",
    feature = "smol",
    feature = "tokio",
    feature = "tokio-util",
    feature = "tower",
    feature = "uuid"
))]
pub mod guide;
#[cfg(feature = "metrics")]
mod publish;
mod scope;
mod time;

pub use ambient::{Ambient, AmbientJoin, AmbientRuntime, AmbientSleep, install_default};
pub use apply::{Apply, ApplyAgain};
pub use block_on::{block_on, run_until_terminated};
#[cfg(feature = "orchestra")]
pub use entry::Orchestrator;
pub use entry::{AsyncTask, Entry, Task};
pub use scope::scope;
pub use sweet_async_core::{
    AsyncTaskError, BlockOn, BoxError, BreakerState, BreakerStatistics, BreakerWindow, CancelCause,
    CancelLevel, CancelOutcome, CancellableTask, Cancellation, CancellationResult, Canceller, Chaos,
    ChaosError, CircuitBreaker, CircuitBreakerBuilder, ContextualizedTask, CurrentRuntime,
    DEFAULT_MAX_RETRY_AFTER, DurationExt, DynRuntime, EnterGuard, FailedAttempt, FailureError, Interval,
    Jitter, Join, Keyable, Keyed, Limiter, LimiterBuilder, LocalRuntime, MetricsEnabledTask, MissedTicks,
    NamedTask, OwnedRuntime, PanicError, ParseTaskIdError, PrioritizedTask, RankableByPriority,
    RecoverableTask, RestartPolicy, RetriesError, Retry, RetryBudget, RetryStrategy, RootScope, Runtime,
    RuntimeBuilder, RuntimeError, RuntimeExt, RuntimeSource, Scope, ScopedTask, SeveralErrors, SpawnError,
    StatusEnabledTask, TaskBuilder, TaskContext, TaskId, TaskInfo, TaskPriority, TaskSet, TaskStatus,
    Termination, TimedTask, TimeoutError, TimeoutKind, TracingTask, UnknownPriority, all, any, await_result,
    n_of,
};
pub use sweet_async_core::{Hedge, HedgeBudget};
pub use sweet_async_core::{OnFailure, Repeated, Schedule};
pub use time::{interval, sleep, yield_now};

/// Tasks: the builder's types, for signatures.
pub use sweet_async_core::task;

#[cfg(feature = "orchestra")]
pub use sweet_async_orchestra::{
    EdgePolicy, ExecutionStats, Node, NodeStatus, Orchestrate, OrchestratorBuilder, OrchestratorError,
};
#[cfg(feature = "pipeline")]
pub use sweet_async_pipeline::await_final_event;

/// Pipelines: sources, events, collectors and their reports.
#[cfg(feature = "pipeline")]
pub use sweet_async_pipeline as pipeline;

/// Orchestras: tasks that depend on each other, and their reports.
#[cfg(feature = "orchestra")]
pub use sweet_async_orchestra as orchestra;

/// The interface between the library and an executor, which a backend implements.
pub use sweet_async_core::runtime;

/// Limiters, the permits that they give, and the urgency of waiters.
pub use sweet_async_core::limit;

/// Policies from a configuration file.
#[cfg(feature = "serde")]
pub use sweet_async_core::configuration;

/// The usage of tasks: processor time, memory, input and output; and its export.
pub mod metrics {
    pub use sweet_async_core::metrics::*;

    #[cfg(feature = "metrics")]
    pub use crate::publish::Publisher;

    /// An allocator whose threads count for themselves. Set as a program's `#[global_allocator]`, it makes
    /// the memory usage of tasks known; nothing else is needed for that.
    ///
    /// ```
    /// # #[cfg(any(feature = "tokio", feature = "smol"))]
    /// # fn main() -> Result<(), sweet_async::AsyncTaskError> {
    /// # use sweet_async::prelude::*;
    /// #[global_allocator]
    /// static ALLOCATOR: sweet_async::metrics::Jemalloc = sweet_async::metrics::Jemalloc;
    ///
    /// # sweet_async::block_on(async {
    /// let mut task = AsyncTask::to::<usize>().metrics(true).spawn(|| async { vec![1_u8; 1 << 20].len() });
    /// let length = (&mut task).await?;
    /// # assert_eq!(length, 1 << 20);
    /// assert!(task.memory_usage().is_some_and(|memory| memory.allocated >= 1 << 20));
    /// # Ok(())
    /// # })?
    /// # }
    /// # #[cfg(not(any(feature = "tokio", feature = "smol")))]
    /// # fn main() {}
    /// ```
    #[cfg(feature = "jemalloc")]
    pub use tikv_jemallocator::Jemalloc;
}

/// The Tokio backend, and an `AsyncTask` that always uses it.
///
/// This module has the name of the crate `tokio`. After `use sweet_async::*`, `tokio::spawn` is therefore not
/// found: a glob import comes before the names of crates. Write `::tokio` for the crate, or import the
/// [`prelude`], which has no modules.
#[cfg(feature = "tokio")]
pub mod tokio {
    pub use sweet_async_tokio::*;

    /// The entry point on the current runtime of this backend.
    pub type AsyncTask = crate::Entry<CurrentTokio>;
}

/// The smol backend, and an `AsyncTask` that always uses it.
///
/// After `use sweet_async::*`, `smol` is this module, and the crate of that name is `::smol`: see the
/// [`prelude`].
#[cfg(feature = "smol")]
pub mod smol {
    pub use sweet_async_smol::*;

    /// The entry point on the current runtime of this backend.
    pub type AsyncTask = crate::Entry<CurrentSmol>;
}

/// The simulation backend, a seeded, virtual-time runtime for tests, and an `AsyncTask` that always uses it.
#[cfg(feature = "sim")]
pub mod sim {
    pub use sweet_async_sim::*;

    /// The entry point on the current simulation. Elsewhere it gives
    /// [`AsyncTaskError::NoRuntime`](crate::AsyncTaskError::NoRuntime).
    pub type AsyncTask = crate::Entry<CurrentSim>;
}

#[cfg(feature = "hyper")]
pub mod hyper;

#[cfg(feature = "tokio-util")]
pub mod tokens;

/// The policies as `tower` layers.
#[cfg(feature = "tower")]
pub mod tower;

/// The names that most programs use: `use sweet_async::prelude::*;`.
///
/// A glob import of this hides no crate: it has no modules. `use sweet_async::*` does: the backends' modules
/// `tokio` and `smol` then come before the crates of these names, which are `::tokio` and `::smol`.
pub mod prelude {
    #[cfg(feature = "pipeline")]
    pub use crate::pipeline::{
        Batch, ChunkSize, ChunkSizeExt, Collected, Collector, Compression, Delimiter, ErrorAction,
        ErrorStrategy, Event, EventSender, FinalEvent, OnDuplicate, ReceiverStrategy, RowError,
        SenderStrategy, SourceErrorStrategy, await_final_event,
    };
    #[cfg(feature = "csv")]
    pub use crate::pipeline::{FieldError, Row};
    pub use crate::{
        Apply, ApplyAgain, AsyncTask, AsyncTaskError, CancelLevel, CancellableTask, CircuitBreaker,
        ContextualizedTask, DurationExt, Hedge, Keyed, Limiter, MetricsEnabledTask, NamedTask,
        PrioritizedTask, RecoverableTask, RetryStrategy, Runtime, RuntimeExt, Schedule, StatusEnabledTask,
        Task, TaskContext, TaskPriority, TaskSet, TaskStatus, TimedTask, TracingTask, await_result, scope,
    };
    #[cfg(feature = "orchestra")]
    pub use crate::{EdgePolicy, Node, NodeStatus, Orchestrate, Orchestrator, OrchestratorError};
}
