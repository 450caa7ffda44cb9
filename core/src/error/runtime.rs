//! What a runtime can refuse.

use std::io;

use super::BoxError;

/// Why a runtime did not take a future or a blocking job. The work was dropped without running.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpawnError {
    /// The executor is gone or is shutting down.
    #[error("the runtime has shut down")]
    Shutdown,
    /// The executor cannot take the work, for instance because no thread could be started.
    #[error(transparent)]
    Refused(BoxError),
}

/// Why a runtime could not be taken or built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuntimeError {
    /// The calling thread is not inside a runtime.
    #[error("not inside a {runtime} runtime: call this from a task of one, or hand over a handle to it")]
    NotInContext {
        /// The backend that was looked for.
        runtime: &'static str,
    },
    /// The runtime was built without timers, so that no deadline could be kept.
    #[error("this {runtime} runtime has no timers: build it with its time driver enabled")]
    NoTimers {
        /// The backend that was looked at.
        runtime: &'static str,
    },
    /// The operating system refused a thread or a driver.
    #[error("could not build the {runtime} runtime: {source}")]
    Build {
        /// The backend that was to be built.
        runtime: &'static str,
        /// The operating system's answer.
        source: io::Error,
    },
    /// A default runtime was installed before.
    #[error("a default runtime is installed already; it can be installed once, by the application")]
    AlreadyInstalled,
}
