//! The methods of a builder whose attempts are hedged: the step to it, and those that start the work.

use std::future::Future;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{AsyncTaskError, BoxError};
use crate::hedge::Hedge;
use crate::runtime::{Runtime, RuntimeSource};
use crate::task::builder::policies::{refused, register};
use crate::task::builder::recurring::Recurring;
use crate::task::builder::repeatable::Joins;
use crate::task::builder::repeats::Repeats;
use crate::task::builder::task_builder::TaskBuilder;
use crate::task::handle::run::Run;
use crate::task::handle::task::Task;
use crate::task::layers::hedge::work::MakeWork;
use crate::task::layers::hedged;
use crate::task::lifecycle::in_place::InPlaceTask;
use crate::task::lifecycle::spawn::SpawnSite;
use crate::task::settings::hedging::{Hedging, RetrySetting};
use crate::task::view::context::TaskContext;
use crate::task::work::attempts::{Informed, Plain};
use crate::task::work::in_place::InPlace;
use crate::task::work::kinds::{Again, AgainWith, Async, Fallible, IntoResult, Work};

impl<T, S: RuntimeSource, P: Repeats<T>, W> TaskBuilder<T, S, P, W> {
    /// Begins a further attempt beside one that is slow, as `hedge` says. The first success is the result.
    /// The other attempts are then killed ([`Unneeded`](crate::CancelCause::Unneeded)). They, and all that
    /// they have spawned, have ended before an await of the task returns.
    ///
    /// ```
    /// # use sweet_async_core::{AsyncTaskError, DurationExt as _, Hedge, Runtime, TaskBuilder};
    /// # async fn fetch(url: &str) -> Result<usize, std::io::Error> { Ok(url.len()) }
    /// # async fn example<R: Runtime>(runtime: &R) -> Result<(), AsyncTaskError> {
    /// let url = String::from("http://example");
    /// let builder = TaskBuilder::<usize, _>::new(runtime.clone()).hedge(Hedge::after(50.millis()));
    /// let length = builder.spawn(move || {
    ///     let url = url.clone();
    ///     async move { fetch(&url).await }
    /// });
    /// assert_eq!(length.await?, 14);
    /// # Ok(()) }
    /// ```
    ///
    /// The work must be callable again, and it must be safe to do it twice at the same time. It must be
    /// asynchronous: blocking work that has started cannot be stopped and is waited for, so that a second
    /// attempt beside it would win nothing. Synchronous work does not compile here; asynchronous work that
    /// awaits blocking work does, and waits for it.
    ///
    /// # Composition
    ///
    /// Each attempt passes the breaker, the limiter, the limit of an attempt and chaos by itself. With
    /// [`retry`](Self::retry), each retry is another round of hedged attempts. The limit on the whole is
    /// around all of it. An attempt is an in-place task, as one of retried work is: it has succeeded once all
    /// that it has spawned has ended. All attempts are polled by the one task that they are part of: they
    /// wait at the same time, and do not run in parallel. One that is in a [shielded
    /// region](crate::TaskContext::shield) when another succeeds ends the region first.
    ///
    /// # Failures
    ///
    /// - An attempt fails with an error that a retry would follow ([`Retry::is_retryable`], with the
    ///   predicate of the retries if there is one): the next begins at once, if another may; else the others
    ///   go on.
    /// - A breaker or a limiter refuses an attempt: the others go on.
    /// - An attempt fails otherwise, by a panic for instance: that is the result, and the others are stopped.
    /// - All have failed: the last failure is the result.
    ///
    /// Once cancellation of the task is requested, no further attempt begins.
    ///
    /// # Errors
    ///
    /// [`AsyncTaskError::RetriesExhausted`], with the last failure and the number of attempts, if more than
    /// one was made; [`AsyncTaskError::InvalidConfig`] for a `hedge` that cannot work, before the first
    /// attempt.
    ///
    /// Cost: that of a retry; the clock is read once, and a timer is set once an attempt waits. A further
    /// attempt costs two allocations.
    ///
    /// [`Retry::is_retryable`]: crate::Retry::is_retryable
    pub fn hedge(self, hedge: Hedge) -> TaskBuilder<T, S, P::Hedged, W> {
        self.with_policies(|policies| policies.hedged(hedge))
    }
}

impl<T, R: RetrySetting> Hedging<T, R> {
    /// The work as an in-place task. `make` makes the work of one attempt.
    fn in_place<S, B>(
        self,
        source: S,
        location: &'static Location<'static>,
        make: impl MakeWork<S, B>,
    ) -> Run<impl Future<Output = Result<T, AsyncTaskError>>>
    where
        S: RuntimeSource,
        B: Future<Output = Result<T, AsyncTaskError>>,
    {
        let settings = self.resilience.settings.clone();
        Run::new(InPlaceTask::around(
            hedged(self, make, source.clone(), location),
            source,
            settings,
            location,
        ))
    }

    /// Starts the work as a task of its own.
    fn start<S, B>(
        self,
        source: S,
        at: SpawnSite,
        make: impl MakeWork<S::Runtime, B> + Send + 'static,
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
        registered.task.control.set_recovery(self.resilience.new_recovery(self.retry.retry()));
        let mut work = hedged(self, make, registered.task.runtime.clone(), location);
        work.rounds_mut().enter_queue(registered.inside.urgency());
        registered.launch_boxed(work)
    }
}

impl<F, O, T, S, W, K, R> Joins<F, O, T, S, W, Async<K>> for Hedging<T, R>
where
    F: Fn() -> O + Send + Sync + 'static,
    Async<K>: Work<Again<F>, O, T, S::Runtime, W, Body: Send + 'static>,
    S: RuntimeSource,
    T: Send + 'static,
    R: RetrySetting,
{
    fn join(self, source: S, work: F, at: SpawnSite) -> Task<T, S::Runtime> {
        let work = Arc::new(work);
        let make = Plain(move |runtime: &S::Runtime| {
            <Async<K> as Work<Again<F>, O, T, S::Runtime, W>>::body(Again(work.clone()), runtime)
        });
        self.start(source, at, make)
    }
}

impl<T, K, R> Recurring<T, Async<K>> for Hedging<T, R>
where
    T: Send + 'static,
    R: RetrySetting,
{
    fn start_run<Q, B, M>(self, runtime: Q, at: SpawnSite, begin: M) -> Task<T, Q>
    where
        Q: Runtime,
        B: Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
        M: Fn(&Q, TaskContext) -> B + Clone + Send + 'static,
    {
        self.start(runtime, at, Informed(begin))
    }
}

/// A builder whose attempts are hedged.
impl<T, S: RuntimeSource, R: RetrySetting, W> TaskBuilder<T, S, Hedging<T, R>, W> {
    /// Runs `work` as part of the caller, when awaited, and again beside it where it is slow. It may borrow,
    /// and need not be `Send`.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops all attempts. What they have spawned is killed, and waited for by the task
    /// around, if there is one.
    #[track_caller]
    pub fn run<F, O, K>(self, work: F) -> Run<impl Future<Output = Result<T, AsyncTaskError>>>
    where
        F: Fn() -> O,
        O: Future<Output: IntoResult<T, K>>,
    {
        let (source, policies) = self.into_parts();
        let work = Arc::new(work);
        let make = Plain(move |_: &S| InPlace::<Again<F>, O, T, K>::new(Again(work.clone())));
        policies.in_place(source, Location::caller(), make)
    }

    /// As [`run`](Self::run), for a body that uses `?` and names no error type.
    #[track_caller]
    pub fn try_run<F, O>(self, work: F) -> Run<impl Future<Output = Result<T, AsyncTaskError>>>
    where
        F: Fn() -> O,
        O: Future<Output = Result<T, BoxError>>,
    {
        self.run::<F, O, Fallible<BoxError>>(work)
    }

    /// As [`run`](Self::run), with work that is given the context of its attempt.
    #[track_caller]
    pub fn run_with<F, O, K>(self, work: F) -> Run<impl Future<Output = Result<T, AsyncTaskError>>>
    where
        F: Fn(TaskContext) -> O,
        O: Future<Output: IntoResult<T, K>>,
    {
        let (source, policies) = self.into_parts();
        let work = Arc::new(work);
        let make = Informed(move |_: &S, context| {
            InPlace::<AgainWith<F>, O, T, K>::new(AgainWith { work: work.clone(), context })
        });
        policies.in_place(source, Location::caller(), make)
    }

    /// Runs `work` as [`run`](Self::run) does, and then `handler` on its result.
    #[track_caller]
    pub fn await_result<F, O, K, U, H>(self, work: F, handler: H) -> impl Future<Output = U>
    where
        F: Fn() -> O,
        O: Future<Output: IntoResult<T, K>>,
        H: FnOnce(Result<T, AsyncTaskError>) -> U,
    {
        let run = self.run::<F, O, K>(work);
        async move { handler(run.await) }
    }
}

/// A builder whose attempts are hedged, as a spawned task.
impl<T: Send + 'static, S: RuntimeSource, R: RetrySetting, W> TaskBuilder<T, S, Hedging<T, R>, W> {
    /// Starts `work` now, on the runtime, as a task of its own, and again beside it where it is slow.
    #[track_caller]
    pub fn spawn<F, O, K>(self, work: F) -> Task<T, S::Runtime>
    where
        F: Fn() -> O + Send + Sync + 'static,
        O: Future<Output: IntoResult<T, K>> + Send + 'static,
        K: 'static,
    {
        let (source, policies) = self.into_parts();
        let work = Arc::new(work);
        let make = Plain(move |_: &S::Runtime| InPlace::<Again<F>, O, T, K>::new(Again(work.clone())));
        policies.start(source, SpawnSite::here(), make)
    }

    /// As [`spawn`](Self::spawn), with a limit on the whole task.
    #[track_caller]
    pub fn spawn_with_timeout<F, O, K>(self, limit: Duration, work: F) -> Task<T, S::Runtime>
    where
        F: Fn() -> O + Send + Sync + 'static,
        O: Future<Output: IntoResult<T, K>> + Send + 'static,
        K: 'static,
    {
        self.timeout(limit).spawn::<F, O, K>(work)
    }

    /// As [`spawn`](Self::spawn), for a body that uses `?` and names no error type.
    #[track_caller]
    pub fn try_spawn<F, O>(self, work: F) -> Task<T, S::Runtime>
    where
        F: Fn() -> O + Send + Sync + 'static,
        O: Future<Output = Result<T, BoxError>> + Send + 'static,
    {
        self.spawn::<F, O, Fallible<BoxError>>(work)
    }

    /// As [`spawn`](Self::spawn), with work that is given the context of its attempt.
    #[track_caller]
    pub fn spawn_with<F, O, K>(self, work: F) -> Task<T, S::Runtime>
    where
        F: Fn(TaskContext) -> O + Send + Sync + 'static,
        O: Future<Output: IntoResult<T, K>> + Send + 'static,
        K: 'static,
    {
        let (source, policies) = self.into_parts();
        let work = Arc::new(work);
        let make = Informed(move |_: &S::Runtime, context| {
            InPlace::<AgainWith<F>, O, T, K>::new(AgainWith { work: work.clone(), context })
        });
        policies.start(source, SpawnSite::here(), make)
    }
}
