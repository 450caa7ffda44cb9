//! The current Tokio runtime, as a source of runtimes for builders.

use sweet_async_core::{AsyncTaskError, CurrentRuntime, RuntimeError, RuntimeSource};

use crate::TokioRuntime;

/// The rule that finds the Tokio runtime of the current task, else the entered one, else the one that this
/// thread is inside.
#[derive(Clone, Copy, Debug, Default)]
pub struct CurrentTokio;

impl RuntimeSource for CurrentTokio {
    type Runtime = TokioRuntime;

    fn resolve(&self) -> Result<TokioRuntime, AsyncTaskError> {
        let own = |current: Option<CurrentRuntime>| current.and_then(|current| current.downcast());
        if let Some(runtime) = own(CurrentRuntime::of_task()).or_else(|| own(CurrentRuntime::entered())) {
            return Ok(runtime);
        }
        TokioRuntime::current().map_err(|error| match error {
            RuntimeError::NotInContext { .. } => AsyncTaskError::NoRuntime,
            other => other.into(),
        })
    }
}
