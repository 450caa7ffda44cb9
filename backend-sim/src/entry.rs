//! The current simulation, as a source of runtimes for builders.

use sweet_async_core::{AsyncTaskError, CurrentRuntime, RuntimeSource};

use crate::SimHandle;

/// The rule that finds the simulation of the current task, else the entered one. Outside of every simulation
/// it is [`AsyncTaskError::NoRuntime`].
#[derive(Clone, Copy, Debug, Default)]
pub struct CurrentSim;

impl RuntimeSource for CurrentSim {
    type Runtime = SimHandle;

    fn resolve(&self) -> Result<SimHandle, AsyncTaskError> {
        let own = |current: Option<CurrentRuntime>| current.and_then(|current| current.downcast());
        own(CurrentRuntime::of_task())
            .or_else(|| own(CurrentRuntime::entered()))
            .ok_or(AsyncTaskError::NoRuntime)
    }
}
