//! An orchestrator is a task: it has a status, a name, a deadline, and can be asked to stop, traced, and be a task of another.

use std::error::Error;
use std::fmt::Display;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::OrchestratorError;
use crate::orchestrator::handle::Orchestrator;
use crate::registry::description::Registry;
use crate::registry::node::Node;
use crate::status::ExecutionStats;
use sweet_async_core::cancel::CancelLevel;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::Limit;
use sweet_async_core::extend::Sums;
use sweet_async_core::extend::TaskRef;
use sweet_async_core::extend::{children, disable, enable, sums};
use sweet_async_core::limit::{RankableByPriority, TaskPriority};
use sweet_async_core::metrics::{CpuUsage, IoUsage, MemoryUsage, PollUsage, TaskMetrics};
use sweet_async_core::runtime::RuntimeSource;
use sweet_async_core::task::{
    CancellableTask, Cancellation, ContextualizedTask, IntoCallback, MetricsEnabledTask, NamedTask,
    PrioritizedTask, Relationships, StatusEnabledTask, TaskBuilder, TaskContext, TaskStatus, TimedTask,
    TracingTask,
};

const CLOSED: AsyncTaskError = AsyncTaskError::InvalidState("the task has ended");
const NOT_STARTED: AsyncTaskError = AsyncTaskError::InvalidState("nothing of this orchestrator was started");

impl<S: RuntimeSource> Orchestrator<S> {
    /// The orchestration as a task: the one that runs, else the last that did; `None` before the first start.
    pub fn context(&self) -> Option<TaskContext> {
        self.shared.book().whole().map(TaskContext::new)
    }

    /// Does `now` with the task, or else, before the first start, `later` with what the first will be started with.
    fn now_or_later<O>(
        &self,
        now: impl FnOnce(TaskContext) -> Result<O, AsyncTaskError>,
        later: impl FnOnce(&mut Registry<S::Runtime>) -> O,
    ) -> Result<O, AsyncTaskError> {
        let mut book = self.shared.book();
        match book.whole() {
            Some(task) => {
                drop(book);
                now(TaskContext::new(task))
            }
            None if book.is_closed => Err(CLOSED),
            None => Ok(later(&mut book)),
        }
    }

    /// The members of the whole that have not ended, and the whole.
    fn live(&self) -> Vec<TaskRef> {
        let wholes = self.shared.book().tasks();
        let mut all = Vec::new();
        for whole in wholes {
            for member in children(&whole) {
                if member.control.is_in_place() {
                    all.extend(children(&member));
                }
                all.push(member);
            }
            all.push(whole);
        }
        all.retain(|task| !task.control.status().is_terminal());
        all
    }

    /// What the graph's tasks and the ad-hoc ones have used.
    fn usage(&self) -> Option<TaskMetrics> {
        let book = self.shared.book();
        let wholes = [book.whole(), book.all_guests()];
        drop(book);
        let mut used: Option<(Sums, Duration)> = None;
        for task in wholes.iter().flatten() {
            let (Some(own), Some(metered)) = (sums(task), task.control.metered()) else { continue };
            let wall = metered.wall();
            used = Some(match used {
                Some((all, longest)) => (all.plus(&own), longest.max(wall)),
                None => (own, wall),
            });
        }
        used.map(|(all, wall)| all.told(Some(wall)))
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
            None => self.shared.book().settings.name().cloned(),
        }
    }

    fn set_name(&self, name: &str) {
        self.shared.book().settings.rename(name.into());
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
        let mut book = self.shared.book();
        let unused = self.shared.close(&mut book);
        drop(book);
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
        let book = self.shared.book();
        match (book.whole(), book.settings.limit()) {
            (Some(task), _) => {
                drop(book);
                TimedTask::timeout(&TaskContext::new(task))
            }
            (None, Some(Limit::After(limit))) => Some(limit).filter(|limit| *limit != Duration::MAX),
            (None, _) => None,
        }
    }

    /// Before the first start, the limit is that of the first.
    fn set_timeout(&self, limit: Duration) -> Result<(), AsyncTaskError> {
        self.now_or_later(|task| task.set_timeout(limit), |book| book.settings.limit_is(Limit::After(limit)))
    }

    fn deadline(&self) -> Option<Instant> {
        let book = self.shared.book();
        match (book.whole(), book.settings.limit()) {
            (Some(task), _) => {
                drop(book);
                TimedTask::deadline(&TaskContext::new(task))
            }
            (None, Some(Limit::At(deadline))) => Some(deadline),
            (None, _) => None,
        }
    }

    /// Before the first start, as [`set_timeout`](Self::set_timeout).
    fn set_deadline(&self, deadline: Instant) -> Result<(), AsyncTaskError> {
        self.now_or_later(
            |task| task.set_deadline(deadline),
            |book| book.settings.limit_is(Limit::At(deadline)),
        )
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
        let key: Arc<str> = key.into();
        let book = self.shared.book();
        if let Some(task) = book.whole() {
            drop(book);
            TaskContext::new(task).add_trace_field(&key, value);
        } else if book.settings.is_traced() {
            // How the value shows is foreign code, and not for the lock.
            drop(book);
            let value: Arc<str> = value.to_string().into();
            let mut book = self.shared.book();
            book.trace_fields.retain(|(own, _)| *own != key);
            book.trace_fields.push((key, value));
        }
    }

    fn trace_fields(&self) -> Vec<(Arc<str>, Arc<str>)> {
        match self.context() {
            Some(task) => task.trace_fields(),
            None => self.shared.book().trace_fields.clone(),
        }
    }

    fn is_tracing_enabled(&self) -> bool {
        match self.context() {
            Some(task) => task.is_tracing_enabled(),
            None => self.shared.book().settings.is_traced(),
        }
    }
}

/// Of all its tasks: those that are started while metrics are on are measured, too.
impl<S: RuntimeSource> MetricsEnabledTask for Orchestrator<S> {
    fn enable_metrics(&self) {
        self.shared.book().settings.metrics_are(true);
        self.live().iter().for_each(|task| enable(task, false));
    }

    fn disable_metrics(&self) {
        self.shared.book().settings.metrics_are(false);
        self.live().iter().for_each(disable);
    }

    fn is_metrics_enabled(&self) -> bool {
        match self.context() {
            Some(task) => task.is_metrics_enabled(),
            None => self.shared.book().settings.is_metered(),
        }
    }

    fn cpu_usage(&self) -> Option<CpuUsage> {
        self.usage()?.cpu
    }

    fn memory_usage(&self) -> Option<MemoryUsage> {
        self.usage()?.memory
    }

    fn io_usage(&self) -> Option<IoUsage> {
        self.usage()?.io
    }

    fn poll_usage(&self) -> Option<PollUsage> {
        self.context()?.poll_usage()
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
