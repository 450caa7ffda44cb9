//! The semantics of one task over any executor: a task has a name, a status, a deadline and a known end.
//! Pipelines (`sweet-async-pipeline`) and orchestras (`sweet-async-orchestra`) are crates that build on this
//! one.
//!
//! This crate knows no executor. A backend implements [`Runtime`]. Applications use the `sweet-async` facade,
//! which finds the runtime by itself; libraries are generic over [`Runtime`] and say `.on(&runtime)`.
//!
//! ```
//! use sweet_async_core::{AsyncTaskError, Runtime, TaskBuilder};
//!
//! async fn double<R: Runtime>(runtime: &R, number: u64) -> Result<u64, AsyncTaskError> {
//!     TaskBuilder::new(runtime.clone()).spawn(move || async move { number * 2 }).await
//! }
//! ```
//!
//! # Glossary
//!
//! Tasks:
//!
//! - **Work**: the closure that the caller gives, and the future that it returns.
//! - **Task**: work with an id, a status, child tasks that it waits for, and one recorded end.
//! - **Attempt**: one execution of a task's work; there is more than one only with retries, hedges or
//!   supervision.
//! - **Policy**: a setting that changes how work runs: a time limit, retries, hedges, a circuit breaker, a
//!   limiter, a recovery, chaos.
//! - **Body**: the future that a task polls: its work, with the policies around it.
//! - **Handle**: a [`Task`] or a [`ScopedTask`]; awaiting it gives the task's result.
//! - **Spawned task**: a task that the executor polls, independently of its spawner.
//! - **In-place task**: a task that is part of its caller, which polls it; the root scope does not count it.
//! - **Blocking job**: synchronous work on a thread that may block; once it has started, it cannot be
//!   stopped.
//! - **Spawn site**: the position in the tree and the location in the source at which a task is spawned
//!   ([`extend::SpawnSite`]).
//! - **Spawn request**: the kind, the source location and the settings of a task to be registered
//!   ([`extend::SpawnRequest`]).
//! - **Registered task**: a task that has its record in the tree, and has not been polled yet
//!   ([`extend::Registered`]).
//!
//! The tree:
//!
//! - **Parent and child**: a task that is started from within another task's work is a child of it, and the
//!   parent does not end before the child.
//! - **Adoption**: the entry of a registered task in its parent's list of children, by which a cancellation
//!   reaches it ([`extend::adopt`]).
//! - **Detached task**: a task that its parent does not wait for; it still belongs to the root scope.
//! - **Orphan**: a task that no task above it on the same executor would pass a cancellation on to; the root
//!   scope lists it, so that a shutdown reaches it.
//! - **Pending children**: the children and blocking jobs of a task that have not ended.
//! - **Root scope**: the scope of all spawned tasks and blocking jobs of one executor ([`RootScope`]).
//! - **Scope**: an in-place task that takes members and ends when its body and all of them have ended
//!   ([`TaskBuilder::scope`]).
//! - **Scope member**: a task that is spawned through a [`Scope`]; its failure is the failure of the scope,
//!   which then kills its body and the other members.
//! - **Daemon**: a member that serves the others; its scope cancels it once all others have ended
//!   ([`Scope::spawn_daemon`]).
//!
//! Cancellation:
//!
//! - **Cancellation**: a request that a task stop; it has a level and a cause, and cannot be taken back.
//! - **Cancellation level**: the force of a request ([`CancelLevel`]): `Graceful` notifies the work, `Kill`
//!   drops the body, `KillHard` also does not wait for work that cannot be dropped now. The level of a task
//!   only rises.
//! - **Cancellation cause**: the event that led to the first request ([`CancelCause`]); later causes are not
//!   recorded.
//! - **Cancellation reason**: a text that the caller of the first request gave
//!   ([`Task::cancel_because`]); it is passed on with the cancellation.
//! - **Kill**: a cancellation that drops the body at its next poll boundary.
//! - **Grace period**: the time that a gracefully cancelled task has to end by itself before it is killed.
//! - **Shielded region**: a future under [`TaskContext::shield`]; a kill or a deadline of the task takes
//!   effect only after its end.
//! - **Outcome**: the state of the work when the await of a cancellation returns ([`CancelOutcome`]).
//! - **Shutdown**: the end of everything that runs on a runtime, in bounded time ([`RuntimeExt::shutdown`]).
//!
//! Time:
//!
//! - **Limit**: the time that work may take, set as a duration or as an instant.
//! - **Deadline**: the instant at which a limit ends the work.
//! - **Overall timeout**: the limit on a whole task, with all attempts, the waits between them and the wait
//!   for a permit ([`TaskBuilder::timeout`]).
//! - **Attempt timeout**: the limit on one attempt, without the wait for a permit
//!   ([`TaskBuilder::attempt_timeout`]).
//! - **Schedule**: the times at which work is repeated ([`Schedule`]); each run of the work is a task of its
//!   own ([`TaskBuilder::repeat`]).
//!
//! Load and failure:
//!
//! - **Limiter**: a bound on the work that is under way at the same time, and on the rate at which it begins
//!   ([`Limiter`]).
//! - **Permit**: the right to be under way under a limiter; a task holds it until its work and everything
//!   below it have ended.
//! - **Waiter**: an attempt, or the spawner of a task ([`TaskBuilder::spawn_in`]), that waits in the queue of
//!   a limiter for a permit.
//! - **Circuit breaker**: a policy that refuses calls to a failing dependency for a while
//!   ([`CircuitBreaker`]).
//! - **Window of a breaker**: the last calls, by number or by time, over which it takes its rates of failures
//!   and of slow calls ([`BreakerWindow`]).
//! - **Keyed policy**: the circuit breaker or limiter of one key, such as a host or a tenant ([`Keyed`]).
//! - **Admission**: the decision that an attempt may begin. With a breaker and a limiter, the breaker is
//!   asked, then the limiter gives a permit, then the breaker is asked again.
//! - **Priority**: the urgency class that was set for a task, or for the nearest task above it that has one
//!   ([`TaskPriority`]).
//! - **Urgency**: the priority of a task, raised to that of the tasks that wait for it; a limiter admits
//!   waiters by it.
//! - **Retry**: another attempt after a failed one, by the rules of a [`Retry`] policy.
//! - **Backoff and jitter**: the growth of the wait before a retry, and the random part of that wait
//!   ([`RetryStrategy`], [`Jitter`]). The error may set the wait in their place ([`Retry::retry_after`]).
//! - **Hedge**: a further attempt beside one that is slow, by the rules of a [`Hedge`] policy; the first
//!   success is the result.
//! - **Round**: the attempts of hedged work that are made beside each other; a retry begins another one.
//! - **Supervision**: restarts of failing work within the bounds of a [`RestartPolicy`].
//! - **Recovery**: work that runs once everything else has failed; its result is the task's
//!   ([`TaskBuilder::recover_with`]).
//! - **Chaos**: faults that are injected into attempts on purpose, at random ([`Chaos`]).
//!
//! The end:
//!
//! - **Ending**: the recorded kind of a task's end: completed, failed, timed out or cancelled.
//! - **Result**: the value or the [`AsyncTaskError`] that a handle gives, once nothing of the task and its
//!   descendants is left.
//!
//! # Policies
//!
//! The policies of a task are around its work in one order, from the outside in, whatever the order of the
//! builder's calls. A policy that was not set costs nothing.
//!
//! | policy | what it does | its error, and what that counts as | cost, where it is used | elsewhere |
//! |---|---|---|---|---|
//! | [recovery] | runs other work once all else has failed | none: its result is the task's | three allocations | |
//! | [overall timeout] | ends the task, with all attempts and waits | [`Timeout`]: for the breaker a failure | a timer, once the work waits | `tokio::time::timeout` |
//! | [retry] | runs the work again when it fails, after a wait | [`RetriesExhausted`], with the last failure | nothing while the first attempt succeeds; then a timer for each wait | backon |
//! | [hedge](TaskBuilder::hedge) | begins a further attempt beside a slow one | as retries | two allocations for each further attempt; a timer | gRPC's hedging; tower's `Hedge` |
//! | [circuit breaker] | refuses calls of a dependency that fails | [`CircuitOpen`]: not retried, and no call | a read; an allocation at each change; with a window, a short lock | failsafe |
//! | [limiter] | makes attempts wait for a permit, by urgency | [`Rejected`]: not retried, and no failure | two short locks; an allocation for a waiter | governor; tower's `ConcurrencyLimit` |
//! | [attempt timeout] | ends one attempt | [`Timeout`]: for the breaker a failure; retried | a timer, once the work waits; in a box, beside any other policy than an overall timeout | tower's `Timeout` |
//! | [chaos](TaskBuilder::chaos) | injects waits, errors and panics | as those of the work | an allocation; one for each attempt | |
//! | work | | an error: a failure, and retried; a panic: a failure, and not retried | | |
//!
//! The events of a pipeline have a breaker, a limiter, a time limit, chaos and retries of their own, in the same
//! order around each call of its receiver: the docs of `sweet-async-pipeline` have their table. The policies of
//! this one are around a whole pipeline where it is the work of a task, and around a node of an orchestra, an
//! ad-hoc task of one and each run of a schedule, as around any task.
//!
//! An error that [`trip_if`](CircuitBreakerBuilder::trip_if) excepts is a success for the breaker, and one that
//! [`retry_if`](TaskBuilder::retry_if) excludes is not retried. A cancellation is no failure, and is not
//! retried.
//!
//! A spawned task with any setting has one box for its work and all that is around it. Work in place that
//! succeeds in its first poll allocates nothing for time limits, retries, a breaker and a limiter; work that
//! has to wait, or asks for its task, gets the record of a task. [`CircuitBreaker`], [`Limiter`], [`Retry`],
//! [`Hedge`] and [`Chaos`] can also be applied alone, to work that is no task (`apply_on`). A breaker and a
//! limiter for each host or tenant are [`Keyed`].
//!
//! A setting with an impossible value is [`InvalidConfig`](AsyncTaskError::InvalidConfig), with the value and
//! its range: when a breaker or a limiter is built, else when the task starts.
//!
//! [recovery]: TaskBuilder::recover_with
//! [overall timeout]: TaskBuilder::timeout
//! [retry]: TaskBuilder::retry
//! [circuit breaker]: TaskBuilder::circuit_breaker
//! [limiter]: TaskBuilder::limiter
//! [attempt timeout]: TaskBuilder::attempt_timeout
//! [`Timeout`]: AsyncTaskError::Timeout
//! [`RetriesExhausted`]: AsyncTaskError::RetriesExhausted
//! [`CircuitOpen`]: AsyncTaskError::CircuitOpen
//! [`Rejected`]: AsyncTaskError::Rejected
//!
//! # Layers
//!
//! Each layer may use those before it; a test reads the `use` lines and checks this.
//!
//! 1. `sync`, `vocabulary`, [`error`], `panic`, `body`: atomics, plain values, errors, calls into foreign
//!    code, work whose type is hidden
//! 2. [`retry`], [`hedge`], [`chaos`], [`metrics`], `adaptive`: decisions and counters, without a task
//! 3. [`runtime`] and `tree`: the interface of an executor, and the records of live tasks; these two know
//!    each other
//! 4. [`time`], [`breaker`], [`limit`], [`keyed`]: waiting, time limits, and control of load; `configuration`:
//!    these policies from a file
//! 5. `program`: the life of a runtime
//! 6. [`task`]: one task
//! 7. `reports`: results and figures for other programs
//!
//! [`extend`] is for crates that build kinds of task.

#![forbid(unsafe_code)]

pub(crate) mod adaptive;
mod body;
pub mod breaker;
pub mod chaos;
#[cfg(feature = "serde")]
pub mod configuration;
pub mod error;
pub mod extend;
pub mod hedge;
#[doc(hidden)]
pub mod internals;
pub mod keyed;
pub mod limit;
pub mod metrics;
mod panic;
pub(crate) mod program;
#[cfg(feature = "serde")]
mod reports;
pub mod retry;
pub mod runtime;
mod sync;
pub mod task;
pub mod time;
pub(crate) mod tree;
pub(crate) mod vocabulary;

pub use crate::breaker::{
    BreakerState, BreakerStatistics, BreakerWindow, CircuitBreaker, CircuitBreakerBuilder,
};
pub use crate::chaos::{Chaos, ChaosError};
pub use crate::error::{
    AsyncTaskError, BoxError, FailureError, PanicError, RetriesError, RuntimeError, SeveralErrors,
    SpawnError, TimeoutError, TimeoutKind,
};
pub use crate::hedge::{Hedge, HedgeBudget};
pub use crate::keyed::{Keyable, Keyed};
pub use crate::limit::{Limiter, LimiterBuilder};
pub use crate::program::ext::RuntimeExt;
pub use crate::program::owned::{OwnedRuntime, RuntimeBuilder};
pub use crate::program::termination::Termination;
pub use crate::retry::{DEFAULT_MAX_RETRY_AFTER, FailedAttempt, Jitter, Retry, RetryBudget, RetryStrategy};
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
pub use crate::task::group::runs::{OnFailure, Repeated};
pub use crate::task::group::scope::Scope;
pub use crate::task::group::set::{TaskSet, all, any, n_of};
pub use crate::task::handle::scoped_task::ScopedTask;
pub use crate::task::handle::task::Task;
pub use crate::task::view::canceller::{Cancellation, Canceller};
pub use crate::task::view::context::TaskContext;
pub use crate::time::{DurationExt, Interval, MissedTicks, Schedule};
pub use crate::tree::entered::{CurrentRuntime, EnterGuard};
pub use crate::tree::root::RootScope;
pub use crate::vocabulary::cancel;
pub use crate::vocabulary::cancel::{CancelCause, CancelLevel, CancelOutcome, CancellationResult};
pub use crate::vocabulary::id::{ParseTaskIdError, TaskId};
pub use crate::vocabulary::info::TaskInfo;
pub use crate::vocabulary::position::Position;
pub use crate::vocabulary::priority::{RankableByPriority, TaskPriority, UnknownPriority};
pub use crate::vocabulary::status::TaskStatus;
