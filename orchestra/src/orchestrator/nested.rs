//! An orchestrator as a task of another orchestrator.

use std::sync::Arc;

use crate::OrchestratorError;
use crate::orchestrator::handle::Orchestrator;
use crate::registry::node::Node;
use crate::status::ExecutionStats;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::runtime::RuntimeSource;
use sweet_async_core::task::{TaskBuilder, TaskContext};

impl<S: RuntimeSource> Orchestrator<S> {
    /// Registers another orchestrator as a task of this one. When the task begins, everything in the other is
    /// started. The output is the statistics of the other. The other is stopped with this one, and the
    /// dependents of the task wait until nothing of the other is left.
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
                // The cancellation of this task was passed on to the other, so this task has ended as was
                // requested.
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
