//! The semantics of Sweet Async over any executor: tasks that have a name, a status, a deadline and a known end, and
//! pipelines made of them.
//!
//! This crate knows no executor. A backend implements [`Runtime`]; applications use the `sweet-async` facade, which
//! finds the runtime by itself, and libraries are generic over [`Runtime`] and say `.on(&runtime)`.
//!
//! ```
//! use sweet_async_core::{AsyncTaskError, Runtime, TaskBuilder};
//!
//! async fn double<R: Runtime>(runtime: &R, number: u64) -> Result<u64, AsyncTaskError> {
//!     TaskBuilder::new(runtime.clone()).spawn(move || async move { number * 2 }).await
//! }
//! ```
//!
//! - [`error`]: what can go wrong
//! - [`runtime`]: the seam to the executor
//! - [`cancel`], [`time`]: levels and causes, limits, waiting
//! - [`retry`], [`breaker`], [`limit`]: what is done about failure and load
//! - [`metrics`]: what tasks use
//! - [`task`]: one task
//! - [`extend`]: for crates that build kinds of task

#![forbid(unsafe_code)]

pub mod breaker;
pub mod cancel;
pub mod error;
pub mod extend;
pub mod limit;
pub mod metrics;
mod position;
pub mod retry;
pub mod runtime;
mod sync;
pub mod task;
pub mod time;

pub use breaker::{BreakerState, CircuitBreaker, CircuitBreakerBuilder};
pub use cancel::{CancelCause, CancelLevel, CancelOutcome, CancellationResult};
pub use error::{
    AsyncTaskError, BoxError, FailureError, PanicError, RetriesError, RuntimeError, SeveralErrors,
    SpawnError, TimeoutError, TimeoutKind,
};
pub use limit::{Limiter, LimiterBuilder, RankableByPriority, TaskPriority, UnknownPriority};
pub use position::Position;
pub use retry::{Jitter, Retry, RetryBudget, RetryStrategy};
pub use runtime::{
    BlockOn, CurrentRuntime, DynRuntime, EnterGuard, Join, LocalRuntime, OwnedRuntime, RootScope, Runtime,
    RuntimeBuilder, RuntimeSource, Termination,
};
pub use task::{
    CancellableTask, Cancellation, Canceller, ContextualizedTask, MetricsEnabledTask, NamedTask,
    ParseTaskIdError, PrioritizedTask, RecoverableTask, RestartPolicy, Scope, ScopedTask, StatusEnabledTask,
    Task, TaskBuilder, TaskContext, TaskId, TaskInfo, TaskSet, TaskStatus, TimedTask, TracingTask, all, any,
    n_of,
};
pub use time::{DurationExt, Interval, MissedTicks};
