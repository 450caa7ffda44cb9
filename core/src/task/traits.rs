//! What every kind of task can do, one small trait for each capability, so that generic code can ask for just one.

use std::error::Error;
use std::fmt::Display;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::callbacks::{Callback, IntoCallback, Kind};
use super::cancellation::{Cancellation, Canceller};
use super::control::{TaskRef, cancel};
use super::in_place::caught;
use super::relations::Relationships;
use super::{Task, TaskContext, TaskStatus};
use crate::cancel::{CancelCause, CancelLevel, CancelOutcome};
use crate::error::AsyncTaskError;
use crate::runtime::{DynRuntime, Runtime};

/// A task as this module sees it; `None` for one that could not be started.
pub trait Handle {
    /// The task; none for one that was refused.
    fn task_ref(&self) -> Option<TaskRef>;
}

/// A task that has a name.
pub trait NamedTask {
    /// Its name, if it has one.
    fn name(&self) -> Option<Arc<str>>;

    /// Gives it another name, also while it runs.
    fn set_name(&self, name: &str);
}

/// A task whose life can be looked at.
pub trait StatusEnabledTask {
    /// Where it is in its life. A terminal status means that nothing of it is left.
    fn status(&self) -> TaskStatus;

    /// Asks for what a caller may decide: [`TaskStatus::PendingCancellation`] asks the task to stop gracefully,
    /// [`TaskStatus::Cancelled`] kills it. All else comes about by itself.
    ///
    /// # Errors
    ///
    /// [`AsyncTaskError::InvalidState`] for any other status, and once the task has ended.
    fn set_status(&self, status: TaskStatus) -> Result<(), AsyncTaskError>;

    /// True once its status is terminal: nothing of it is left, and an await of its handle does not wait.
    fn is_finished(&self) -> bool {
        self.status().is_terminal()
    }
}

/// A task that knows the time, by the clock of its runtime.
pub trait TimedTask {
    /// When it was spawned; `None` unless the builder was told `.timestamps(true)`, as for the next two.
    fn created_timestamp(&self) -> Option<Instant>;

    /// When it was first polled; `None` until then.
    fn executed_timestamp(&self) -> Option<Instant>;

    /// When it ended; `None` until then.
    fn completed_timestamp(&self) -> Option<Instant>;

    /// The limit that it was given last; where that was a deadline, the time until then.
    fn timeout(&self) -> Option<Duration>;

    /// Gives it `limit` from now on, in place of the deadline that it has; [`Duration::MAX`] takes the deadline away. A
    /// deadline of a task above it stays in force.
    ///
    /// # Errors
    ///
    /// [`AsyncTaskError::InvalidState`] once it has ended.
    fn set_timeout(&self, limit: Duration) -> Result<(), AsyncTaskError>;

    /// The earliest deadline of this task and of those above it.
    fn deadline(&self) -> Option<Instant>;

    /// Moves its deadline, also while it runs: at the new one its work is dropped, and it fails with
    /// [`AsyncTaskError::Timeout`]. One that has passed ends it at its next poll, which is woken.
    ///
    /// # Errors
    ///
    /// [`AsyncTaskError::InvalidState`] once it has ended.
    fn set_deadline(&self, deadline: Instant) -> Result<(), AsyncTaskError>;

    /// How long it has run: from its first poll to its end, or to now. Needs timestamps.
    fn elapsed(&self) -> Option<Duration>;

    /// The time until its deadline; zero once that has passed.
    fn remaining(&self) -> Option<Duration>;

    /// True if its deadline has passed: it ended at it, or is about to. False where something else ended it, the limit of an
    /// attempt, or of other work, among them.
    fn is_expired(&self) -> bool;
}

/// A task that can be asked to stop.
pub trait CancellableTask {
    /// Asks it to stop, at once; await the returned future to know that it has, and what became of the work. Dropping that
    /// future takes nothing back.
    fn cancel(&self, level: CancelLevel) -> Cancellation;

    /// [`CancelLevel::Graceful`].
    fn cancel_gracefully(&self) -> Cancellation {
        self.cancel(CancelLevel::Graceful)
    }

    /// [`CancelLevel::Kill`].
    fn cancel_forcefully(&self) -> Cancellation {
        self.cancel(CancelLevel::Kill)
    }

    /// [`CancelLevel::KillHard`].
    fn cancel_immediately(&self) -> Cancellation {
        self.cancel(CancelLevel::KillHard)
    }

    /// True once it was asked to stop, whether it has or not.
    fn is_cancelled(&self) -> bool;

    /// Has `callback` run when the task is asked to stop gracefully: once, as part of the task, the last registered
    /// first, and each after the end of the one before. The task does not end before them, but for its grace period. A kill
    /// runs none. A callback that panics fails the task.
    ///
    /// Registered after the end, a synchronous callback runs at once, here.
    ///
    /// # Errors
    ///
    /// [`AsyncTaskError::InvalidState`] for an asynchronous callback after the end: nobody is left to run it.
    /// [`AsyncTaskError::Panic`] if one that ran here panicked.
    fn on_cancel<M>(&self, callback: impl IntoCallback<M>) -> Result<(), AsyncTaskError>
    where
        Self: Sized;
}

/// A task that can tell what it does through `tracing`. A task built with `.tracing(true)` has a span with its id, name,
/// parent and status, in which its work runs, and tells of its start and its end by itself; for others these do nothing.
pub trait TracingTask {
    /// Tells that something of the task begins.
    fn trace_start(&self);

    /// Tells that something of it is done.
    fn trace_completion(&self);

    /// Tells of an error that is not its end.
    fn trace_error(&self, error: &dyn Error);

    /// Tells `message`, with the fields.
    fn trace_event(&self, message: &str);

    /// Adds a field to its span and to what it tells from now on, or gives the field another value.
    fn add_trace_field(&self, key: &str, value: &dyn Display);

    /// The fields that were added, in the order of their adding.
    fn trace_fields(&self) -> Vec<(Arc<str>, Arc<str>)>;

    /// True if it was built with `.tracing(true)`.
    fn is_tracing_enabled(&self) -> bool;
}

/// A task that knows where it belongs.
pub trait ContextualizedTask {
    /// The runtime that it is on.
    type Runtime: Runtime;

    /// Who is above it and who below it, and channels to them.
    fn relationships(&self) -> Relationships;

    /// The runtime that it is on; `None` where none was found for it.
    fn runtime(&self) -> Option<Self::Runtime>;
}

fn ended() -> AsyncTaskError {
    AsyncTaskError::InvalidState("the task has ended")
}

fn live(task: Option<TaskRef>) -> Result<TaskRef, AsyncTaskError> {
    task.filter(|task| !task.control.status().is_terminal()).ok_or_else(ended)
}

impl<H: Handle> NamedTask for H {
    fn name(&self) -> Option<Arc<str>> {
        self.task_ref()?.control.name()
    }

    fn set_name(&self, name: &str) {
        if let Some(task) = self.task_ref() {
            task.control.set_name(name.into());
        }
    }
}

impl<H: Handle> StatusEnabledTask for H {
    fn status(&self) -> TaskStatus {
        self.task_ref().map_or(TaskStatus::Failed, |task| task.control.status())
    }

    fn set_status(&self, status: TaskStatus) -> Result<(), AsyncTaskError> {
        let level = match status {
            TaskStatus::PendingCancellation => CancelLevel::Graceful,
            TaskStatus::Cancelled => CancelLevel::Kill,
            _ => {
                return Err(AsyncTaskError::InvalidState(
                    "a caller decides on cancellation alone: set PendingCancellation or Cancelled",
                ));
            }
        };
        cancel(&live(self.task_ref())?, level, CancelCause::Requested);
        Ok(())
    }
}

impl<H: Handle> TimedTask for H {
    fn created_timestamp(&self) -> Option<Instant> {
        Some(self.task_ref()?.control.times()?.created)
    }

    fn executed_timestamp(&self) -> Option<Instant> {
        self.task_ref()?.control.times()?.executed.get().copied()
    }

    fn completed_timestamp(&self) -> Option<Instant> {
        self.task_ref()?.control.times()?.completed.get().copied()
    }

    fn timeout(&self) -> Option<Duration> {
        self.task_ref()?.control.limit()
    }

    fn set_timeout(&self, limit: Duration) -> Result<(), AsyncTaskError> {
        let task = live(self.task_ref())?;
        let now = task.runtime.clock();
        let deadline = if limit == Duration::MAX { None } else { now.checked_add(limit) };
        task.control.set_deadline(deadline, now);
        Ok(())
    }

    fn deadline(&self) -> Option<Instant> {
        self.task_ref()?.deadline()
    }

    fn set_deadline(&self, deadline: Instant) -> Result<(), AsyncTaskError> {
        let task = live(self.task_ref())?;
        task.control.set_deadline(Some(deadline), task.runtime.clock());
        Ok(())
    }

    fn elapsed(&self) -> Option<Duration> {
        let task = self.task_ref()?;
        let times = task.control.times()?;
        let end = times.completed.get().copied().unwrap_or_else(|| task.runtime.clock());
        Some(end.saturating_duration_since(*times.executed.get()?))
    }

    fn remaining(&self) -> Option<Duration> {
        let task = self.task_ref()?;
        Some(task.deadline()?.saturating_duration_since(task.runtime.clock()))
    }

    fn is_expired(&self) -> bool {
        let Some(task) = self.task_ref() else { return false };
        match task.control.outcome() {
            CancelOutcome::Running => {
                task.deadline().is_some_and(|deadline| task.runtime.clock() >= deadline)
            }
            outcome => outcome == CancelOutcome::Timeout && task.control.has_expired(),
        }
    }
}

/// See [`CancellableTask::on_cancel`].
pub(crate) fn on_cancel(task: &TaskRef, callback: Callback) -> Result<(), AsyncTaskError> {
    if task.control.status().is_terminal() {
        return run_late(callback);
    }
    let before = task.control.push_callback(callback);
    if before.is_terminal() {
        // It was there before the end had come, but the end did not see it: it falls here, as the others did there.
        task.control.drop_callbacks();
    } else if before.level() > 0 {
        // The task looks for callbacks when it is polled; one that is being stopped already may have looked before.
        task.control.wake();
    }
    Ok(())
}

fn run_late(callback: Callback) -> Result<(), AsyncTaskError> {
    match callback.0 {
        Kind::Now(callback) => caught(callback),
        Kind::Later(_) => {
            Err(AsyncTaskError::InvalidState("an asynchronous callback was registered after the task's end"))
        }
    }
}

impl<H: Handle> CancellableTask for H {
    fn cancel(&self, level: CancelLevel) -> Cancellation {
        Canceller::new(self.task_ref()).cancel(level)
    }

    fn is_cancelled(&self) -> bool {
        self.task_ref().is_some_and(|task| task.control.asked().is_some())
    }

    fn on_cancel<M>(&self, callback: impl IntoCallback<M>) -> Result<(), AsyncTaskError> {
        match self.task_ref() {
            Some(task) => on_cancel(&task, callback.into_callback()),
            None => run_late(callback.into_callback()),
        }
    }
}

/// Runs `f` on the trace of a task and its span, if it is traced.
fn traced<O>(
    handle: &impl Handle,
    f: impl FnOnce(&super::trace::Trace, Option<&tracing::Span>) -> O,
) -> Option<O> {
    let task = handle.task_ref()?;
    let trace = task.control.trace()?;
    Some(f(trace, task.control.span().as_deref()))
}

impl<H: Handle> TracingTask for H {
    fn trace_start(&self) {
        traced(self, |trace, span| trace.event(span, "start"));
    }

    fn trace_completion(&self) {
        traced(self, |trace, span| trace.event(span, "completion"));
    }

    fn trace_error(&self, error: &dyn Error) {
        traced(self, |trace, span| trace.error(span, error));
    }

    fn trace_event(&self, message: &str) {
        traced(self, |trace, span| trace.event(span, message));
    }

    fn add_trace_field(&self, key: &str, value: &dyn Display) {
        traced(self, |trace, span| trace.add(span, key, &value.to_string()));
    }

    fn trace_fields(&self) -> Vec<(Arc<str>, Arc<str>)> {
        traced(self, |trace, _| trace.fields()).unwrap_or_default()
    }

    fn is_tracing_enabled(&self) -> bool {
        traced(self, |_, _| ()).is_some()
    }
}

impl<T: Send + 'static, R: Runtime> Handle for Task<T, R> {
    fn task_ref(&self) -> Option<TaskRef> {
        self.task_ref()
    }
}

impl<T: Send + 'static, R: Runtime> ContextualizedTask for Task<T, R> {
    type Runtime = R;

    fn relationships(&self) -> Relationships {
        Relationships::new(self.task_ref())
    }

    fn runtime(&self) -> Option<R> {
        self.shared().map(|task| task.runtime.clone())
    }
}

impl Handle for TaskContext {
    fn task_ref(&self) -> Option<TaskRef> {
        Some(self.task_ref().clone())
    }
}

impl ContextualizedTask for TaskContext {
    type Runtime = DynRuntime;

    fn relationships(&self) -> Relationships {
        self.relationships()
    }

    fn runtime(&self) -> Option<DynRuntime> {
        Some(self.runtime())
    }
}

impl Handle for Canceller {
    fn task_ref(&self) -> Option<TaskRef> {
        self.task_ref()
    }
}
