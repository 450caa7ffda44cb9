//! The current smol runtime, as a source of runtimes for builders.

use sweet_async_core::{AsyncTaskError, RuntimeSource};

use crate::SmolRuntime;

/// The rule that finds the smol runtime of the current task, else the entered one, else smol's global
/// executor.
#[derive(Clone, Copy, Debug, Default)]
pub struct CurrentSmol;

impl RuntimeSource for CurrentSmol {
    type Runtime = SmolRuntime;

    fn resolve(&self) -> Result<SmolRuntime, AsyncTaskError> {
        Ok(SmolRuntime::current())
    }
}
