//! The entry point that means smol, whatever else is compiled in.

use sweet_async_core::pipeline::PipelineBuilder;
use sweet_async_core::{AsyncTaskError, OrchestratorBuilder, RuntimeSource, TaskBuilder};

use crate::SmolRuntime;

/// Tasks and pipelines on smol.
#[derive(Clone, Copy, Debug)]
pub struct AsyncTask;

impl AsyncTask {
    /// One value from one piece of work.
    pub fn to<T>() -> TaskBuilder<T, CurrentSmol> {
        TaskBuilder::new(CurrentSmol)
    }

    /// A pipeline of events that carry a `T`.
    pub fn emits<T: Send + 'static>() -> PipelineBuilder<T, CurrentSmol> {
        PipelineBuilder::new(CurrentSmol)
    }

    /// Tasks that depend on each other.
    pub fn orchestrator() -> OrchestratorBuilder<CurrentSmol> {
        OrchestratorBuilder::new(CurrentSmol)
    }
}

/// Finds the smol runtime of the task that we are inside, else the entered one, else smol's global executor.
#[derive(Clone, Copy, Debug)]
pub struct CurrentSmol;

impl RuntimeSource for CurrentSmol {
    type Runtime = SmolRuntime;

    fn resolve(&self) -> Result<SmolRuntime, AsyncTaskError> {
        Ok(SmolRuntime::current())
    }
}
