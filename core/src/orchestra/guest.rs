//! One task under an orchestrator, in no graph.

use std::future::Future;
use std::panic::Location;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_channel::Sender;

use super::book::Whose;
use super::cell::Work;
use super::orchestrator::Orchestrator;
use super::plan::{Launch, Plan, Seed};
use super::work::{Alone, Begins, Deliver, Maker};
use crate::breaker::CircuitBreaker;
use crate::cancel::{CancelCause, CancelLevel};
use crate::error::AsyncTaskError;
use crate::limit::{Limiter, TaskPriority};
use crate::retry::Retry;
use crate::runtime::{Runtime, RuntimeSource, current_task};
use crate::task::{
    Configured, Contextual, IntoAsyncResult, IntoResult, Policies, Resilience, Retrying, Run, TaskBuilder,
    TaskRef, embedded, release,
};

/// Marks the policies of a builder that says more of a task than under which orchestrator it runs.
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

/// A builder whose task runs under an orchestrator: see [`TaskBuilder::orchestrator`].
#[must_use = "a builder does nothing until `run`"]
pub struct Orchestrated<T, S, P, W, Q: RuntimeSource> {
    builder: TaskBuilder<T, S, P, W>,
    orchestra: Orchestrator<Q>,
}

impl<T, S: RuntimeSource, P: Policies<T>, W> TaskBuilder<T, S, P, W> {
    /// Runs the task under `orchestra`: on its runtime, in one of its places, counted in what it tells of itself, and stopped
    /// with it. It depends on nothing, and is told of in no picture. The policies are said before or after this, and there must
    /// be one at least: a builder that only selects an orchestrator has no `run`.
    ///
    /// ```
    /// # use sweet_async_core::{AsyncTaskError, DurationExt as _, Runtime, TaskBuilder, orchestra::Orchestrator};
    /// # async fn example<R: Runtime>(runtime: &R) -> Result<(), AsyncTaskError> {
    /// let orchestra = Orchestrator::builder(runtime.clone()).max_concurrency(8).build()?;
    /// let builder = TaskBuilder::<u32, _>::new(runtime.clone()).orchestrator(&orchestra);
    /// let answer = builder.timeout(5.seconds()).run(|| async { 42 }).await?;
    /// # assert_eq!(answer, 42);
    /// # Ok(()) }
    /// ```
    pub fn orchestrator<Q: RuntimeSource>(self, orchestra: &Orchestrator<Q>) -> Orchestrated<T, S, P, W, Q> {
        Orchestrated { builder: self, orchestra: orchestra.clone() }
    }
}

/// The same methods that a builder has.
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
        tracing(on: bool) -> P::Own;
        priority(priority: TaskPriority) -> P::Own;
        retry(retries: u32) -> Retrying<T>;
        retry_as(retry: Retry) -> Retrying<T>;
        circuit_breaker(breaker: &CircuitBreaker) -> P::Resilient;
        limiter(limiter: &Limiter) -> P::Resilient;
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

    /// Runs `work` as a task of the orchestrator, when awaited. Its limit counts from the first poll of this, the wait for a
    /// place included.
    ///
    /// # Errors
    ///
    /// The task's; [`OrchestratorError::Closed`](super::OrchestratorError::Closed), as a failure, where the orchestrator takes
    /// nothing more.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it kills the task. The orchestrator waits for that, and so does the task around this, if there is one.
    #[track_caller]
    pub fn run<F, O, M>(self, work: F) -> Run<impl Future<Output = Result<T, AsyncTaskError>>>
    where
        T: Send + 'static,
        P: Begins<Alone<F>, (), O, T, S, W, M> + Chosen,
        F: FnOnce() -> O + Send + 'static,
        O: IntoAsyncResult<T, M>,
    {
        let place = Location::caller();
        let Self { builder, orchestra } = self;
        let governed = async move {
            let (source, policies) = builder.into_parts();
            let (resilience, retry) = policies.into_all();
            let name = resilience.name().unwrap_or_else(|| "task".into());
            let (settings, recovery, inner) = embedded(resilience, retry, &name);
            let (sender, result) = async_channel::bounded(1);
            let deliver = HandOver { sender, result: None, _caller: Caller::current() };
            let work: Work<Q::Runtime> = Box::new(move |launch: Launch<Q::Runtime>| {
                let work = async move { P::begin(Maker { inner, source, place }, Alone(work), ()).await };
                launch.spawn((settings, recovery), work, deliver, place)
            });
            let mut guest = orchestra.guest(name, work, place)?;
            let stopped =
                AsyncTaskError::Cancelled { level: CancelLevel::Kill, cause: CancelCause::ParentCancelled };
            let result = result.recv().await.unwrap_or(Err(stopped));
            guest.0 = None;
            result
        };
        Run { governed }
    }
}

/// Hands the result to who awaits it, once the orchestra knows of the end.
struct HandOver<T> {
    sender: Sender<Result<T, AsyncTaskError>>,
    result: Option<Result<T, AsyncTaskError>>,
    _caller: Option<Caller>,
}

/// The task that awaits it, which does not end before this is dropped, also where it has dropped what awaits.
struct Caller(TaskRef);

impl Caller {
    /// The one that is polled here.
    fn current() -> Option<Self> {
        let caller = current_task()?;
        caller.control.child_started();
        Some(Self(caller))
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        release(&self.0);
    }
}

impl<T: Send + 'static> Deliver<T> for HandOver<T> {
    fn deliver(&mut self, result: Result<T, AsyncTaskError>) -> Result<(), AsyncTaskError> {
        let said = match &result {
            Ok(_) => Ok(()),
            Err(AsyncTaskError::Shutdown) => Err(AsyncTaskError::Shutdown),
            Err(_) => Err(AsyncTaskError::InvalidState("told to who awaits it")),
        };
        self.result = Some(result);
        said
    }

    fn after(self) {
        if let Some(result) = self.result {
            // Who awaited it may be gone.
            let _ = self.sender.try_send(result);
        }
    }
}

/// Killed when it is dropped, unless it has ended.
struct Guest<R: Runtime>(Option<Arc<Plan<R>>>);

impl<R: Runtime> Drop for Guest<R> {
    fn drop(&mut self) {
        if let Some(plan) = self.0.take() {
            plan.cancel(0, CancelLevel::Kill, CancelCause::HandleDropped);
        }
    }
}

impl<Q: RuntimeSource> Orchestrator<Q> {
    fn guest(
        &self,
        name: Arc<str>,
        work: Work<Q::Runtime>,
        place: &'static Location<'static>,
    ) -> Result<Guest<Q::Runtime>, AsyncTaskError> {
        let plan = self.in_run(Whose::Guests, place, |_, run| {
            let seed = Seed { name, work, values: None, unmet: 0, below: Vec::new() };
            let plan = Plan::new(run.clone(), vec![seed], true);
            self.shared.guest_came();
            run.add(plan.clone());
            plan
        })?;
        Ok(Guest(Some(plan)))
    }
}
