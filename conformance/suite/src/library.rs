//! The library's names, as the facade has them, on the crates below the facade. The facade's features choose backends, so
//! cases on the facade would be compiled again for each choice.

pub(crate) use futures_lite::future::yield_now;
pub(crate) use sweet_async_core::*;
pub(crate) use sweet_async_orchestra as orchestra;
pub(crate) use sweet_async_orchestra::OrchestratorBuilder;
pub(crate) use sweet_async_pipeline as pipeline;
pub(crate) use sweet_async_pipeline::await_final_event;

/// The entry point, on the current runtime unless another is named.
pub(crate) struct AsyncTask;

impl AsyncTask {
    pub(crate) fn to<T>() -> TaskBuilder<T, Current> {
        TaskBuilder::new(Current)
    }

    pub(crate) fn emits<T: Send + 'static>() -> pipeline::PipelineBuilder<T, Current> {
        pipeline::PipelineBuilder::new(Current)
    }

    pub(crate) fn orchestrator() -> OrchestratorBuilder<Current> {
        OrchestratorBuilder::new(Current)
    }
}

/// A spawned task; on a boxed runtime unless another is named.
pub(crate) type Task<T, R = DynRuntime> = sweet_async_core::Task<T, R>;

/// The runtime of the task around, or else the entered one. The facade's rule has further steps.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Current;

impl RuntimeSource for Current {
    type Runtime = DynRuntime;

    fn resolve(&self) -> Result<DynRuntime, AsyncTaskError> {
        let current = CurrentRuntime::of_task().or_else(CurrentRuntime::entered);
        current.map(CurrentRuntime::into_dyn).ok_or(AsyncTaskError::NoRuntime)
    }
}
