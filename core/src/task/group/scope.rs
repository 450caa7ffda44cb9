//! Scopes: a block of code that does not end before the tasks that it has spawned as members.

use std::fmt;
use std::future::Future;
use std::panic::Location;

use crate::error::{AsyncTaskError, BoxError};
use crate::limit::Limiter;
use crate::runtime::{Runtime, RuntimeSource};
use crate::task::builder::policies::{Once, Policies, PolicySet};
use crate::task::builder::spawn_in::start_in;
use crate::task::builder::starts::Starts;
use crate::task::builder::task_builder::TaskBuilder;
use crate::task::handle::run::Run;
use crate::task::handle::scoped_task::ScopedTask;
use crate::task::layers::once;
use crate::task::lifecycle::in_place::InPlaceTask;
use crate::task::lifecycle::spawn::{Kind, SpawnSite};
use crate::task::view::context::TaskContext;
use crate::task::work::in_place::InPlace;
use crate::task::work::kinds::{Async, Fallible, Here, IntoAsyncResult};

/// The spawner of a scope's members, until the scope has ended. See [`TaskBuilder::scope`].
///
/// A member may spawn others: clones are of the same scope.
#[derive(Clone)]
pub struct Scope<R: Runtime> {
    context: TaskContext,
    runtime: R,
}

impl<R: Runtime> Scope<R> {
    pub(crate) fn new(context: TaskContext, runtime: R) -> Self {
        Self { context, runtime }
    }

    /// Starts `work` now, as a member: the scope does not end before it, and its failure is the scope's. If
    /// its handle is dropped, it runs on.
    ///
    /// The work returns errors of any type by `?`. Work with an error type of its own is for
    /// [`spawn_as`](Self::spawn_as).
    #[track_caller]
    pub fn spawn<T, F, O>(&self, work: F) -> ScopedTask<T, R>
    where
        T: Send + 'static,
        F: FnOnce() -> O + Send + 'static,
        O: Future<Output = Result<T, BoxError>> + Send + 'static,
    {
        let builder = TaskBuilder::<T, R>::new(self.runtime.clone());
        self.spawn_as::<T, R, _, _, F, O, Async<Fallible<BoxError>>>(builder, work)
    }

    /// As [`spawn`](Self::spawn), for work that asks for its context: to see whether it is cancelled, or to report
    /// that it is [ready](crate::TaskContext::started).
    #[track_caller]
    pub fn spawn_with<T, F, O>(&self, work: F) -> ScopedTask<T, R>
    where
        T: Send + 'static,
        F: FnOnce(TaskContext) -> O + Send + 'static,
        O: Future<Output = Result<T, BoxError>> + Send + 'static,
    {
        self.start_with(Kind::Member(self.context.task_ref().clone()), work)
    }

    /// As [`spawn`](Self::spawn), with the policies of `builder`, and for work of all kinds. With
    /// [`retry`](TaskBuilder::retry), `work` must be callable again; its last failure is the scope's.
    ///
    /// ```
    /// # use sweet_async_core::{AsyncTaskError, DurationExt as _, Runtime, TaskBuilder};
    /// # async fn example<R: Runtime>(runtime: &R) -> Result<(), AsyncTaskError> {
    /// # let task = || TaskBuilder::<u32, _>::new(runtime.clone());
    /// let builder = task().name("first").timeout(1.seconds());
    /// let sum = task().scope(|s| async move {
    ///     let first = s.spawn_as(builder, || async { 1 });
    ///     let second = s.spawn(|| async { Ok("2".parse::<u32>()?) });
    ///     Ok(first.await? + second.await?)
    /// });
    /// assert_eq!(sum.await?, 3);
    /// # Ok(()) }
    /// ```
    #[track_caller]
    pub fn spawn_as<T, S, P, W, F, O, M>(
        &self,
        builder: TaskBuilder<T, S, P, W>,
        work: F,
    ) -> ScopedTask<T, S::Runtime>
    where
        T: Send + 'static,
        P: Policies<T>,
        S: Starts<P, F, (), O, T, W, M>,
        F: FnOnce() -> O,
        O: IntoAsyncResult<T, M>,
    {
        let at = SpawnSite { kind: Kind::Member(self.context.task_ref().clone()), ..SpawnSite::here() };
        let (source, policies) = builder.into_parts();
        ScopedTask::new(source.start(policies, work, at))
    }

    /// Starts `work` now, as a member that serves the others: a writer that they send lines to, a heartbeat.
    /// The scope does not wait for it. Once the body and all other tasks of the scope have ended, with
    /// everything that they have spawned, all daemons are cancelled gracefully, at the same time
    /// ([`ScopeEnded`](crate::CancelCause::ScopeEnded)). The scope ends when they are gone.
    ///
    /// A daemon that returns its value by then, or is killed at the end of its grace period, is no failure of
    /// the scope. An error or a panic is, at any time, as that of any member, unless it only passes on the
    /// request to end: see [`TaskBuilder::scope`].
    ///
    /// ```
    /// # use sweet_async_core::{AsyncTaskError, Runtime, TaskBuilder};
    /// # async fn example<R: Runtime>(runtime: &R) -> Result<(), AsyncTaskError> {
    /// let (send, lines) = async_channel::unbounded();
    /// let scope = TaskBuilder::<(), R>::new(runtime.clone()).scope(|s| async move {
    ///     s.spawn_daemon(|| async move {
    ///         // It ends with the last sender, and so after the members.
    ///         while let Ok(line) = lines.recv().await {
    ///             tracing::info!("line {line}");
    ///         }
    ///         Ok(())
    ///     });
    ///     for n in 0..10u32 {
    ///         let send = send.clone();
    ///         s.spawn(move || async move { Ok(send.send(n).await?) });
    ///     }
    ///     Ok(())
    /// });
    /// scope.await
    /// # }
    /// ```
    ///
    /// - A daemon that neither ends by itself nor watches
    ///   [`cancelled`](crate::TaskContext::cancelled) holds up the end of the scope for its grace period,
    ///   [5 s by default](crate::TaskBuilder::grace). One that may be dropped at any await has no need of
    ///   one: `s.spawn_daemon_as(builder.grace(Duration::ZERO), ..)`.
    /// - A kill of the scope, its time limit, and a failure in it kill its daemons with the others. A
    ///   graceful cancellation of the scope reaches the others at once, and the daemons once those have
    ///   ended.
    /// - The tasks that a daemon spawns are its own, and part of it. A member that it spawns through a clone
    ///   of the scope is a member as any other; once the daemons are cancelled, the scope takes no more.
    /// - Work that waits for a daemon's handle waits for the end of the scope, which waits for that work.
    #[track_caller]
    pub fn spawn_daemon<T, F, O>(&self, work: F) -> ScopedTask<T, R>
    where
        T: Send + 'static,
        F: FnOnce() -> O + Send + 'static,
        O: Future<Output = Result<T, BoxError>> + Send + 'static,
    {
        let builder = TaskBuilder::<T, R>::new(self.runtime.clone());
        self.spawn_daemon_as::<T, R, _, _, F, O, Async<Fallible<BoxError>>>(builder, work)
    }

    /// As [`spawn_daemon`](Self::spawn_daemon), for work that asks for its context.
    ///
    /// ```
    /// # use sweet_async_core::{AsyncTaskError, DurationExt as _, Runtime, RuntimeExt as _, TaskBuilder};
    /// # async fn example<R: Runtime>(runtime: &R) -> Result<(), AsyncTaskError> {
    /// # let rt = runtime.clone();
    /// let scope = TaskBuilder::<(), R>::new(runtime.clone()).scope(|s| async move {
    ///     s.spawn_daemon_with(|cx| async move {
    ///         while !cx.is_cancelled() {
    ///             tracing::info!("still at work");
    ///             rt.sleep(1.seconds()).await?;
    ///         }
    ///         Ok(())
    ///     });
    ///     s.spawn(|| async { Ok(()) }).await?;
    ///     Ok(())
    /// });
    /// scope.await
    /// # }
    /// ```
    #[track_caller]
    pub fn spawn_daemon_with<T, F, O>(&self, work: F) -> ScopedTask<T, R>
    where
        T: Send + 'static,
        F: FnOnce(TaskContext) -> O + Send + 'static,
        O: Future<Output = Result<T, BoxError>> + Send + 'static,
    {
        self.start_with(Kind::Daemon(self.context.task_ref().clone()), work)
    }

    #[track_caller]
    fn start_with<T, F, O>(&self, kind: Kind, work: F) -> ScopedTask<T, R>
    where
        T: Send + 'static,
        F: FnOnce(TaskContext) -> O + Send + 'static,
        O: Future<Output = Result<T, BoxError>> + Send + 'static,
    {
        let at = SpawnSite { kind, ..SpawnSite::here() };
        let (source, policies) = TaskBuilder::<T, R>::new(self.runtime.clone()).into_parts();
        ScopedTask::new(Starts::<_, F, TaskContext, O, T, Here, Async<Fallible<BoxError>>>::start(
            source, policies, work, at,
        ))
    }

    /// As [`spawn_daemon`](Self::spawn_daemon), with the policies of `builder`, and for work of all kinds.
    #[track_caller]
    pub fn spawn_daemon_as<T, S, P, W, F, O, M>(
        &self,
        builder: TaskBuilder<T, S, P, W>,
        work: F,
    ) -> ScopedTask<T, S::Runtime>
    where
        T: Send + 'static,
        P: Policies<T>,
        S: Starts<P, F, (), O, T, W, M>,
        F: FnOnce() -> O,
        O: IntoAsyncResult<T, M>,
    {
        let at = SpawnSite { kind: Kind::Daemon(self.context.task_ref().clone()), ..SpawnSite::here() };
        let (source, policies) = builder.into_parts();
        ScopedTask::new(source.start(policies, work, at))
    }

    /// Waits for a permit of `limiter`, and only then makes and starts the member, which holds the permit
    /// until nothing of it is left. So a million inputs do not become a million tasks. See
    /// [`TaskBuilder::spawn_in`].
    ///
    /// ```
    /// # use sweet_async_core::{AsyncTaskError, Limiter, Runtime, TaskBuilder};
    /// # async fn example<R: Runtime>(runtime: &R) -> Result<(), AsyncTaskError> {
    /// let limiter = Limiter::builder().max_concurrent(8).build()?;
    /// let scope = TaskBuilder::<(), R>::new(runtime.clone()).scope(|s| async move {
    ///     for input in 0..100u32 {
    ///         s.spawn_in(&limiter, move || async move { Ok(input * 2) }).await?;
    ///     }
    ///     Ok(())
    /// });
    /// scope.await
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As there; [`AsyncTaskError::InvalidState`] if the scope has ended, or stops its daemons.
    ///
    /// # Cancel safety
    ///
    /// As there.
    #[track_caller]
    pub fn spawn_in<T, F, O>(
        &self,
        limiter: &Limiter,
        work: F,
    ) -> impl Future<Output = Result<ScopedTask<T, R>, AsyncTaskError>> + use<R, T, F, O>
    where
        T: Send + 'static,
        F: FnOnce() -> O + Send + 'static,
        O: Future<Output = Result<T, BoxError>> + Send + 'static,
    {
        let builder = TaskBuilder::<T, R>::new(self.runtime.clone());
        self.spawn_as_in::<T, R, _, _, F, O, Async<Fallible<BoxError>>>(builder, limiter, work)
    }

    /// As [`spawn_in`](Self::spawn_in), with the policies of `builder`, and for work of all kinds.
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// # Cancel safety
    ///
    /// As there.
    #[track_caller]
    pub fn spawn_as_in<T, S, P, W, F, O, M>(
        &self,
        builder: TaskBuilder<T, S, P, W>,
        limiter: &Limiter,
        work: F,
    ) -> impl Future<Output = Result<ScopedTask<T, S::Runtime>, AsyncTaskError>> + use<R, T, S, P, W, F, O, M>
    where
        T: Send + 'static,
        P: Policies<T>,
        S: Starts<P, F, (), O, T, W, M>,
        F: FnOnce() -> O,
        O: IntoAsyncResult<T, M>,
    {
        let at = SpawnSite { kind: Kind::Member(self.context.task_ref().clone()), ..SpawnSite::here() };
        let started = start_in(builder, limiter.clone(), work, at);
        async move { started.await.map(ScopedTask::new) }
    }

    /// The scope as a task: to see whether it was cancelled, to register a callback, or to cancel it.
    pub fn context(&self) -> &TaskContext {
        &self.context
    }
}

impl<T, S: RuntimeSource, P: PolicySet<T> + Once, W> TaskBuilder<T, S, P, W> {
    /// Runs `body` in place with a [`Scope`], through which it spawns members. None of them outlives the
    /// scope, which ends when `body` and all members have. Once a member fails, `body` and the other members
    /// are killed and waited for; once `body` fails, so are the members.
    ///
    /// ```
    /// # use sweet_async_core::{AsyncTaskError, Runtime, TaskBuilder};
    /// # async fn example<R: Runtime>(runtime: &R) -> Result<(), AsyncTaskError> {
    /// let answer = TaskBuilder::<u32, _>::new(runtime.clone()).scope(|s| async move {
    ///     let half = s.spawn(|| async { Ok(21) });
    ///     s.spawn(|| async { Ok(()) });
    ///     Ok(half.await? * 2)
    /// });
    /// assert_eq!(answer.await?, 42);
    /// # Ok(()) }
    /// ```
    ///
    /// Tasks that are spawned inside without `s` belong to the scope, too: they are waited for, but their
    /// failure is their handle's alone. A member that was asked to end, and whose error only passes that request on, has
    /// failed, and has not failed the scope: others may still clean up. Members that serve the others are
    /// [daemons](Scope::spawn_daemon): they are stopped once the others have ended.
    ///
    /// # Errors
    ///
    /// The first failure, of `body` or of a member, with those that came after it attached
    /// ([`AsyncTaskError::Several`]).
    ///
    /// # Cancel safety
    ///
    /// If it is dropped, it kills its members ([`ScopeDropped`](crate::CancelCause::ScopeDropped)). It cannot
    /// wait for them; the task around it does, or else the root scope.
    #[track_caller]
    pub fn scope<F, O>(self, body: F) -> Run<impl Future<Output = Result<T, AsyncTaskError>>>
    where
        F: FnOnce(Scope<S::Runtime>) -> O,
        O: Future<Output = Result<T, BoxError>>,
    {
        let (source, policies) = self.into_parts();
        let (policies, _) = policies.into_all();
        let settings = policies.settings.clone();
        let make = move |source: &S, runtime: &S::Runtime, context| {
            let scope = Scope::new(context, runtime.clone());
            let body = InPlace::<_, O, T, Fallible<BoxError>>::new(move || body(scope));
            once(policies, body, source.clone())
        };
        Run::new(InPlaceTask::new(make, source, settings, Location::caller()))
    }
}

impl<R: Runtime> fmt::Debug for Scope<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Scope").field(&self.context).finish()
    }
}
