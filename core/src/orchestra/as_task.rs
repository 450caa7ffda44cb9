//! An orchestrator is a task: it has a status, a name, a deadline, and can be asked to stop, traced, and be a task of another.

use std::error::Error;
use std::fmt::Display;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::OrchestratorError;
use super::node::Node;
use super::orchestrator::Orchestrator;
use super::status::ExecutionStats;
use crate::cancel::CancelLevel;
use crate::error::AsyncTaskError;
use crate::limit::{RankableByPriority, TaskPriority};
use crate::runtime::RuntimeSource;
use crate::task::{
    CancellableTask, Cancellation, ContextualizedTask, IntoCallback, NamedTask, PrioritizedTask,
    Relationships, StatusEnabledTask, TaskBuilder, TaskContext, TaskStatus, TimedTask, TracingTask,
};

const NOT_STARTED: AsyncTaskError = AsyncTaskError::InvalidState("nothing of this orchestrator was started");

impl<S: RuntimeSource> Orchestrator<S> {
    /// The orchestration as a task: the one that runs, else the last that did; `None` before the first start.
    pub fn context(&self) -> Option<TaskContext> {
        let book = self.shared.book();
        let running = book.run.as_ref().and_then(|run| run.task());
        running.or(book.last.as_ref()).cloned().map(TaskContext::new)
    }

    fn started(&self) -> Result<TaskContext, AsyncTaskError> {
        self.context().ok_or(NOT_STARTED)
    }

    /// Registers another orchestrator as a task of this one: all of it is started when that begins, and it gives what the other
    /// tells of itself. It is stopped with this one, and the dependents of the task wait for all of it.
    ///
    /// # Errors
    ///
    /// As [`register_task`](Self::register_task). The task fails with the other's first failure.
    #[track_caller]
    pub fn register_orchestrator<Q: RuntimeSource + Sync>(
        &self,
        name: impl Into<Arc<str>>,
        other: &Orchestrator<Q>,
    ) -> Result<Node<ExecutionStats>, OrchestratorError> {
        let other = other.clone();
        let builder = TaskBuilder::<ExecutionStats, S>::new(self.source.clone());
        self.register_task(name, builder, || async move {
            match other.run().await {
                // It has heard what this task was asked, and so this task has ended as it was asked to.
                Err(OrchestratorError::Stopped(error)) if error.is_cancelled() => Err(stopped(error)),
                result => result.map_err(AsyncTaskError::from),
            }
        })
    }
}

fn stopped(error: Arc<AsyncTaskError>) -> AsyncTaskError {
    match TaskContext::current() {
        Some(cx) if cx.is_cancelled() => cx.task_ref().control.stop_as_asked(),
        _ => OrchestratorError::Stopped(error).into(),
    }
}

/// All is started, and awaited: [`Orchestrator::run`].
impl<S: RuntimeSource + Sync> IntoFuture for &Orchestrator<S> {
    type Output = Result<ExecutionStats, OrchestratorError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    #[track_caller]
    fn into_future(self) -> Self::IntoFuture {
        let own = self.clone();
        Box::pin(async move { own.run().await })
    }
}

impl<S: RuntimeSource> NamedTask for Orchestrator<S> {
    fn name(&self) -> Option<Arc<str>> {
        match self.context() {
            Some(task) => task.name(),
            None => self.shared.book().settings.name.clone(),
        }
    }

    fn set_name(&self, name: &str) {
        self.shared.book().settings.name = Some(name.into());
        if let Some(task) = self.context() {
            task.set_name(name);
        }
    }
}

impl<S: RuntimeSource> StatusEnabledTask for Orchestrator<S> {
    /// [`TaskStatus::Pending`] before the first start; after the end of all that was started, as the last of it has ended.
    fn status(&self) -> TaskStatus {
        match self.context() {
            Some(task) => task.status(),
            None if self.shared.book().is_closed => TaskStatus::Cancelled,
            None => TaskStatus::Pending,
        }
    }

    fn set_status(&self, status: TaskStatus) -> Result<(), AsyncTaskError> {
        self.started()?.set_status(status)?;
        let unused = self.shared.book().close();
        // Not in the lock: destructors of work are the user's.
        drop(unused);
        self.shared.tell();
        Ok(())
    }
}

impl<S: RuntimeSource> TimedTask for Orchestrator<S> {
    fn created_timestamp(&self) -> Option<Instant> {
        self.context()?.created_timestamp()
    }

    fn executed_timestamp(&self) -> Option<Instant> {
        self.context()?.executed_timestamp()
    }

    fn completed_timestamp(&self) -> Option<Instant> {
        self.context()?.completed_timestamp()
    }

    fn timeout(&self) -> Option<Duration> {
        TimedTask::timeout(&self.context()?)
    }

    fn set_timeout(&self, limit: Duration) -> Result<(), AsyncTaskError> {
        self.started()?.set_timeout(limit)
    }

    fn deadline(&self) -> Option<Instant> {
        self.context()?.deadline()
    }

    fn set_deadline(&self, deadline: Instant) -> Result<(), AsyncTaskError> {
        self.started()?.set_deadline(deadline)
    }

    fn elapsed(&self) -> Option<Duration> {
        self.context()?.elapsed()
    }

    fn remaining(&self) -> Option<Duration> {
        self.context()?.remaining()
    }

    fn is_expired(&self) -> bool {
        self.context().is_some_and(|task| task.is_expired())
    }
}

impl<S: RuntimeSource> CancellableTask for Orchestrator<S> {
    fn cancel(&self, level: CancelLevel) -> Cancellation {
        Orchestrator::cancel(self, level)
    }

    fn is_cancelled(&self) -> bool {
        self.shared.book().is_closed || self.context().is_some_and(|task| task.is_cancelled())
    }

    /// As for all tasks; [`AsyncTaskError::InvalidState`] before the first start, too.
    fn on_cancel<M>(&self, callback: impl IntoCallback<M>) -> Result<(), AsyncTaskError> {
        self.started()?.on_cancel(callback)
    }
}

impl<S: RuntimeSource> RankableByPriority for Orchestrator<S> {
    fn rank(&self) -> TaskPriority {
        self.context().map_or_else(|| self.priority(), |task| task.rank())
    }
}

impl<S: RuntimeSource> PrioritizedTask for Orchestrator<S> {
    fn priority(&self) -> TaskPriority {
        match self.context() {
            Some(task) => task.priority(),
            None => self.shared.book().settings.priority().unwrap_or_default(),
        }
    }

    fn set_priority(&self, priority: TaskPriority) {
        self.set_default_priority(priority);
    }
}

impl<S: RuntimeSource> TracingTask for Orchestrator<S> {
    fn trace_start(&self) {
        self.context().iter().for_each(TracingTask::trace_start);
    }

    fn trace_completion(&self) {
        self.context().iter().for_each(TracingTask::trace_completion);
    }

    fn trace_error(&self, error: &dyn Error) {
        self.context().iter().for_each(|task| task.trace_error(error));
    }

    fn trace_event(&self, message: &str) {
        self.context().iter().for_each(|task| task.trace_event(message));
    }

    fn add_trace_field(&self, key: &str, value: &dyn Display) {
        self.context().iter().for_each(|task| task.add_trace_field(key, value));
    }

    fn trace_fields(&self) -> Vec<(Arc<str>, Arc<str>)> {
        self.context().map(|task| task.trace_fields()).unwrap_or_default()
    }

    fn is_tracing_enabled(&self) -> bool {
        self.context().is_some_and(|task| task.is_tracing_enabled())
    }
}

impl<S: RuntimeSource> ContextualizedTask for Orchestrator<S> {
    type Runtime = S::Runtime;

    fn relationships(&self) -> Relationships {
        Relationships::new(self.context().map(|task| task.task_ref().clone()))
    }

    fn runtime(&self) -> Option<S::Runtime> {
        let run = self.shared.book().run.clone();
        run.map(|run| run.runtime.clone()).or_else(|| self.source.resolve().ok())
    }
}
