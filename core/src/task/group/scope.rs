//! Scopes: a block of code that does not end before the tasks that it has spawned as members.

use std::fmt;
use std::future::Future;
use std::panic::Location;

use crate::error::{AsyncTaskError, BoxError};
use crate::runtime::{Runtime, RuntimeSource};
use crate::task::builder::policies::{Once, PolicySet};
use crate::task::builder::repeatable::Joins;
use crate::task::builder::task_builder::TaskBuilder;
use crate::task::handle::run::Run;
use crate::task::handle::scoped_task::ScopedTask;
use crate::task::layers::once;
use crate::task::lifecycle::in_place::InPlaceTask;
use crate::task::lifecycle::spawn::{Kind, SpawnSite};
use crate::task::view::context::TaskContext;
use crate::task::work::in_place::InPlace;
use crate::task::work::kinds::{Async, Fallible, IntoAsyncResult};

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
        S: RuntimeSource,
        P: Joins<F, O, T, S, W, M>,
        F: FnOnce() -> O,
        O: IntoAsyncResult<T, M>,
    {
        let at = SpawnSite { kind: Kind::Member(self.context.task_ref().clone()), ..SpawnSite::here() };
        let (source, policies) = builder.into_parts();
        ScopedTask::new(policies.join(source, work, at))
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
    /// failure is their handle's alone.
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
