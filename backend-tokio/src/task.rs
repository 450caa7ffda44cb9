//! The entry point that means Tokio, whatever else is compiled in.

use sweet_async_core::pipeline::PipelineBuilder;
use sweet_async_core::{
    AsyncTaskError, CurrentRuntime, OrchestratorBuilder, RuntimeError, RuntimeSource, TaskBuilder,
};

use crate::TokioRuntime;

/// Tasks and pipelines on the current Tokio runtime.
#[derive(Clone, Copy, Debug)]
pub struct AsyncTask;

impl AsyncTask {
    /// One value from one piece of work.
    pub fn to<T>() -> TaskBuilder<T, CurrentTokio> {
        TaskBuilder::new(CurrentTokio)
    }

    /// A pipeline of events that carry a `T`.
    pub fn emits<T: Send + 'static>() -> PipelineBuilder<T, CurrentTokio> {
        PipelineBuilder::new(CurrentTokio)
    }

    /// Tasks that depend on each other.
    pub fn orchestrator() -> OrchestratorBuilder<CurrentTokio> {
        OrchestratorBuilder::new(CurrentTokio)
    }
}

/// Finds the Tokio runtime of the task that we are inside, else the entered one, else the one that this thread is
/// inside.
#[derive(Clone, Copy, Debug)]
pub struct CurrentTokio;

impl RuntimeSource for CurrentTokio {
    type Runtime = TokioRuntime;

    fn resolve(&self) -> Result<TokioRuntime, AsyncTaskError> {
        let ours = |current: Option<CurrentRuntime>| current.and_then(|current| current.downcast());
        if let Some(runtime) = ours(CurrentRuntime::of_task()).or_else(|| ours(CurrentRuntime::entered())) {
            return Ok(runtime);
        }
        TokioRuntime::current().map_err(|error| match error {
            RuntimeError::NotInContext { .. } => AsyncTaskError::NoRuntime,
            other => other.into(),
        })
    }
}
