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
//! # Layers
//!
//! Each may use those before it; a test reads the `use` lines and holds them to it.
//!
//! 1. `sync`, `vocabulary`, [`error`], `panic`: atomics, plain values, what can go wrong, foreign code
//! 2. [`retry`], [`metrics`], `adaptive`: what is decided and counted, without a task
//! 3. [`runtime`] and `tree`: what an executor supplies, and who is alive on it; these two know each other
//! 4. [`time`], [`breaker`], [`limit`]: waiting, limits, and what is done about load
//! 5. `program`: the life of a runtime
//! 6. [`task`]: one task
//!
//! [`extend`] is for crates that build kinds of task.

#![forbid(unsafe_code)]

pub(crate) mod adaptive;
pub mod breaker;
pub mod error;
pub mod extend;
pub mod limit;
pub mod metrics;
mod panic;
pub(crate) mod program;
pub mod retry;
pub mod runtime;
mod sync;
pub mod task;
pub mod time;
pub(crate) mod tree;
pub(crate) mod vocabulary;

pub use crate::breaker::{BreakerState, CircuitBreaker, CircuitBreakerBuilder};
pub use crate::error::{
    AsyncTaskError, BoxError, FailureError, PanicError, RetriesError, RuntimeError, SeveralErrors,
    SpawnError, TimeoutError, TimeoutKind,
};
pub use crate::limit::{Limiter, LimiterBuilder};
pub use crate::program::ext::RuntimeExt;
pub use crate::program::owned::{OwnedRuntime, RuntimeBuilder};
pub use crate::program::termination::Termination;
pub use crate::retry::{Jitter, Retry, RetryBudget, RetryStrategy};
pub use crate::runtime::erased::DynRuntime;
pub use crate::runtime::{BlockOn, Join, LocalRuntime, Runtime, RuntimeSource};
pub use crate::task::builder::task_builder::TaskBuilder;
pub use crate::task::capabilities::cancellable::CancellableTask;
pub use crate::task::capabilities::contextualized::ContextualizedTask;
pub use crate::task::capabilities::metered::MetricsEnabledTask;
pub use crate::task::capabilities::named::NamedTask;
pub use crate::task::capabilities::prioritized::PrioritizedTask;
pub use crate::task::capabilities::recoverable::RecoverableTask;
pub use crate::task::capabilities::status_enabled::StatusEnabledTask;
pub use crate::task::capabilities::timed::TimedTask;
pub use crate::task::capabilities::traced::TracingTask;
pub use crate::task::group::restart::RestartPolicy;
pub use crate::task::group::scope::Scope;
pub use crate::task::group::set::{TaskSet, all, any, n_of};
pub use crate::task::handle::scoped_task::ScopedTask;
pub use crate::task::handle::task::Task;
pub use crate::task::view::canceller::{Cancellation, Canceller};
pub use crate::task::view::context::TaskContext;
pub use crate::time::{DurationExt, Interval, MissedTicks};
pub use crate::tree::current::{CurrentRuntime, EnterGuard};
pub use crate::tree::root::RootScope;
pub use crate::vocabulary::cancel;
pub use crate::vocabulary::cancel::{CancelCause, CancelLevel, CancelOutcome, CancellationResult};
pub use crate::vocabulary::id::{ParseTaskIdError, TaskId};
pub use crate::vocabulary::info::TaskInfo;
pub use crate::vocabulary::position::Position;
pub use crate::vocabulary::priority::{RankableByPriority, TaskPriority, UnknownPriority};
pub use crate::vocabulary::status::TaskStatus;
