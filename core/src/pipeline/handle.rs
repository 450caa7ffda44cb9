//! The handle of a pipeline that was spawned.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use super::Progress;
use super::progress::Counters;
use crate::error::AsyncTaskError;
use crate::runtime::Runtime;
use crate::task::{Canceller, ContextualizedTask, Handle, Relationships, Task, TaskId, TaskRef};

/// A pipeline that runs as a task of its own, and what it gives in the end. It has all the capabilities of a [`Task`].
///
/// Asked to stop gracefully, its sender stops, what has been read is handled, and its final event is
/// [`AsyncTaskError::Cancelled`]; a kill drops what waits in the queue.
///
/// The limit of `with_timeout` ends in a final event, and is not what [`TimedTask`](crate::TimedTask) tells and moves: that is
/// the task's own, at which it is dropped as by a kill.
///
/// # Drop
///
/// Dropping it kills the pipeline, as for a [`Task`].
///
/// # Cancel safety
///
/// An await of `&mut task` can be dropped and begun again; nothing is lost.
#[must_use = "dropping the handle cancels the pipeline: await it, keep it, or call `detach`"]
pub struct EmittingTask<T: Send + 'static, R: Runtime>(Task<T, R>, Arc<Counters>);

impl<T: Send + 'static, R: Runtime> EmittingTask<T, R> {
    pub(super) fn new(task: Task<T, R>, counters: Arc<Counters>) -> Self {
        Self(task, counters)
    }

    /// How far it is; once it has ended, what it came to. A pipeline that never started has done nothing.
    pub fn progress(&self) -> Progress {
        let now = self.0.runtime().map_or_else(Instant::now, |runtime| runtime.now());
        self.1.progress(now)
    }

    /// The task's id.
    pub fn id(&self) -> TaskId {
        self.0.id()
    }

    /// True once nothing of it is left.
    pub fn is_complete(&self) -> bool {
        self.0.status().is_terminal()
    }

    /// What asks it to stop: clonable, and free to outlive this.
    pub fn canceller(&self) -> Canceller {
        self.0.canceller()
    }

    /// As [`Task::detach`].
    pub fn detach(self) {
        self.0.detach();
    }
}

impl<T: Send + 'static, R: Runtime> Future for EmittingTask<T, R> {
    type Output = Result<T, AsyncTaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx)
    }
}

impl<T: Send + 'static, R: Runtime> Handle for EmittingTask<T, R> {
    fn task_ref(&self) -> Option<TaskRef> {
        Handle::task_ref(&self.0)
    }
}

impl<T: Send + 'static, R: Runtime> ContextualizedTask for EmittingTask<T, R> {
    type Runtime = R;

    fn relationships(&self) -> Relationships {
        self.0.relationships()
    }

    fn runtime(&self) -> Option<R> {
        self.0.runtime()
    }
}

impl<T: Send + 'static, R: Runtime> fmt::Debug for EmittingTask<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EmittingTask").field(&self.0).finish()
    }
}
