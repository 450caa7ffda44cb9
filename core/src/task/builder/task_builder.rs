//! The builder of one task.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::breaker::CircuitBreaker;
use crate::error::{AsyncTaskError, BoxError};
use crate::limit::Limiter;
use crate::metrics::MetricsMode;
use crate::retry::Retry;
use crate::runtime::erased::DynRuntime;
use crate::runtime::{LocalScope, Runtime, RuntimeSource};
use crate::task::builder::policies::{Once, Policies, PolicySet, Unconfigured, refused};
use crate::task::builder::repeats::Repeats;
use crate::task::builder::runs_in_place::RunsInPlace;
use crate::task::builder::starts::Starts;
use crate::task::handle::run::Run;
use crate::task::handle::task::Task;
use crate::task::layers::once;
use crate::task::lifecycle::spawn::{Kind, Registered, SpawnRequest, SpawnSite};
use crate::task::settings::configured::Configured;
use crate::task::settings::resilience::Resilience;
use crate::task::view::context::TaskContext;
use crate::task::work::kinds::{Async, Fallible, Here, IntoAsyncResult, IntoResult, Pool, Sync, Work};
use crate::time::Limit;
use crate::vocabulary::priority::TaskPriority;

/// The future of work of kind `M`, which takes an `I`, with the builder's policies around it.
type RunOf<T, S, P, W, F, I, O, M> = Run<<S as RunsInPlace<P, F, I, O, T, W, M>>::Future>;

/// Describes one task that gives a `T`. Nothing runs until [`run`](Self::run) is awaited or
/// [`spawn`](Self::spawn) is called; each method returns a new builder, and a builder can be cloned and used
/// again.
///
/// The order of the policies is always the same: a [table](crate#policies) shows it, and what each of them
/// costs.
///
/// `S` is the source of the runtime, `P` holds the policies, and `W` is the choice of where synchronous work
/// runs.
#[must_use = "a builder does nothing until `run` or `spawn`"]
pub struct TaskBuilder<T, S, P = Unconfigured, W = Pool> {
    source: S,
    policies: P,
    sync_mode: PhantomData<W>,
    output: PhantomData<fn() -> T>,
}

// By hand: a value need not be clonable, nor have a text.
impl<T, S: Clone, P: Clone, W> Clone for TaskBuilder<T, S, P, W> {
    fn clone(&self) -> Self {
        let (source, policies) = (self.source.clone(), self.policies.clone());
        Self { source, policies, sync_mode: PhantomData, output: PhantomData }
    }
}

impl<T, S: fmt::Debug, P: fmt::Debug, W> fmt::Debug for TaskBuilder<T, S, P, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, policies, .. } = self;
        f.debug_struct("TaskBuilder").field("source", source).field("policies", policies).finish()
    }
}

impl<T, S: RuntimeSource> TaskBuilder<T, S> {
    /// A builder of a task; `source` finds the runtime when the task starts.
    pub fn new(source: S) -> Self {
        Self { source, policies: Unconfigured, sync_mode: PhantomData, output: PhantomData }
    }
}

impl<T, S: RuntimeSource, P: Policies<T>, W> TaskBuilder<T, S, P, W> {
    /// Sets the runtime, whatever the ambient one is.
    pub fn on<R: Runtime>(self, runtime: &R) -> TaskBuilder<T, R, P, W> {
        let Self { policies, .. } = self;
        TaskBuilder { source: runtime.clone(), policies, sync_mode: PhantomData, output: PhantomData }
    }

    /// Names the task: in errors and traces, and on its handle.
    pub fn name(self, name: impl Into<Arc<str>>) -> TaskBuilder<T, S, P::More, W> {
        self.configure(|policies| policies.name = Some(name.into()))
    }

    /// Limits the whole task to `limit`, from `spawn` or from the first poll of `run`. At the limit the work
    /// is dropped, then the task fails with [`AsyncTaskError::Timeout`]; a value that is ready by then is the
    /// result. With zero, the work is polled once; [`Duration::MAX`] is no limit. Blocking work of the task
    /// itself that has started goes on, and the error says so. The tasks below a task have its deadline, too;
    /// work in place without a setting that makes it a task has none below it.
    pub fn timeout(self, limit: Duration) -> TaskBuilder<T, S, P::More, W> {
        self.configure(|policies| policies.limit = Some(Limit::After(limit)))
    }

    /// As [`timeout`](Self::timeout), at an instant of the runtime's clock ([`Runtime::now`]). Of several
    /// limits on the whole, the last one that was set holds.
    pub fn timeout_at(self, deadline: Instant) -> TaskBuilder<T, S, P::More, W> {
        self.configure(|policies| policies.limit = Some(Limit::At(deadline)))
    }

    /// Limits one attempt at the work to `limit`, from its first poll. If both this and the limit on the
    /// whole have passed, the error is that of the whole.
    pub fn attempt_timeout(self, limit: Duration) -> TaskBuilder<T, S, P::More, W> {
        self.configure(|policies| policies.attempt = Some(limit))
    }

    /// Sets the grace period: the time that the work has to end by itself after a graceful cancellation,
    /// before it is killed. [`DEFAULT_GRACE`](crate::task::lifecycle::grace::DEFAULT_GRACE) by default;
    /// [`Duration::MAX`] never kills.
    pub fn grace(self, grace: Duration) -> TaskBuilder<T, S, P::Own, W> {
        self.contextual(|policies| policies.grace = Some(grace))
    }

    /// Hands `value` down to the work and to all tasks below it, by its type:
    /// [`TaskContext::get`](crate::TaskContext::get) finds it. A second one of the same type replaces it.
    pub fn with<V: Send + std::marker::Sync + 'static>(self, value: V) -> TaskBuilder<T, S, P::Own, W> {
        self.contextual(|policies| {
            let values = policies.values.get_or_insert_with(Arc::default);
            Arc::make_mut(values).insert(value);
        })
    }

    /// Records the times at which the task is spawned, first polled and ended: see
    /// [`TimedTask`](crate::TimedTask).
    pub fn timestamps(self, on: bool) -> TaskBuilder<T, S, P::Own, W> {
        self.contextual(|policies| policies.timestamps = on)
    }

    /// Measures the usage of the task: see [`MetricsEnabledTask`](crate::MetricsEnabledTask). `true` is
    /// [`MetricsMode::Sampled`]: the processor time of short polls is estimated.
    ///
    /// Cost: that of the [mode](MetricsMode) for each poll, and about 1 us for the task.
    pub fn metrics(self, mode: impl Into<MetricsMode>) -> TaskBuilder<T, S, P::Own, W> {
        let mode = mode.into();
        self.contextual(|policies| policies.metrics = mode)
    }

    /// Gives the task a UUID of version 7 as its id ([`TaskId`](crate::TaskId)), in place of the runtime's
    /// next number: for ids that are unique outside of the process, too. Its time is the runtime's
    /// ([`Runtime::unix_time`]), and so are its random bits ([`Runtime::entropy`]): a simulation gives the
    /// same ids again.
    #[cfg(feature = "uuid")]
    pub fn uuid(self) -> TaskBuilder<T, S, P::Own, W> {
        self.contextual(|policies| policies.uuid = true)
    }

    /// Gives the task a `tracing` span of its own, in which its work runs: see
    /// [`TracingTask`](crate::TracingTask).
    pub fn tracing(self, on: bool) -> TaskBuilder<T, S, P::Own, W> {
        self.contextual(|policies| policies.tracing = on)
    }

    /// Sets the priority of the task, by which a [`limiter`](Self::limiter) admits it; by default that of the
    /// task around it.
    pub fn priority(self, priority: TaskPriority) -> TaskBuilder<T, S, P::Own, W> {
        self.contextual(|policies| policies.priority = Some(priority))
    }

    /// Tries again when the work fails, at most `retries` times after the first attempt, with the default
    /// backoff: exponential from 100 ms, full jitter. The work must then be callable again; it clones what it
    /// needs each time:
    ///
    /// ```
    /// # use sweet_async_core::{AsyncTaskError, Runtime, TaskBuilder};
    /// # async fn fetch(url: &str) -> Result<usize, std::io::Error> { Ok(url.len()) }
    /// # async fn example<R: Runtime>(runtime: &R) -> Result<(), AsyncTaskError> {
    /// let url = String::from("http://example");
    /// let length = TaskBuilder::<usize, _>::new(runtime.clone()).retry(3).spawn(move || {
    ///     let url = url.clone();
    ///     async move { fetch(&url).await }
    /// });
    /// assert_eq!(length.await?, 14);
    /// # Ok(()) }
    /// ```
    ///
    /// The builder that it returns has the other settings: the wait ([`backoff`](TaskBuilder::backoff),
    /// [`jitter`](TaskBuilder::jitter)), a wait that the error asks for, such as HTTP's `Retry-After`
    /// ([`retry_after`](TaskBuilder::retry_after)), the errors that are retried
    /// ([`retry_if`](TaskBuilder::retry_if)), a report of each failed attempt that another follows
    /// ([`on_retry`](TaskBuilder::on_retry)), and a shared budget
    /// ([`retry_budget`](TaskBuilder::retry_budget)).
    ///
    /// Cancellations, panics, and the refusals of a breaker or a limiter are not retried. Everything that a
    /// failed attempt has spawned has ended before the next begins. Each attempt is an in-place task, below
    /// this one.
    ///
    /// # Errors
    ///
    /// [`AsyncTaskError::RetriesExhausted`], with the last failure, if more than one attempt was made and that
    /// failure may be tried again; another is passed on as it is. A wait that would end after the deadline, of
    /// this task or of one above it, is not begun: the error is given at once, also after the first attempt, and
    /// says so ([`is_out_of_time`](crate::RetriesError::is_out_of_time)).
    pub fn retry(self, retries: u32) -> TaskBuilder<T, S, P::Retried, W>
    where
        P: Repeats<T>,
    {
        self.retry_as(Retry::new(retries))
    }

    /// As [`retry`](Self::retry), with all settings of `retry`, which replace earlier ones.
    pub fn retry_as(self, retry: Retry) -> TaskBuilder<T, S, P::Retried, W>
    where
        P: Repeats<T>,
    {
        self.with_policies(|policies| policies.retried(retry))
    }

    /// Asks `breaker` before each attempt, and reports the result to it. With a limiter, it is asked before
    /// the wait for a permit, and again when the attempt begins: a waiter takes none of the calls that a
    /// half-open breaker permits.
    ///
    /// # Errors
    ///
    /// [`AsyncTaskError::CircuitOpen`] while it is open.
    pub fn circuit_breaker(self, breaker: &CircuitBreaker) -> TaskBuilder<T, S, P::Resilient, W> {
        self.resilient(|policies| policies.breaker = Some(breaker.clone()))
    }

    /// Waits for a permit of `limiter` before each attempt. The attempt holds the permit until it and
    /// everything below it have ended: what it has spawned, and blocking work that was given up at a time
    /// limit. Work that holds a permit and waits for other work of the same limiter may wait forever.
    ///
    /// # Errors
    ///
    /// [`AsyncTaskError::Rejected`] if the limiter has as many waiters as it may have.
    pub fn limiter(self, limiter: &Limiter) -> TaskBuilder<T, S, P::Resilient, W> {
        self.resilient(|policies| policies.limiter = Some(limiter.clone()))
    }

    /// If everything else has failed, also at the limit on the whole, calls `work` with the error; its result
    /// is the task's. It is not called after a cancellation or a shutdown, and it is not under the limit.
    /// Everything that the failed work had spawned is killed, and has ended before the recovery begins.
    ///
    /// Cost: one allocation for `work`, and one for each recovery.
    pub fn recover_with<F, O, K>(self, work: F) -> TaskBuilder<T, S, P::Resilient, W>
    where
        F: Fn(AsyncTaskError) -> O + Send + std::marker::Sync + 'static,
        O: Future<Output: IntoResult<T, K>> + Send + 'static,
    {
        self.resilient(|policies| {
            policies.recovery = Some(Arc::new(move |error| {
                let answer = work(error);
                Box::pin(async move { answer.await.into_result() })
            }));
        })
    }

    /// Runs synchronous work in the poll itself instead of on the blocking pool: for closures that are too
    /// cheap to move. They need not be `Send`, and may borrow.
    pub fn inline(self) -> TaskBuilder<T, S, P, Here> {
        let Self { source, policies, .. } = self;
        TaskBuilder { source, policies, sync_mode: PhantomData, output: PhantomData }
    }

    fn configure(self, change: impl FnOnce(&mut Configured)) -> TaskBuilder<T, S, P::More, W> {
        self.with_policies(|policies| policies.more(change))
    }

    fn contextual(self, change: impl FnOnce(&mut Configured)) -> TaskBuilder<T, S, P::Own, W> {
        self.with_policies(|policies| policies.own(change))
    }

    fn resilient(self, change: impl FnOnce(&mut Resilience<T>)) -> TaskBuilder<T, S, P::Resilient, W> {
        self.with_policies(|policies| policies.resilient(change))
    }

    pub(crate) fn with_policies<Q>(self, change: impl FnOnce(P) -> Q) -> TaskBuilder<T, S, Q, W> {
        let policies = change(self.policies);
        TaskBuilder { source: self.source, policies, sync_mode: PhantomData, output: PhantomData }
    }

    /// The source of the runtime, and the policies.
    #[doc(hidden)]
    pub fn into_parts(self) -> (S, P) {
        (self.source, self.policies)
    }

    /// As [`into_parts`](Self::into_parts), by reference.
    #[doc(hidden)]
    pub fn parts(&self) -> (&S, &P) {
        (&self.source, &self.policies)
    }
}

/// The ends of a builder that run the work as part of the caller.
///
/// With [`retry`](Self::retry), the work must be callable again (`Fn`, and `Sync` on the blocking pool): each
/// attempt calls it. With [`hedge`](Self::hedge), it must also be asynchronous: attempts run beside each other.
impl<T, S: RuntimeSource, P: Policies<T>, W> TaskBuilder<T, S, P, W> {
    /// Runs `work` as part of the caller, when awaited. It returns a `T`, a `Result<T, E>`, or a future of one
    /// of them: see [`IntoAsyncResult`](crate::task::IntoAsyncResult).
    ///
    /// Asynchronous work runs in place, without a spawn. It needs neither `Send` nor `'static`, and a runtime only
    /// where a policy needs its clock, or where the task has values, a priority or records (timestamps, metrics, a span,
    /// a UUID). Nothing is allocated for time limits and a name, and for retries, a breaker and a limiter nothing while
    /// the work ends in its first poll, with a value. Synchronous work runs on the blocking pool, so that it never
    /// holds up the executor; see [`inline`](Self::inline). A panic is caught and becomes
    /// [`AsyncTaskError::Panic`].
    ///
    /// With [`retry`](Self::retry), `work` is called again when it fails. With [`hedge`](Self::hedge), it is
    /// asynchronous, and is called again beside an attempt that is slow.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the work, with all attempts at it. Blocking work that has started runs on,
    /// and what an attempt has spawned is killed; the task around it, if there is one, does not end before
    /// them.
    #[track_caller]
    pub fn run<F, O, M>(self, work: F) -> RunOf<T, S, P, W, F, (), O, M>
    where
        F: FnOnce() -> O,
        O: IntoAsyncResult<T, M>,
        S: RunsInPlace<P, F, (), O, T, W, M>,
    {
        Run::new(self.source.run_in_place(self.policies, work, Location::caller()))
    }

    /// As [`run`](Self::run), for a body that uses `?` and names no error type.
    ///
    /// ```
    /// # use sweet_async_core::{DynRuntime, TaskBuilder};
    /// # fn with(runtime: &DynRuntime) {
    /// let parsed = TaskBuilder::<i64, _>::new(runtime.clone()).try_run(|| async { Ok("7".parse::<i64>()? + 1) });
    /// # }
    /// ```
    #[track_caller]
    pub fn try_run<F, O>(self, work: F) -> RunOf<T, S, P, W, F, (), O, Async<Fallible<BoxError>>>
    where
        F: FnOnce() -> O,
        O: Future<Output = Result<T, BoxError>>,
        S: RunsInPlace<P, F, (), O, T, W, Async<Fallible<BoxError>>>,
    {
        self.run(work)
    }

    /// As [`run`](Self::run), as an in-place task, whose context the work is given; with
    /// [`retry`](Self::retry) or [`hedge`](Self::hedge), that of its attempt. The task does not end before
    /// everything that it has spawned. If it is dropped, it kills its children, and the task around it, if
    /// there is one, does not end before them.
    ///
    /// Cost: an allocation or two. It needs a runtime.
    #[track_caller]
    pub fn run_with<F, O, M>(self, work: F) -> RunOf<T, S, P, W, F, TaskContext, O, M>
    where
        F: FnOnce(TaskContext) -> O,
        O: IntoAsyncResult<T, M>,
        S: RunsInPlace<P, F, TaskContext, O, T, W, M>,
    {
        Run::new(self.source.run_in_place(self.policies, work, Location::caller()))
    }

    /// Runs `work` as [`run`](Self::run) does, and then `handler` on its result.
    #[track_caller]
    pub fn await_result<F, O, M, U, H>(self, work: F, handler: H) -> impl Future<Output = U>
    where
        F: FnOnce() -> O,
        O: IntoAsyncResult<T, M>,
        S: RunsInPlace<P, F, (), O, T, W, M>,
        H: FnOnce(Result<T, AsyncTaskError>) -> U,
    {
        let run = self.run(work);
        async move { handler(run.await) }
    }

    /// Runs synchronous `work` on the blocking pool, when awaited. A builder with [`hedge`](Self::hedge) has no
    /// such work.
    #[track_caller]
    pub fn run_blocking<F, O, K>(self, work: F) -> RunOf<T, S, P, Pool, F, (), O, Sync<K>>
    where
        F: FnOnce() -> O,
        O: IntoAsyncResult<T, Sync<K>>,
        S: RunsInPlace<P, F, (), O, T, Pool, Sync<K>>,
    {
        Run::new(self.source.run_in_place(self.policies, work, Location::caller()))
    }
}

/// The ends of a builder that start the work as a task of its own. They need `Send + 'static` work.
///
/// With [`retry`](Self::retry), the work must be callable again (`Fn`, and `Sync`): each attempt calls it. With
/// [`hedge`](Self::hedge), it must also be asynchronous: attempts run beside each other.
impl<T: Send + 'static, S: RuntimeSource, P: Policies<T>, W> TaskBuilder<T, S, P, W> {
    /// Starts `work` now, on the runtime, as a task of its own; its handle is a future of the result.
    ///
    /// Spawned inside another task, it is a child of that task, which does not end before it. If no runtime
    /// can be found, or it takes no more work, the handle gives the error.
    ///
    /// With [`retry`](Self::retry), `work` is called again when it fails. With [`hedge`](Self::hedge), it is
    /// asynchronous, and is called again beside an attempt that is slow.
    ///
    /// Cost: that of the executor's own spawn, and one allocation; one more if the builder has any policy, and
    /// more with [`hedge`](Self::hedge).
    /// The first child of a task also allocates the list of its children.
    #[track_caller]
    pub fn spawn<F, O, M>(self, work: F) -> Task<T, S::Runtime>
    where
        F: FnOnce() -> O,
        O: IntoAsyncResult<T, M>,
        S: Starts<P, F, (), O, T, W, M>,
    {
        self.source.start(self.policies, work, SpawnSite::here())
    }

    /// As [`spawn`](Self::spawn), with work that is given the context of its task; with
    /// [`retry`](Self::retry) or [`hedge`](Self::hedge), that of its attempt.
    #[track_caller]
    pub fn spawn_with<F, O, M>(self, work: F) -> Task<T, S::Runtime>
    where
        F: FnOnce(TaskContext) -> O,
        O: IntoAsyncResult<T, M>,
        S: Starts<P, F, TaskContext, O, T, W, M>,
    {
        self.source.start(self.policies, work, SpawnSite::here())
    }

    /// As [`spawn`](Self::spawn), with a limit on the whole task.
    #[track_caller]
    pub fn spawn_with_timeout<F, O, M>(self, limit: Duration, work: F) -> Task<T, S::Runtime>
    where
        F: FnOnce() -> O,
        O: IntoAsyncResult<T, M>,
        S: Starts<P::More, F, (), O, T, W, M>,
    {
        self.timeout(limit).spawn(work)
    }

    /// As [`spawn`](Self::spawn), for a body that uses `?` and names no error type.
    #[track_caller]
    pub fn try_spawn<F, O>(self, work: F) -> Task<T, S::Runtime>
    where
        F: FnOnce() -> O + Send + 'static,
        O: Future<Output = Result<T, BoxError>> + Send + 'static,
        S: Starts<P, F, (), O, T, W, Async<Fallible<BoxError>>>,
    {
        self.spawn(work)
    }

    /// Starts synchronous `work` now on the blocking pool; its handle is a future of the result. A builder
    /// with [`hedge`](Self::hedge) has no such work.
    #[track_caller]
    pub fn spawn_blocking<F, O, K>(self, work: F) -> Task<T, S::Runtime>
    where
        F: FnOnce() -> O,
        O: IntoAsyncResult<T, Sync<K>>,
        S: Starts<P, F, (), O, T, Pool, Sync<K>>,
    {
        self.source.start(self.policies, work, SpawnSite::here())
    }
}

impl<T: Send + 'static, S: RuntimeSource, P: PolicySet<T> + Once, W> TaskBuilder<T, S, P, W> {
    /// As [`spawn`](Self::spawn), for work that is not `Send`, and so stays on this thread: it runs in the
    /// [`run_local`](crate::LocalRuntime::run_local) around this call, and on no other runtime that this
    /// builder may name. Outside of one, the handle gives [`AsyncTaskError::InvalidState`]. The value itself
    /// must be `Send`, since its handle is.
    ///
    /// Cost: two boxes and a channel more than [`spawn`](Self::spawn).
    #[track_caller]
    pub fn spawn_local<F, O, M>(self, work: F) -> Task<T, DynRuntime>
    where
        F: FnOnce() -> O,
        O: IntoAsyncResult<T, M>,
        M: Work<F, O, T, DynRuntime, W, Body: 'static>,
    {
        match LocalScope::current() {
            Some(scope) => {
                let (policies, _) = self.policies.into_all();
                let request = SpawnRequest {
                    kind: Kind::Spawned,
                    location: Location::caller(),
                    settings: Some(&policies.settings),
                };
                let registered = Registered::new(scope.runtime.clone(), request);
                if policies.recovery.is_some() {
                    registered.task.control.set_recovery(policies.new_recovery(None));
                }
                let body = once(policies, M::body(work, &scope.runtime), scope.runtime.clone());
                registered.launch_local(&scope, body)
            }
            None => refused(OUTSIDE, self.policies, Location::caller()),
        }
    }
}

const OUTSIDE: AsyncTaskError = AsyncTaskError::InvalidState(
    "spawn_local outside of a local scope: call it below a runtime's `run_local`",
);
