//! What an orchestra refuses, and how it fails. Errors name tasks.

use std::sync::Arc;

use crate::Cause;
use sweet_async_core::error::AsyncTaskError;

/// Names, as a way from one to the next.
fn way(path: &[Arc<str>]) -> String {
    let names: Vec<String> = path.iter().map(|name| format!("`{name}`")).collect();
    names.join(" -> ")
}

fn more(others: usize) -> String {
    if others == 0 { String::new() } else { format!(" (and {others} more have failed)") }
}

/// What an [`Orchestrator`](crate::orchestrator::handle::Orchestrator) refuses, or how what it has run has failed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OrchestratorError {
    /// There is no task of this name: it was never registered, or has been cleared.
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
    /// The edge would have closed a circle, in which no task could ever start. Nothing was changed.
    #[error("this dependency would close a circle: {}", way(path))]
    Cycle {
        /// From the task that was to depend, over those that each depends on, back to it.
        path: Vec<Arc<str>>,
    },
    /// The task has been started, or has ended: what it depends on, and what it is given, is settled.
    #[error("the task `{task}` has been started, or has ended")]
    AlreadyStarted {
        /// The name.
        task: Arc<str>,
    },
    /// The node was given by another orchestrator.
    #[error("the node `{task}` is of another orchestrator")]
    Foreign {
        /// Its name there.
        task: Arc<str>,
    },
    /// The node's task was cleared. Another may have its name by now.
    #[error("the task of the node `{task}` was cleared")]
    Cleared {
        /// Its name then.
        task: Arc<str>,
    },
    /// The orchestrator was cancelled or shut down, and takes nothing more.
    #[error("the orchestrator was cancelled or shut down, and starts nothing more")]
    Closed,
    /// A task has failed: the first that did.
    #[error("the task `{task}` has failed{}", more(*others))]
    TaskFailed {
        /// The name.
        task: Arc<str>,
        /// Why.
        #[source]
        error: Arc<AsyncTaskError>,
        /// How many others have failed.
        others: usize,
    },
    /// The task did not run, since another has not succeeded.
    #[error("the task `{task}` was skipped: {cause}")]
    TaskSkipped {
        /// The name.
        task: Arc<str>,
        /// The one that has not succeeded.
        cause: Cause,
    },
    /// The task was cancelled.
    #[error("the task `{task}` was cancelled")]
    TaskCancelled {
        /// The name.
        task: Arc<str>,
    },
    /// The whole was stopped before its tasks had ended: cancelled, or its time was up.
    #[error("the orchestrator was stopped")]
    Stopped(#[source] Arc<AsyncTaskError>),
    /// It could not be started: no runtime was found, or a setting cannot work.
    #[error(transparent)]
    Task(Arc<AsyncTaskError>),
}

impl OrchestratorError {
    pub(super) fn config(reason: impl Into<Box<str>>) -> Self {
        Self::Task(Arc::new(AsyncTaskError::config(reason)))
    }
}

impl From<AsyncTaskError> for OrchestratorError {
    /// What a task of an orchestra has made of an error of this kind is taken as it was.
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
