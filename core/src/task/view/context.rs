//! The context of a task, as its work sees it.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use event_listener::EventListener;
use pin_project_lite::pin_project;

use crate::error::AsyncTaskError;
use crate::runtime::erased::DynRuntime;
use crate::task::view::canceller::Canceller;
use crate::task::view::relationships::Relationships;
use crate::tree::current::{current_task, note};
use crate::tree::extras::callbacks::IntoCallback;
use crate::tree::node::TaskRef;
use crate::tree::state::IN_PLACE;
use crate::vocabulary::cancel::{CancelCause, CancelLevel};
use crate::vocabulary::id::TaskId;
use crate::vocabulary::status::TaskStatus;

/// The task that work is part of: its settings and values, and its cancellation. It can be cloned, and keeps
/// nothing running.
///
/// [`spawn_with`](crate::TaskBuilder::spawn_with) and [`run_with`](crate::TaskBuilder::run_with) hand it to
/// the work, and [`current`](Self::current) finds it anywhere below. Its capabilities, such as
/// [`set_deadline`](crate::TimedTask::set_deadline), are those of the traits that all kinds of task have.
#[derive(Clone)]
pub struct TaskContext {
    task: TaskRef,
}

impl TaskContext {
    /// The context of `task`.
    #[doc(hidden)]
    pub fn new(task: TaskRef) -> Self {
        Self { task }
    }

    /// The task of this context.
    #[doc(hidden)]
    pub fn task_ref(&self) -> &TaskRef {
        &self.task
    }

    /// The task that is being polled here, or whose blocking work this is; `None` outside of one. Bare work
    /// in place (`run` without a policy that needs a task) is part of the task around it.
    pub fn current() -> Option<Self> {
        current_task().map(Self::new)
    }

    /// The task's id.
    pub fn id(&self) -> TaskId {
        self.task.control.id()
    }

    /// The task's name, if it has one.
    pub fn name(&self) -> Option<Arc<str>> {
        self.task.control.name()
    }

    /// The task's status.
    pub fn status(&self) -> TaskStatus {
        self.task.control.status()
    }

    /// A future that is ready once cancellation of the task was requested, at any level. By then
    /// [`level`](Self::level), [`cause`](Self::cause) and [`cancel_reason`](Self::cancel_reason) are known.
    ///
    /// After a graceful request the work has its grace period to end by itself; the value that it then
    /// returns is its result.
    ///
    /// # Cancel safety
    ///
    /// It can be dropped and called again.
    #[track_caller]
    pub fn cancelled(&self) -> Cancelled {
        self.cancelled_at(Location::caller())
    }

    pub(crate) fn cancelled_at(&self, location: &'static Location<'static>) -> Cancelled {
        Cancelled { task: self.task.clone(), listener: None, location }
    }

    /// True once cancellation was requested, at any level: for loops, and for blocking work, which cannot be
    /// dropped.
    pub fn is_cancelled(&self) -> bool {
        self.task.control.asked().is_some()
    }

    /// The level of the cancellation, if one was requested.
    pub fn level(&self) -> Option<CancelLevel> {
        self.task.control.asked().map(|(level, _)| level)
    }

    /// The cause of the first request, if there was one.
    pub fn cause(&self) -> Option<CancelCause> {
        self.task.control.asked().map(|(_, cause)| cause)
    }

    /// The reason that was given with the first request, if one was: see
    /// [`Task::cancel_because`](crate::Task::cancel_because). Where the request was passed on from a task
    /// above, it is the reason of that one.
    pub fn cancel_reason(&self) -> Option<Arc<str>> {
        self.task.control.reason().cloned()
    }

    /// As [`CancellableTask::on_cancel`](crate::CancellableTask::on_cancel).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn on_cancel<M>(&self, callback: impl IntoCallback<M>) -> Result<(), AsyncTaskError> {
        crate::tree::extras::on_cancel::on_cancel(&self.task, callback.into_callback())
    }

    /// A canceller of this task, which can be given away.
    pub fn canceller(&self) -> Canceller {
        Canceller::new(Some(self.task.clone()))
    }

    /// Runs `future` as a region that is not interrupted: a kill, and a deadline of this task, take effect
    /// only after its end. The request stands, and [`cancelled`](Self::cancelled) is ready within the region,
    /// too; children are cancelled only after its end. Meanwhile everything else that the task's work polls
    /// beside the region goes on as well.
    ///
    /// An executor that ends drops the region all the same, and so does a caller that drops the future.
    ///
    /// # Cancel safety
    ///
    /// Dropping it ends the region.
    #[track_caller]
    pub fn shield<F: Future>(&self, future: F) -> Shield<F> {
        Shield {
            future,
            region: Region { task: self.task.clone(), entered: false },
            location: Location::caller(),
        }
    }

    /// The value of this type that was given by `.with(value)` to this task, or to the nearest task above it
    /// that has one.
    pub fn get<V: Send + Sync + 'static>(&self) -> Option<Arc<V>> {
        self.task.control.values()?.get()
    }

    /// Reports that the task is ready to be used: `task.ready().await` returns. A second call changes
    /// nothing. A call in an in-place task, such as an attempt of supervised work, also holds for the task
    /// that it is part of.
    pub fn started(&self) {
        let mut task = Some(self.task.clone());
        while let Some(part) = task {
            part.control.started();
            task = part.parent().filter(|_| part.control.is_in_place());
        }
    }

    /// The number of this attempt, from 1, if the task is an attempt at work that is retried, hedged or
    /// supervised; for any other task, the number of attempts at its work that have begun, which is 1 without retries.
    ///
    /// The work of each attempt finds its own: a request can carry the number. In
    /// a [recovery](crate::TaskBuilder::recover_with), it is the number of attempts that were made. A task
    /// that an attempt spawns counts its own attempts.
    ///
    /// ```
    /// # use sweet_async_core::{AsyncTaskError, Runtime, TaskBuilder, TaskContext};
    /// # async fn example<R: Runtime>(runtime: &R) -> Result<(), AsyncTaskError> {
    /// let builder = TaskBuilder::<u32, _>::new(runtime.clone()).retry(2);
    /// let third = builder.run_with(|cx: TaskContext| async move {
    ///     if cx.attempt() < 3 { Err("not yet") } else { Ok(cx.attempt()) }
    /// });
    /// assert_eq!(third.await?, 3);
    /// # Ok(()) }
    /// ```
    pub fn attempt(&self) -> u32 {
        self.task.control.attempts()
    }

    /// The earliest deadline of this task and of those above it.
    pub fn deadline(&self) -> Option<Instant> {
        self.task.deadline()
    }

    /// The time until [`deadline`](Self::deadline), by the clock of the task's runtime.
    pub fn remaining(&self) -> Option<Duration> {
        self.deadline().map(|deadline| deadline.saturating_duration_since(self.task.runtime.clock()))
    }

    /// Its parent, its children, and the channels between it and the task that spawned it.
    pub fn relationships(&self) -> Relationships {
        Relationships::new(Some(self.task.clone()))
    }

    /// The runtime that the task is on.
    pub fn runtime(&self) -> DynRuntime {
        self.task.runtime.to_dyn()
    }
}

impl fmt::Debug for TaskContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TaskContext").field(&self.task.control.info()).finish()
    }
}

/// See [`TaskContext::cancelled`].
#[must_use = "it says nothing unless awaited"]
pub struct Cancelled {
    task: TaskRef,
    listener: Option<EventListener>,
    location: &'static Location<'static>,
}

impl Future for Cancelled {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let polled = this.task.control.poll_change(&mut this.listener, |state| state.level() > 0, cx);
        if polled.is_pending() {
            note(this.location);
        }
        polled
    }
}

impl fmt::Debug for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancelled").field("asked", &self.task.control.asked()).finish_non_exhaustive()
    }
}

pin_project! {
    /// See [`TaskContext::shield`].
    #[must_use = "nothing runs until it is awaited"]
    pub struct Shield<F> {
        #[pin]
        future: F,
        region: Region,
        location: &'static Location<'static>,
    }
}

impl<F: Future> Future for Shield<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.region.set(true);
        let polled = this.future.poll(cx);
        match polled.is_ready() {
            true => this.region.set(false),
            false => note(this.location),
        }
        polled
    }
}

/// A shielded region: entered or not, and left when dropped.
struct Region {
    task: TaskRef,
    entered: bool,
}

impl Region {
    /// Enters or leaves the region, for the task and for the tasks that it is part of, up to the spawned one.
    fn set(&mut self, enter: bool) {
        if std::mem::replace(&mut self.entered, enter) == enter {
            return;
        }
        let mut within = Some(self.task.clone());
        while let Some(task) = within {
            task.control.shield(enter);
            within = task.parent().filter(|_| task.control.state().has(IN_PLACE));
        }
        if !enter {
            // A request that has waited for the end of the region may be due.
            self.task.control.wake();
        }
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        self.set(false);
    }
}
