//! The handle of a scope's member.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::error::AsyncTaskError;
use crate::runtime::Runtime;
use crate::task::handle::task::Task;
use crate::task::view::canceller::Canceller;
use crate::tree::node::TaskRef;
use crate::vocabulary::cancel::CancelCause;
use crate::vocabulary::id::TaskId;

/// A member of a scope, such as a daemon: a future of its value. The error of the member is the scope's; this
/// future then gives [`AsyncTaskError::Cancelled`] with the cause
/// [`SiblingFailed`](crate::CancelCause::SiblingFailed).
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
    pub(crate) fn new(task: Task<T, R>) -> Self {
        Self { task: Some(task) }
    }

    pub(crate) fn task_ref(&self) -> Option<TaskRef> {
        self.task.as_ref()?.task_ref()
    }

    pub(crate) fn runtime(&self) -> Option<R> {
        Some(self.task.as_ref()?.shared()?.runtime.clone())
    }

    /// The task's id.
    pub fn id(&self) -> TaskId {
        self.task.as_ref().map_or(TaskId::from_u64(0), Task::id)
    }

    /// True once nothing of the member is left.
    pub fn is_finished(&self) -> bool {
        self.task.as_ref().is_none_or(Task::is_finished)
    }

    /// A canceller of this member alone. Its cancellation is no failure, and its scope goes on.
    pub fn canceller(&self) -> Canceller {
        Canceller::new(self.task_ref())
    }

    /// Kills the member, for a cause of the library's own. False as in
    /// [`cancel`](crate::tree::children::cancel).
    pub(crate) fn stop(&self, cause: CancelCause) -> bool {
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

impl<T: Send + 'static, R: Runtime> fmt::Debug for ScopedTask<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ScopedTask").field(&self.task).finish()
    }
}
