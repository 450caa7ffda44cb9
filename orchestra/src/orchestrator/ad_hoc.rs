//! The builder of an ad-hoc task: a task under an orchestrator that is in no graph.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::orchestrator::handle::Orchestrator;
use sweet_async_core::breaker::CircuitBreaker;
use sweet_async_core::chaos::Chaos;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::Configured;
use sweet_async_core::hedge::Hedge;
use sweet_async_core::internals::{Repeats, WithRetry};
use sweet_async_core::limit::{Limiter, TaskPriority};
use sweet_async_core::metrics::MetricsMode;
use sweet_async_core::retry::{FailedAttempt, Jitter, Retry, RetryBudget, RetryStrategy};
use sweet_async_core::runtime::{Runtime, RuntimeSource};
use sweet_async_core::task::{
    Contextual, Hedging, Here, IntoResult, Policies, Resilience, Retrying, TaskBuilder,
};

/// Marks the policies of a builder that sets more of a task than its orchestrator.
#[diagnostic::on_unimplemented(
    message = "a builder that only selects an orchestrator has no `run`",
    note = "say how the task is to be run: `.timeout(..)`, `.name(..)`, `.priority(..)`, `.retry(..)`; or register it with \
            `register_task`"
)]
pub trait Chosen {}
impl Chosen for Configured {}
impl Chosen for Contextual {}
impl<T> Chosen for Resilience<T> {}
impl<T> Chosen for Retrying<T> {}
impl<T, R> Chosen for Hedging<T, R> {}

/// A builder whose task runs under an orchestrator: see [`Orchestrate::orchestrator`].
#[must_use = "a builder does nothing until `run` or `spawn`"]
pub struct Orchestrated<T, S, P, W, Q: RuntimeSource> {
    pub(crate) builder: TaskBuilder<T, S, P, W>,
    pub(crate) orchestra: Orchestrator<Q>,
}

impl<T, S: Clone, P: Clone, W, Q: RuntimeSource> Clone for Orchestrated<T, S, P, W, Q>
where
    TaskBuilder<T, S, P, W>: Clone,
{
    fn clone(&self) -> Self {
        Self { builder: self.builder.clone(), orchestra: self.orchestra.clone() }
    }
}

/// Puts a task under an orchestrator, as an ad-hoc task.
pub trait Orchestrate: Sized {
    /// The type of the task's value.
    type Value;
    /// The source of the builder's runtime.
    type Source;
    /// The policies of the builder.
    type Policies;
    /// The kind of its work.
    type Work;

    /// Runs the task under `orchestra`, as an ad-hoc task of it. The task runs on the orchestrator's runtime,
    /// holds one of its permits, is counted in its statistics, and is stopped with it as its other tasks are.
    /// It has no dependencies, and is in no picture. Its failure is reported to its caller alone. The
    /// policies may be set before or after this call, and at least one must be set: a builder that only
    /// selects an orchestrator has no `run`.
    ///
    /// The task around it, if there is one, does not end before it, and passes its own cancellation on to it.
    /// An ad-hoc task that is run by a task of the same orchestrator waits for no permit: that task's permit
    /// covers it.
    ///
    /// There is no `repeat` here. Work that is to be repeated is repeated by the work of the task, as in one
    /// that is [registered](Orchestrator::register_task).
    ///
    /// ```
    /// # use sweet_async_core::{AsyncTaskError, DurationExt as _, Runtime, TaskBuilder};
    /// # use sweet_async_orchestra::{Orchestrate as _, Orchestrator};
    /// # async fn example<R: Runtime>(runtime: &R) -> Result<(), AsyncTaskError> {
    /// let orchestra = Orchestrator::builder(runtime.clone()).max_concurrency(8).build()?;
    /// let builder = TaskBuilder::<u32, _>::new(runtime.clone()).orchestrator(&orchestra);
    /// let answer = builder.timeout(5.seconds()).run(|| async { 42 }).await?;
    /// # assert_eq!(answer, 42);
    /// # Ok(()) }
    /// ```
    fn orchestrator<Q: RuntimeSource>(
        self,
        orchestra: &Orchestrator<Q>,
    ) -> Orchestrated<Self::Value, Self::Source, Self::Policies, Self::Work, Q>;
}

impl<T, S: RuntimeSource, P: Policies<T>, W> Orchestrate for TaskBuilder<T, S, P, W> {
    type Value = T;
    type Source = S;
    type Policies = P;
    type Work = W;

    fn orchestrator<Q: RuntimeSource>(self, orchestra: &Orchestrator<Q>) -> Orchestrated<T, S, P, W, Q> {
        Orchestrated { builder: self, orchestra: orchestra.clone() }
    }
}

/// The methods that a [`TaskBuilder`] has under the same names.
macro_rules! as_builders {
    ($($name:ident($($argument:ident: $kind:ty),*) -> $to:ty;)+) => {$(
        #[doc = concat!("As [`TaskBuilder::", stringify!($name), "`].")]
        pub fn $name(self, $($argument: $kind),*) -> Orchestrated<T, S, $to, W, Q> {
            Orchestrated { builder: self.builder.$name($($argument),*), orchestra: self.orchestra }
        }
    )+};
}

impl<T, S: RuntimeSource, P: Policies<T>, W, Q: RuntimeSource> Orchestrated<T, S, P, W, Q> {
    as_builders! {
        name(name: impl Into<Arc<str>>) -> P::More;
        timeout(limit: Duration) -> P::More;
        timeout_at(deadline: Instant) -> P::More;
        attempt_timeout(limit: Duration) -> P::More;
        grace(grace: Duration) -> P::Own;
        timestamps(on: bool) -> P::Own;
        metrics(mode: impl Into<MetricsMode>) -> P::Own;
        tracing(on: bool) -> P::Own;
        priority(priority: TaskPriority) -> P::Own;
        circuit_breaker(breaker: &CircuitBreaker) -> P::Resilient;
        limiter(limiter: &Limiter) -> P::Resilient;
        chaos(chaos: Chaos) -> P::Resilient;
    }

    /// As [`TaskBuilder::uuid`].
    #[cfg(feature = "uuid")]
    pub fn uuid(self) -> Orchestrated<T, S, P::Own, W, Q> {
        Orchestrated { builder: self.builder.uuid(), orchestra: self.orchestra }
    }

    /// As [`TaskBuilder::with`].
    pub fn with<V: Send + Sync + 'static>(self, value: V) -> Orchestrated<T, S, P::Own, W, Q> {
        Orchestrated { builder: self.builder.with(value), orchestra: self.orchestra }
    }

    /// As [`TaskBuilder::recover_with`].
    pub fn recover_with<F, O, K>(self, work: F) -> Orchestrated<T, S, P::Resilient, W, Q>
    where
        F: Fn(AsyncTaskError) -> O + Send + Sync + 'static,
        O: Future<Output: IntoResult<T, K>> + Send + 'static,
    {
        Orchestrated { builder: self.builder.recover_with(work), orchestra: self.orchestra }
    }

    /// As [`TaskBuilder::on`]: selects the runtime of the builder's timers and blocking work. The task itself
    /// is on the orchestrator's runtime.
    pub fn on<R: Runtime>(self, runtime: &R) -> Orchestrated<T, R, P, W, Q> {
        Orchestrated { builder: self.builder.on(runtime), orchestra: self.orchestra }
    }

    /// As [`TaskBuilder::inline`].
    pub fn inline(self) -> Orchestrated<T, S, P, Here, Q> {
        Orchestrated { builder: self.builder.inline(), orchestra: self.orchestra }
    }
}

impl<T, S: RuntimeSource, P: Repeats<T>, W, Q: RuntimeSource> Orchestrated<T, S, P, W, Q> {
    as_builders! {
        retry(retries: u32) -> P::Retried;
        retry_as(retry: Retry) -> P::Retried;
        hedge(hedge: Hedge) -> P::Hedged;
    }
}

/// The settings of retried work.
impl<T, S: RuntimeSource, P: WithRetry<T>, W, Q: RuntimeSource> Orchestrated<T, S, P, W, Q> {
    /// As [`TaskBuilder::backoff`].
    pub fn backoff(self, strategy: RetryStrategy) -> Self {
        Self { builder: self.builder.backoff(strategy), ..self }
    }

    /// As [`TaskBuilder::jitter`].
    pub fn jitter(self, jitter: Jitter) -> Self {
        Self { builder: self.builder.jitter(jitter), ..self }
    }

    /// As [`TaskBuilder::retry_if`].
    pub fn retry_if(self, predicate: impl Fn(&AsyncTaskError) -> bool + Send + Sync + 'static) -> Self {
        Self { builder: self.builder.retry_if(predicate), ..self }
    }

    /// As [`TaskBuilder::retry_after`].
    pub fn retry_after(
        self,
        delay: impl Fn(&AsyncTaskError) -> Option<Duration> + Send + Sync + 'static,
    ) -> Self {
        Self { builder: self.builder.retry_after(delay), ..self }
    }

    /// As [`TaskBuilder::max_retry_after`].
    pub fn max_retry_after(self, max: Duration) -> Self {
        Self { builder: self.builder.max_retry_after(max), ..self }
    }

    /// As [`TaskBuilder::on_retry`].
    pub fn on_retry(self, observe: impl Fn(&FailedAttempt<'_>) + Send + Sync + 'static) -> Self {
        Self { builder: self.builder.on_retry(observe), ..self }
    }

    /// As [`TaskBuilder::retry_budget`].
    pub fn retry_budget(self, budget: &RetryBudget) -> Self {
        Self { builder: self.builder.retry_budget(budget), ..self }
    }
}
