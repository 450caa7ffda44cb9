//! The errors of an orchestrator. They name the tasks concerned.

use std::sync::Arc;

use crate::Cause;
#[cfg(feature = "durable")]
use crate::durable::error::DurableError;
use sweet_async_core::error::AsyncTaskError;

/// The names of `path`, joined by arrows.
fn joined(path: &[Arc<str>]) -> String {
    let names: Vec<String> = path.iter().map(|name| format!("`{name}`")).collect();
    names.join(" -> ")
}

/// The reason of a cancellation after a colon; empty without one.
fn because(reason: &Option<Arc<str>>) -> String {
    reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default()
}

fn more(others: usize) -> String {
    if others == 0 { String::new() } else { format!(" (and {others} more have failed)") }
}

/// A refusal by an [`Orchestrator`](crate::orchestrator::handle::Orchestrator), or the failure of its tasks.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OrchestratorError {
    /// There is no task of this name: none was registered, or it was cleared.
    #[error("there is no task `{task}`")]
    UnknownTask {
        /// The name.
        task: Arc<str>,
    },
    /// There is no group of this name.
    #[error("there is no group `{group}`: `create_group` makes one")]
    UnknownGroup {
        /// The name.
        group: Arc<str>,
    },
    /// There is no context of this name.
    #[error("there is no context `{context}`: `create_context` makes one")]
    UnknownContext {
        /// The name.
        context: Arc<str>,
    },
    /// The name is in use, by another of its kind.
    #[error("the name `{name}` is in use")]
    NameTaken {
        /// The name.
        name: Arc<str>,
    },
    /// The dependency would have closed a cycle, in which no task could ever begin. Nothing was changed.
    #[error("this dependency would close a circle: {}", joined(path))]
    Cycle {
        /// The path from the task that was to depend, along dependencies, back to it.
        path: Vec<Arc<str>>,
    },
    /// The task was started, or has ended. Its dependencies and its context are fixed by then.
    #[error("the task `{task}` has been started, or has ended")]
    AlreadyStarted {
        /// The name.
        task: Arc<str>,
    },
    /// The node belongs to another orchestrator.
    #[error("the node `{task}` is of another orchestrator")]
    Foreign {
        /// Its name there.
        task: Arc<str>,
    },
    /// The node's task was cleared. Another task may have its name by now.
    #[error("the task of the node `{task}` was cleared")]
    Cleared {
        /// The name that it had.
        task: Arc<str>,
    },
    /// The orchestrator was cancelled or shut down, and accepts nothing more.
    #[error("the orchestrator was cancelled or shut down, and starts nothing more")]
    Closed,
    /// A task has failed. It is the first that did.
    #[error("the task `{task}` has failed{}", more(*others))]
    TaskFailed {
        /// The name.
        task: Arc<str>,
        /// The error of the task.
        #[source]
        error: Arc<AsyncTaskError>,
        /// The number of other tasks that have failed.
        /// [`join_task`](crate::orchestrator::handle::Orchestrator::join_task) does not count them: 0.
        others: usize,
    },
    /// The task did not run: a dependency did not succeed.
    #[error("the task `{task}` was skipped: {cause}")]
    TaskSkipped {
        /// The name.
        task: Arc<str>,
        /// The task that did not succeed.
        cause: Cause,
    },
    /// The task was cancelled.
    #[error("the task `{task}` was cancelled{}", because(reason))]
    TaskCancelled {
        /// The name.
        task: Arc<str>,
        /// The reason of the cancellation, if one was given.
        reason: Option<Arc<str>>,
    },
    /// The orchestration was stopped before its tasks had ended: it was cancelled, or its time limit was
    /// reached.
    #[error("the orchestrator was stopped")]
    Stopped(#[source] Arc<AsyncTaskError>),
    /// Nothing could be started: no runtime was found, or a setting is not valid.
    #[error(transparent)]
    Task(Arc<AsyncTaskError>),
    /// The durable run was refused, or has ended before its tasks had.
    #[cfg(feature = "durable")]
    #[error(transparent)]
    Durable(#[from] DurableError),
}

impl From<AsyncTaskError> for OrchestratorError {
    /// Takes an `OrchestratorError` that is the failure of a task out again. Any other error becomes
    /// [`Task`](Self::Task).
    fn from(error: AsyncTaskError) -> Self {
        match error.downcast::<Self>() {
            Ok(own) => own,
            Err(error) => Self::Task(Arc::new(error)),
        }
    }
}

impl From<OrchestratorError> for AsyncTaskError {
    fn from(error: OrchestratorError) -> Self {
        Self::failure(error)
    }
}
