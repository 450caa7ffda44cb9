//! The entry points of the library, and their aliases.

use std::fmt;
use std::marker::PhantomData;

use sweet_async_core::{RuntimeSource, TaskBuilder};
#[cfg(feature = "orchestra")]
use sweet_async_orchestra::OrchestratorBuilder;
#[cfg(feature = "pipeline")]
use sweet_async_pipeline::PipelineBuilder;

use crate::ambient::{Ambient, AmbientRuntime};

/// The entry point: `to` for one value, `emits` for many, `orchestrator` for tasks that depend on each other.
///
/// It is used through its aliases: [`AsyncTask`] is on the ambient runtime, `sweet_async::tokio::AsyncTask`,
/// `sweet_async::smol::AsyncTask` and `sweet_async::sim::AsyncTask` are on that of their backend.
pub struct Entry<S>(PhantomData<fn() -> S>);

impl<S: RuntimeSource + Default> Entry<S> {
    /// A builder of a task: one value from one piece of work.
    pub fn to<T>() -> TaskBuilder<T, S> {
        TaskBuilder::new(S::default())
    }

    /// A builder of a pipeline of events that carry a `T`.
    #[cfg(feature = "pipeline")]
    pub fn emits<T: Send + 'static>() -> PipelineBuilder<T, S> {
        PipelineBuilder::new(S::default())
    }

    /// A builder of an orchestrator: tasks that depend on each other.
    #[cfg(feature = "orchestra")]
    pub fn orchestrator() -> OrchestratorBuilder<S> {
        OrchestratorBuilder::new(S::default())
    }
}

impl<S> fmt::Debug for Entry<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AsyncTask")
    }
}

/// The entry point on the ambient runtime.
///
/// That runtime is found when the task starts: the one of the current task, else the one entered by
/// `block_on` or an [`EnterGuard`](crate::EnterGuard), else the Tokio runtime that this thread is inside,
/// else the installed default, else smol's global executor where smol is compiled in and Tokio is not.
/// `.on(&runtime)` names one.
pub type AsyncTask = Entry<Ambient>;

/// A spawned task; on the ambient runtime unless another is named.
pub type Task<T, R = AmbientRuntime> = sweet_async_core::Task<T, R>;

/// Tasks that depend on each other; on the ambient runtime unless another is named.
#[cfg(feature = "orchestra")]
pub type Orchestrator<S = Ambient> = sweet_async_orchestra::Orchestrator<S>;
