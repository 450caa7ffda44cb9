//! The handle of a spawned pipeline.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use crate::outcome::progress::Counters;
use crate::outcome::progress::Progress;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::{Handle, TaskRef};
use sweet_async_core::runtime::Runtime;
use sweet_async_core::task::{Canceller, ContextualizedTask, Relationships, Task, TaskId};

/// A pipeline that runs as a task of its own; its output is a `T`. It has the capabilities of a [`Task`],
/// except [`RecoverableTask`](sweet_async_core::RecoverableTask): a pipeline retries events, and not itself.
///
/// On a graceful cancellation request the sender stops, and rows that have been read are handled. The final
/// event is then [`AsyncTaskError::Cancelled`] with the level, the cause and the reason of the request. The
/// task counts as cancelled, unless the handler turns that error into a value. A kill drops the chunks that
/// wait in the queue.
///
/// With [`Events`](crate::Events) the pipeline is pulled: the handle is a [`Stream`](futures_core::Stream)
/// and not a future, and the summary is available after the last event.
///
/// [`TimedTask`](sweet_async_core::TimedTask) reports the time limit and moves it. At the limit the pipeline
/// ends with a final event as well. Switching metrics on or off also applies to the sender and the workers.
///
/// # Drop
///
/// Dropping the handle kills the pipeline, as for a [`Task`].
///
/// # Cancel safety
///
/// An await of `&mut task` can be dropped and started again; nothing is lost.
#[must_use = "dropping the handle cancels the pipeline: await it, keep it, or call `detach`"]
pub struct EmittingTask<T: Send + 'static, R: Runtime, E = ()> {
    pub(crate) task: Task<T, R>,
    counters: Arc<Counters>,
    pub(crate) events: E,
}

impl<T: Send + 'static, R: Runtime> EmittingTask<T, R> {
    pub(crate) fn new(task: Task<T, R>, counters: Arc<Counters>) -> Self {
        Self { task, counters, events: () }
    }

    pub(crate) fn pulled<E>(self, events: E) -> EmittingTask<T, R, E> {
        EmittingTask { task: self.task, counters: self.counters, events }
    }

    /// Returns the progress so far, and after the end the final counts. All counts of a pipeline that never
    /// started are zero.
    pub fn progress(&self) -> Progress {
        self.counted()
    }

    /// True once nothing of the pipeline is left.
    pub fn is_complete(&self) -> bool {
        self.is_over()
    }

    /// Lets the pipeline run without a handle, as [`Task::detach`].
    pub fn detach(self) {
        self.task.detach();
    }
}

impl<T: Send + 'static, R: Runtime, E> EmittingTask<T, R, E> {
    /// Returns the task's id.
    pub fn id(&self) -> TaskId {
        self.task.id()
    }

    /// True once nothing of the pipeline is left.
    pub fn is_finished(&self) -> bool {
        self.is_over()
    }

    /// Returns a handle that requests cancellation. It can be cloned, and may outlive this one.
    pub fn canceller(&self) -> Canceller {
        self.task.canceller()
    }

    /// The counts of the sender and the workers.
    pub(crate) fn counted(&self) -> Progress {
        let now = self.task.runtime().map_or_else(Instant::now, |runtime| runtime.now());
        self.counters.progress(now)
    }

    pub(crate) fn is_over(&self) -> bool {
        self.task.status().is_terminal()
    }
}

impl<T: Send + 'static, R: Runtime> Future for EmittingTask<T, R> {
    type Output = Result<T, AsyncTaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.task).poll(cx)
    }
}

impl<T: Send + 'static, R: Runtime, E> Handle for EmittingTask<T, R, E> {
    fn task_ref(&self) -> Option<TaskRef> {
        Handle::task_ref(&self.task)
    }
}

impl<T: Send + 'static, R: Runtime, E> ContextualizedTask for EmittingTask<T, R, E> {
    type Runtime = R;

    fn relationships(&self) -> Relationships {
        self.task.relationships()
    }

    fn runtime(&self) -> Option<R> {
        self.task.runtime()
    }
}

impl<T: Send + 'static, R: Runtime, E> fmt::Debug for EmittingTask<T, R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EmittingTask").field(&self.task).finish()
    }
}
