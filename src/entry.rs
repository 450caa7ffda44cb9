//! The entry points on the ambient runtime.

use sweet_async_core::pipeline::PipelineBuilder;
use sweet_async_core::{OrchestratorBuilder, TaskBuilder};

use crate::ambient::{Ambient, AmbientRuntime};

/// Where everything starts: [`to`](Self::to) for one value, [`emits`](Self::emits) for many,
/// [`orchestrator`](Self::orchestrator) for tasks that depend on each other.
///
/// The runtime is found when the task starts: the one of the task that we are inside, else the one entered by
/// `block_on` or an [`EnterGuard`](crate::EnterGuard), else the Tokio runtime that we are inside, else the installed
/// default, else smol's global executor where smol is the only backend compiled in. `.on(&runtime)` names one.
#[derive(Clone, Copy, Debug)]
pub struct AsyncTask;

impl AsyncTask {
    /// One value from one piece of work.
    pub fn to<T>() -> TaskBuilder<T, Ambient> {
        TaskBuilder::new(Ambient)
    }

    /// A pipeline of events that carry a `T`.
    pub fn emits<T: Send + 'static>() -> PipelineBuilder<T, Ambient> {
        PipelineBuilder::new(Ambient)
    }

    /// Tasks that depend on each other.
    pub fn orchestrator() -> OrchestratorBuilder<Ambient> {
        OrchestratorBuilder::new(Ambient)
    }
}

/// A spawned task; on the ambient runtime unless another is named.
pub type Task<T, R = AmbientRuntime> = sweet_async_core::Task<T, R>;

/// Tasks that depend on each other; on the ambient runtime unless another is named.
pub type Orchestrator<S = Ambient> = sweet_async_core::Orchestrator<S>;
