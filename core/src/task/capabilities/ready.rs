//! The wait until a task is ready to be used.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use event_listener::EventListener;

use crate::error::AsyncTaskError;
use crate::runtime::Runtime;
use crate::task::handle::scoped_task::ScopedTask;
use crate::task::handle::task::Task;
use crate::task::view::canceller::Canceller;
use crate::tree::current::note;
use crate::tree::node::TaskRef;
use crate::tree::state::STARTED;

/// A future that is ready once a task has reported that it can be used: see
/// [`TaskContext::started`](crate::TaskContext::started).
///
/// # Errors
///
/// [`AsyncTaskError::InvalidState`] if the task has ended without reporting that; its handle gives the
/// reason.
///
/// # Cancel safety
///
/// It can be dropped and made again.
#[must_use = "it says nothing unless awaited"]
pub struct Ready {
    task: Option<TaskRef>,
    listener: Option<EventListener>,
    location: &'static Location<'static>,
}

impl Ready {
    #[track_caller]
    fn new(task: Option<TaskRef>) -> Self {
        Self { task, listener: None, location: Location::caller() }
    }
}

impl Future for Ready {
    type Output = Result<(), AsyncTaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        const NOT_REPORTED: AsyncTaskError = AsyncTaskError::InvalidState(
            "the task has ended without saying that it was ready: await its handle for the reason",
        );
        let Some(task) = &this.task else { return Poll::Ready(Err(NOT_REPORTED)) };
        let done = |state: crate::tree::state::State| state.has(STARTED) || state.is_reported();
        if task.control.poll_change(&mut this.listener, done, cx).is_pending() {
            note(this.location);
            return Poll::Pending;
        }
        Poll::Ready(if task.control.state().has(STARTED) { Ok(()) } else { Err(NOT_REPORTED) })
    }
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let started = self.task.as_ref().map(|task| task.control.state().has(STARTED));
        f.debug_struct("Ready").field("started", &started).finish_non_exhaustive()
    }
}

impl<T: Send + 'static, R: Runtime> Task<T, R> {
    /// Waits until the task reports that it is ready to be used.
    #[track_caller]
    pub fn ready(&self) -> Ready {
        Ready::new(self.task_ref())
    }
}

impl<T: Send + 'static, R: Runtime> ScopedTask<T, R> {
    /// As [`Task::ready`].
    #[track_caller]
    pub fn ready(&self) -> Ready {
        Ready::new(self.task_ref())
    }
}

impl Canceller {
    /// As [`Task::ready`].
    #[track_caller]
    pub fn ready(&self) -> Ready {
        Ready::new(self.task_ref())
    }
}
