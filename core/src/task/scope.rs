//! Tasks that belong to a block of code: it does not end before them.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::again::Joins;
use super::birth::{Birthplace, Kind};
use super::handle::Task;
use super::traits::Handle;
use super::work::{Async, Fallible, IntoAsyncResult};
use super::{Canceller, ContextualizedTask, Relationships, TaskBuilder, TaskContext, TaskId};
use crate::error::{AsyncTaskError, BoxError};
use crate::runtime::{Runtime, RuntimeSource};
use crate::task::control::TaskRef;

/// Takes members for as long as its scope has not ended. See [`TaskBuilder::scope`].
///
/// A member may spawn others: clones are the same scope.
#[derive(Clone)]
pub struct Scope<R: Runtime> {
    context: TaskContext,
    runtime: R,
}

impl<R: Runtime> Scope<R> {
    pub(crate) fn new(context: TaskContext, runtime: R) -> Self {
        Self { context, runtime }
    }

    /// Starts `work` now, as a member: the scope does not end before it, and its failure is the scope's. Its handle may be
    /// dropped; it runs on.
    ///
    /// Errors reach it by `?`, of whatever type; work that returns a type of its own is for [`spawn_as`](Self::spawn_as).
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
        let at = Birthplace { kind: Kind::Member(self.context.task_ref().clone()), ..Birthplace::here() };
        let (source, policies) = builder.into_parts();
        ScopedTask { task: Some(policies.join(source, work, at)) }
    }

    /// The scope as a task: to see whether it was asked to stop, to give it a callback, or to ask it to stop.
    pub fn context(&self) -> &TaskContext {
        &self.context
    }
}

impl<R: Runtime> fmt::Debug for Scope<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Scope").field(&self.context).finish()
    }
}

/// A member of a scope, and its value to come. What it fails with is the scope's error; here it is
/// [`AsyncTaskError::Cancelled`] with the cause [`SiblingFailed`](crate::CancelCause::SiblingFailed).
///
/// # Drop
///
/// Dropping it leaves the task to its scope; its value is dropped.
///
/// # Cancel safety
///
/// An await of `&mut task` can be dropped and begun again; nothing is lost.
pub struct ScopedTask<T: Send + 'static, R: Runtime> {
    /// `None` once dropped.
    task: Option<Task<T, R>>,
}

impl<T: Send + 'static, R: Runtime> ScopedTask<T, R> {
    /// The task's id.
    pub fn id(&self) -> TaskId {
        self.task.as_ref().map_or(TaskId::from_u64(0), Task::id)
    }

    /// True once nothing of the member is left.
    pub fn is_finished(&self) -> bool {
        self.task.as_ref().is_none_or(Task::is_finished)
    }

    /// What asks this member alone to stop: that is no failure, and its scope goes on.
    pub fn canceller(&self) -> Canceller {
        Canceller::new(self.task_ref())
    }

    /// Asks the member to stop, for a cause of the library's own.
    pub(crate) fn stop(&self, cause: crate::cancel::CancelCause) -> bool {
        self.task.as_ref().is_some_and(|task| task.stop(cause))
    }
}

impl<T: Send + 'static, R: Runtime> Future for ScopedTask<T, R> {
    type Output = Result<T, AsyncTaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.task {
            Some(task) => Pin::new(task).poll(cx),
            None => Poll::Ready(Err(AsyncTaskError::Shutdown)),
        }
    }
}

impl<T: Send + 'static, R: Runtime> Drop for ScopedTask<T, R> {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.leave_to_scope();
        }
    }
}

impl<T: Send + 'static, R: Runtime> Handle for ScopedTask<T, R> {
    fn task_ref(&self) -> Option<TaskRef> {
        self.task.as_ref()?.task_ref()
    }
}

impl<T: Send + 'static, R: Runtime> ContextualizedTask for ScopedTask<T, R> {
    type Runtime = R;

    fn relationships(&self) -> Relationships {
        Relationships::new(self.task_ref())
    }

    fn runtime(&self) -> Option<R> {
        self.task.as_ref()?.runtime()
    }
}

impl<T: Send + 'static, R: Runtime> fmt::Debug for ScopedTask<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ScopedTask").field(&self.task).finish()
    }
}
