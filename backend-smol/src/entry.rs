//! The current smol runtime, as a source of runtimes for builders.

use sweet_async_core::{AsyncTaskError, RuntimeSource};

use crate::SmolRuntime;

/// Finds the smol runtime of the task that we are inside, else the entered one, else smol's global executor.
#[derive(Clone, Copy, Debug, Default)]
pub struct CurrentSmol;

impl RuntimeSource for CurrentSmol {
    type Runtime = SmolRuntime;

    fn resolve(&self) -> Result<SmolRuntime, AsyncTaskError> {
        Ok(SmolRuntime::current())
    }
}
