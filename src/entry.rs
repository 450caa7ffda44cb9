//! The entry points.

use std::fmt;
use std::marker::PhantomData;

use sweet_async_core::{RuntimeSource, TaskBuilder};
#[cfg(feature = "orchestra")]
use sweet_async_orchestra::OrchestratorBuilder;
#[cfg(feature = "pipeline")]
use sweet_async_pipeline::PipelineBuilder;

use crate::ambient::{Ambient, AmbientRuntime};

/// Where everything starts: `to` for one value, `emits` for many, `orchestrator` for tasks that depend on each other.
///
/// It is used by its aliases: [`AsyncTask`] is on the ambient runtime, `sweet_async::tokio::AsyncTask` and
/// `sweet_async::smol::AsyncTask` are on that of their backend.
pub struct Entry<S>(PhantomData<fn() -> S>);

impl<S: RuntimeSource + Default> Entry<S> {
    /// One value from one piece of work.
    pub fn to<T>() -> TaskBuilder<T, S> {
        TaskBuilder::new(S::default())
    }

    /// A pipeline of events that carry a `T`.
    #[cfg(feature = "pipeline")]
    pub fn emits<T: Send + 'static>() -> PipelineBuilder<T, S> {
        PipelineBuilder::new(S::default())
    }

    /// Tasks that depend on each other.
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

/// Where everything starts, on the ambient runtime.
///
/// That is found when the task starts: the one of the task that we are inside, else the one entered by `block_on` or an
/// [`EnterGuard`](crate::EnterGuard), else the Tokio runtime that we are inside, else the installed default, else smol's global
/// executor where smol is the only backend compiled in. `.on(&runtime)` names one.
pub type AsyncTask = Entry<Ambient>;

/// A spawned task; on the ambient runtime unless another is named.
pub type Task<T, R = AmbientRuntime> = sweet_async_core::Task<T, R>;

/// Tasks that depend on each other; on the ambient runtime unless another is named.
#[cfg(feature = "orchestra")]
pub type Orchestrator<S = Ambient> = sweet_async_orchestra::Orchestrator<S>;
