//! The capabilities of an orchestrator as a task: name, status, deadline, cancellation, priority, tracing and
//! metrics.

use std::error::Error;
use std::fmt::Display;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::OrchestratorError;
use crate::execution::cancel_request::CancelRequest;
use crate::execution::session_kind::SessionKind;
use crate::orchestrator::handle::Orchestrator;
use crate::registry::description::Registry;
use crate::registry::endings::{in_turn, usage_of};
use crate::status::ExecutionStats;
use sweet_async_core::cancel::CancelLevel;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::Limit;
use sweet_async_core::extend::TaskRef;
use sweet_async_core::extend::{children, disable, enable};
use sweet_async_core::limit::{RankableByPriority, TaskPriority};
use sweet_async_core::metrics::{CpuUsage, IoUsage, MemoryUsage, MetricsMode, PollUsage, TaskMetrics};
use sweet_async_core::runtime::RuntimeSource;
use sweet_async_core::task::{
    CancellableTask, Cancellation, ContextualizedTask, IntoCallback, MetricsEnabledTask, NamedTask,
    PrioritizedTask, Relationships, StatusEnabledTask, TaskContext, TaskStatus, TimedTask, TracingTask,
};

const CLOSED: AsyncTaskError = AsyncTaskError::InvalidState("the task has ended");
const NOT_STARTED: AsyncTaskError = AsyncTaskError::InvalidState("nothing of this orchestrator was started");

impl<S: RuntimeSource> Orchestrator<S> {
    /// The orchestration as a task: the running one, else the last that has run; `None` before the first
    /// start.
    pub fn context(&self) -> Option<TaskContext> {
        self.shared.registry().sessions.graph_task().map(TaskContext::new)
    }

    /// Calls `now` with the orchestration's task. Before the first start, calls `later` with the registry,
    /// which holds the settings of the first start.
    fn now_or_later<O>(
        &self,
        now: impl FnOnce(TaskContext) -> Result<O, AsyncTaskError>,
        later: impl FnOnce(&mut Registry<S::Runtime>) -> O,
    ) -> Result<O, AsyncTaskError> {
        let mut registry = self.shared.registry();
        match registry.sessions.graph_task() {
            Some(task) => {
                drop(registry);
                now(TaskContext::new(task))
            }
            None if registry.is_closed => Err(CLOSED),
            None => Ok(later(&mut registry)),
        }
    }

    /// The tasks of the sessions and the tasks below them, as far as they have not ended.
    fn live(&self) -> Vec<TaskRef> {
        let session_tasks = self.shared.registry().sessions.tasks();
        let mut all = Vec::new();
        for whole in session_tasks {
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

    /// The usage of the graph's tasks and of the ad-hoc tasks, those of sessions that have ended included.
    fn usage(&self) -> Option<TaskMetrics> {
        let registry = self.shared.registry();
        let kinds = [SessionKind::Graph, SessionKind::AdHoc].map(|kind| registry.sessions.measured(kind));
        drop(registry);
        let used = kinds.into_iter().filter_map(|(unended, ended)| {
            ended.into_iter().chain(unended.iter().filter_map(usage_of)).reduce(in_turn)
        });
        // Sessions of two kinds run beside each other.
        let (all, wall) = used.reduce(|(all, wall), (own, own_wall)| (all.plus(&own), wall.max(own_wall)))?;
        Some(all.to_metrics(Some(wall)))
    }

    fn started(&self) -> Result<TaskContext, AsyncTaskError> {
        self.context().ok_or(NOT_STARTED)
    }
}

/// Starts and awaits everything, as [`Orchestrator::run`].
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
            None => self.shared.registry().settings.name().cloned(),
        }
    }

    fn set_name(&self, name: &str) {
        self.shared.registry().settings.rename(name.into());
        if let Some(task) = self.context() {
            task.set_name(name);
        }
    }
}

impl<S: RuntimeSource> StatusEnabledTask for Orchestrator<S> {
    /// [`TaskStatus::Pending`] before the first start, and [`TaskStatus::Cancelled`] if it was closed before
    /// that. After the end of everything that was started, the final status of the last orchestration.
    fn status(&self) -> TaskStatus {
        match self.context() {
            Some(task) => task.status(),
            None if self.shared.registry().is_closed => TaskStatus::Cancelled,
            None => TaskStatus::Pending,
        }
    }

    fn set_status(&self, status: TaskStatus) -> Result<(), AsyncTaskError> {
        self.started()?.set_status(status)?;
        let mut registry = self.shared.registry();
        let unused = self.shared.close(&mut registry, None);
        drop(registry);
        // Dropped without the lock: destructors of work are the user's.
        drop(unused);
        self.shared.progress.tasks.notify();
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
        let registry = self.shared.registry();
        match (registry.sessions.graph_task(), registry.settings.limit()) {
            (Some(task), _) => {
                drop(registry);
                TimedTask::timeout(&TaskContext::new(task))
            }
            (None, Some(Limit::After(limit))) => Some(limit).filter(|limit| *limit != Duration::MAX),
            (None, _) => None,
        }
    }

    /// Before the first start, this is the limit of the first.
    fn set_timeout(&self, limit: Duration) -> Result<(), AsyncTaskError> {
        self.now_or_later(
            |task| task.set_timeout(limit),
            |registry| registry.settings.limit_is(Limit::After(limit)),
        )
    }

    fn deadline(&self) -> Option<Instant> {
        let registry = self.shared.registry();
        match (registry.sessions.graph_task(), registry.settings.limit()) {
            (Some(task), _) => {
                drop(registry);
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
            |registry| registry.settings.limit_is(Limit::At(deadline)),
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
    fn request_cancel(&self, level: CancelLevel, reason: Option<Arc<str>>) -> Cancellation {
        self.request(&CancelRequest::new(level, reason))
    }

    fn is_cancelled(&self) -> bool {
        self.shared.registry().is_closed || self.context().is_some_and(|task| task.is_cancelled())
    }

    /// As for all tasks; also [`AsyncTaskError::InvalidState`] before the first start.
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
            None => self.shared.registry().settings.priority().unwrap_or_default(),
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
        let registry = self.shared.registry();
        if let Some(task) = registry.sessions.graph_task() {
            drop(registry);
            TaskContext::new(task).add_trace_field(&key, value);
        } else if registry.settings.is_traced() {
            // Formatting the value runs foreign code, which must not run under the lock.
            drop(registry);
            let value: Arc<str> = value.to_string().into();
            let mut registry = self.shared.registry();
            registry.trace_fields.retain(|(own, _)| *own != key);
            registry.trace_fields.push((key, value));
        }
    }

    fn trace_fields(&self) -> Vec<(Arc<str>, Arc<str>)> {
        match self.context() {
            Some(task) => task.trace_fields(),
            None => self.shared.registry().trace_fields.clone(),
        }
    }

    fn is_tracing_enabled(&self) -> bool {
        match self.context() {
            Some(task) => task.is_tracing_enabled(),
            None => self.shared.registry().settings.is_traced(),
        }
    }
}

/// The metrics of all its tasks, from the first start on; the number of polls is that of the running
/// orchestration, else of the last. Tasks that are started while metrics are on are measured, too: by samples,
/// if metrics were switched off and on again.
impl<S: RuntimeSource> MetricsEnabledTask for Orchestrator<S> {
    fn enable_metrics(&self) {
        self.shared.registry().settings.measure(MetricsMode::Sampled);
        self.live().iter().for_each(|task| enable(task, false, MetricsMode::Sampled));
    }

    fn disable_metrics(&self) {
        self.shared.registry().settings.measure_nothing();
        self.live().iter().for_each(disable);
    }

    fn is_metrics_enabled(&self) -> bool {
        match self.context() {
            Some(task) => task.is_metrics_enabled(),
            None => self.shared.registry().settings.metrics().is_on(),
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
        let session = self.shared.registry().sessions.graph.clone();
        session.map(|session| session.state.runtime.clone()).or_else(|| self.source.resolve().ok())
    }
}
