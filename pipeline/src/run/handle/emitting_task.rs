//! The handle of a pipeline that was spawned.

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

/// A pipeline that runs as a task of its own, and what it gives in the end. It has the capabilities of a [`Task`], but for
/// [`RecoverableTask`](sweet_async_core::RecoverableTask): a pipeline tries its events again, and not itself.
///
/// Asked to stop gracefully, its sender stops, what has been read is handled, and its final event is
/// [`AsyncTaskError::Cancelled`], with what was asked of it; it is cancelled then, unless its handler makes a value of that. A
/// kill drops what waits in the queue.
///
/// One that holds [`Events`](crate::Events) is pulled: it is a [`Stream`](futures_core::Stream) in place of a future, and its
/// summary comes after the last event.
///
/// At its limit, which [`TimedTask`](sweet_async_core::TimedTask) tells and moves, it ends with a final event as well. Metrics that are
/// switched are switched for its sender and its workers, too.
///
/// # Drop
///
/// Dropping it kills the pipeline, as for a [`Task`].
///
/// # Cancel safety
///
/// An await of `&mut task` can be dropped and begun again; nothing is lost.
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

    /// How far it is; once it has ended, what it came to. A pipeline that never started has done nothing.
    pub fn progress(&self) -> Progress {
        self.counted()
    }

    /// True once nothing of it is left.
    pub fn is_complete(&self) -> bool {
        self.is_over()
    }

    /// As [`Task::detach`].
    pub fn detach(self) {
        self.task.detach();
    }
}

impl<T: Send + 'static, R: Runtime, E> EmittingTask<T, R, E> {
    /// The task's id.
    pub fn id(&self) -> TaskId {
        self.task.id()
    }

    /// True once nothing of it is left.
    pub fn is_finished(&self) -> bool {
        self.is_over()
    }

    /// What asks it to stop: clonable, and free to outlive this.
    pub fn canceller(&self) -> Canceller {
        self.task.canceller()
    }

    /// What sender and workers have counted.
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
