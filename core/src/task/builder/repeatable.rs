//! The methods of a builder whose work is tried again: the settings of the retries, and those that start the
//! work.

use std::future::Future;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{AsyncTaskError, BoxError};
use crate::retry::{FailedAttempt, Jitter, RetryBudget, RetryStrategy};
use crate::runtime::RuntimeSource;
use crate::task::builder::policies::{Once, Policies, PolicySet, refused, register};
use crate::task::builder::repeats::WithRetry;
use crate::task::builder::task_builder::TaskBuilder;
use crate::task::handle::run::Run;
use crate::task::handle::task::Task;
use crate::task::layers::again;
use crate::task::lifecycle::in_place::InPlaceTask;
use crate::task::lifecycle::spawn::SpawnSite;
use crate::task::settings::resilience::Retrying;
use crate::task::view::context::TaskContext;
use crate::task::work::attempts::{Informed, MakeAttempt, Repeats};
use crate::task::work::kinds::{AgainWith, Async, Fallible, IntoAsyncResult, Pool, Sync, Work};

impl<T> Retrying<T> {
    /// The work as an in-place task. `begin` makes the work of one attempt.
    fn in_place<S, B>(
        self,
        source: S,
        location: &'static Location<'static>,
        begin: impl MakeAttempt<S, B>,
    ) -> Run<impl Future<Output = Result<T, AsyncTaskError>>>
    where
        S: RuntimeSource,
        B: Future<Output = Result<T, AsyncTaskError>>,
    {
        let (settings, guards, recovery) = self.resilience.split();
        let work = again(&settings, (guards, self.retry, recovery), begin, source.clone(), location);
        Run::new(InPlaceTask::around(work, source, settings, location))
    }

    /// Starts the work as a task of its own.
    pub(crate) fn start<S, B>(
        self,
        source: S,
        at: SpawnSite,
        begin: impl MakeAttempt<S::Runtime, B> + Send + 'static,
    ) -> Task<T, S::Runtime>
    where
        T: Send + 'static,
        S: RuntimeSource,
        B: Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
    {
        let location = at.location;
        let registered = match register(source, &self, at) {
            Ok(registered) => registered,
            Err(error) => return refused(error, self),
        };
        registered.task.control.set_recovery(self.resilience.new_recovery(Some(&self.retry)));
        let (settings, guards, recovery) = self.resilience.split();
        let policies = (guards, self.retry, recovery);
        let mut work = again(&settings, policies, begin, registered.task.runtime.clone(), location);
        work.attempts_mut().enter_queue(registered.inside.urgency());
        registered.launch_boxed(work)
    }
}

/// The policies of a builder whose work can be that of a member of a [scope](crate::Scope). Implemented by
/// all policies, for all work that they fit.
#[diagnostic::on_unimplemented(
    message = "this work cannot be that of a member of a scope",
    note = "it must be `Send + 'static`; with `.retry` it must be callable again: clone what it needs each time",
    note = "with `.hedge` it must be asynchronous, too: blocking work that has started cannot be stopped"
)]
pub trait Joins<F, O, T: Send + 'static, S: RuntimeSource, W, M>: Policies<T> {
    #[doc(hidden)]
    fn join(self, source: S, work: F, at: SpawnSite) -> Task<T, S::Runtime>;
}

impl<P, F, O, T, S, W, M> Joins<F, O, T, S, W, M> for P
where
    P: PolicySet<T> + Once,
    F: FnOnce() -> O,
    M: Work<F, O, T, S::Runtime, W, Body: Send + 'static>,
    S: RuntimeSource,
    T: Send + 'static,
{
    fn join(self, source: S, work: F, at: SpawnSite) -> Task<T, S::Runtime> {
        match register(source, &self, at) {
            Ok(registered) => {
                let body = M::body(work, &registered.task.runtime);
                self.launch(registered, body)
            }
            Err(error) => refused(error, self),
        }
    }
}

impl<F, O, T, S, W, M> Joins<F, O, T, S, W, M> for Retrying<T>
where
    F: Fn() -> O + Send + std::marker::Sync + 'static,
    M: Repeats<F, O, T, S::Runtime, W, Body: Send + 'static, Maker: Send + 'static>,
    S: RuntimeSource,
    T: Send + 'static,
{
    fn join(self, source: S, work: F, at: SpawnSite) -> Task<T, S::Runtime> {
        self.start(source, at, M::maker(work))
    }
}

/// The settings of the retries, also of work whose attempts are hedged.
impl<T, S: RuntimeSource, P: WithRetry<T>, W> TaskBuilder<T, S, P, W> {
    /// Sets the growth of the wait between two attempts; [`RetryStrategy::default`] by default. The
    /// [`Jitter`] stays as it is.
    pub fn backoff(self, strategy: RetryStrategy) -> Self {
        self.with_policies(|policies| policies.with_retry(|retry| retry.backoff(strategy)))
    }

    /// Sets the random part of the wait; [`Jitter::Full`] by default.
    pub fn jitter(self, jitter: Jitter) -> Self {
        self.with_policies(|policies| policies.with_retry(|retry| retry.jitter(jitter)))
    }

    /// Tries again only after errors for which `predicate` is true. It is not called for errors that are
    /// never retried.
    pub fn retry_if(
        self,
        predicate: impl Fn(&AsyncTaskError) -> bool + Send + std::marker::Sync + 'static,
    ) -> Self {
        self.with_policies(|policies| policies.with_retry(|retry| retry.retry_if(predicate)))
    }

    /// Lets the error of a failed attempt set the wait before the next: see [`Retry::retry_after`](crate::Retry::retry_after).
    pub fn retry_after(
        self,
        delay: impl Fn(&AsyncTaskError) -> Option<Duration> + Send + std::marker::Sync + 'static,
    ) -> Self {
        self.with_policies(|policies| policies.with_retry(|retry| retry.retry_after(delay)))
    }

    /// Sets the longest wait that an error may ask for; one minute by default.
    pub fn max_retry_after(self, max: Duration) -> Self {
        self.with_policies(|policies| policies.with_retry(|retry| retry.max_retry_after(max)))
    }

    /// Calls `observe` when an attempt has failed and another follows: see [`Retry::on_retry`](crate::Retry::on_retry).
    pub fn on_retry(self, observe: impl Fn(&FailedAttempt<'_>) + Send + std::marker::Sync + 'static) -> Self {
        self.with_policies(|policies| policies.with_retry(|retry| retry.on_retry(observe)))
    }

    /// Sets a budget of retries, which other work may share.
    pub fn retry_budget(self, budget: &RetryBudget) -> Self {
        self.with_policies(|policies| policies.with_retry(|retry| retry.budget(budget)))
    }
}

/// A builder whose work is tried again.
impl<T, S: RuntimeSource, W> TaskBuilder<T, S, Retrying<T>, W> {
    /// Runs `work` as part of the caller, when awaited, and again when it fails. Asynchronous work may
    /// borrow, and need not be `Send`.
    ///
    /// # Cancel safety
    ///
    /// As for a builder without retries.
    #[track_caller]
    pub fn run<F, O, M>(self, work: F) -> Run<impl Future<Output = Result<T, AsyncTaskError>>>
    where
        F: Fn() -> O,
        O: IntoAsyncResult<T, M>,
        M: Repeats<F, O, T, S, W>,
    {
        let (source, policies) = self.into_parts();
        policies.in_place(source, Location::caller(), M::maker(work))
    }

    /// As [`run`](Self::run), for a body that uses `?` and names no error type.
    #[track_caller]
    pub fn try_run<F, O>(self, work: F) -> Run<impl Future<Output = Result<T, AsyncTaskError>>>
    where
        F: Fn() -> O,
        O: Future<Output = Result<T, BoxError>>,
    {
        self.run::<F, O, Async<Fallible<BoxError>>>(work)
    }

    /// As [`run`](Self::run), with work that is given the context of its attempt.
    #[track_caller]
    pub fn run_with<F, O, M>(self, work: F) -> Run<impl Future<Output = Result<T, AsyncTaskError>>>
    where
        F: Fn(TaskContext) -> O,
        O: IntoAsyncResult<T, M>,
        M: Work<AgainWith<F>, O, T, S, W>,
    {
        let (source, policies) = self.into_parts();
        let work = Arc::new(work);
        let begin =
            Informed(move |source: &S, context| M::body(AgainWith { work: work.clone(), context }, source));
        policies.in_place(source, Location::caller(), begin)
    }

    /// Runs `work` as [`run`](Self::run) does, and then `handler` on its result.
    #[track_caller]
    pub fn await_result<F, O, M, U, H>(self, work: F, handler: H) -> impl Future<Output = U>
    where
        F: Fn() -> O,
        O: IntoAsyncResult<T, M>,
        M: Repeats<F, O, T, S, W>,
        H: FnOnce(Result<T, AsyncTaskError>) -> U,
    {
        let run = self.run(work);
        async move { handler(run.await) }
    }

    /// Runs synchronous `work` on the blocking pool, when awaited.
    #[track_caller]
    pub fn run_blocking<F, O, K>(self, work: F) -> Run<impl Future<Output = Result<T, AsyncTaskError>>>
    where
        F: Fn() -> O,
        O: IntoAsyncResult<T, Sync<K>>,
        Sync<K>: Repeats<F, O, T, S, Pool>,
    {
        let (source, policies) = self.into_parts();
        let begin = <Sync<K> as Repeats<F, O, T, S, Pool>>::maker(work);
        policies.in_place(source, Location::caller(), begin)
    }
}

/// A builder whose work is tried again, as a spawned task.
impl<T: Send + 'static, S: RuntimeSource, W> TaskBuilder<T, S, Retrying<T>, W> {
    /// Starts `work` now, on the runtime, as a task of its own, and again when it fails.
    #[track_caller]
    pub fn spawn<F, O, M>(self, work: F) -> Task<T, S::Runtime>
    where
        F: Fn() -> O + Send + std::marker::Sync + 'static,
        O: IntoAsyncResult<T, M>,
        M: Repeats<F, O, T, S::Runtime, W, Body: Send + 'static, Maker: Send + 'static>,
    {
        let (source, policies) = self.into_parts();
        policies.start(source, SpawnSite::here(), M::maker(work))
    }

    /// As [`spawn`](Self::spawn), with a limit on the whole task.
    #[track_caller]
    pub fn spawn_with_timeout<F, O, M>(self, limit: Duration, work: F) -> Task<T, S::Runtime>
    where
        F: Fn() -> O + Send + std::marker::Sync + 'static,
        O: IntoAsyncResult<T, M>,
        M: Repeats<F, O, T, S::Runtime, W, Body: Send + 'static, Maker: Send + 'static>,
    {
        self.timeout(limit).spawn(work)
    }

    /// As [`spawn`](Self::spawn), for a body that uses `?` and names no error type.
    #[track_caller]
    pub fn try_spawn<F, O>(self, work: F) -> Task<T, S::Runtime>
    where
        F: Fn() -> O + Send + std::marker::Sync + 'static,
        O: Future<Output = Result<T, BoxError>> + Send + 'static,
    {
        self.spawn::<F, O, Async<Fallible<BoxError>>>(work)
    }

    /// As [`spawn`](Self::spawn), with work that is given the context of its attempt.
    #[track_caller]
    pub fn spawn_with<F, O, M>(self, work: F) -> Task<T, S::Runtime>
    where
        F: Fn(TaskContext) -> O + Send + std::marker::Sync + 'static,
        O: IntoAsyncResult<T, M>,
        M: Work<AgainWith<F>, O, T, S::Runtime, W, Body: Send + 'static>,
    {
        let (source, policies) = self.into_parts();
        let work = Arc::new(work);
        let begin = Informed(move |runtime: &S::Runtime, context| {
            M::body(AgainWith { work: work.clone(), context }, runtime)
        });
        policies.start(source, SpawnSite::here(), begin)
    }

    /// Starts synchronous `work` now on the blocking pool, and again when it fails.
    #[track_caller]
    pub fn spawn_blocking<F, O, K>(self, work: F) -> Task<T, S::Runtime>
    where
        F: Fn() -> O + Send + std::marker::Sync + 'static,
        O: IntoAsyncResult<T, Sync<K>>,
        Sync<K>: Repeats<F, O, T, S::Runtime, Pool, Body: Send + 'static, Maker: Send + 'static>,
    {
        let (source, policies) = self.into_parts();
        let begin = <Sync<K> as Repeats<F, O, T, S::Runtime, Pool>>::maker(work);
        policies.start(source, SpawnSite::here(), begin)
    }
}
