//! What can go wrong, and what to do about it.
//!
//! [`AsyncTaskError`] is the one error type of tasks and pipelines. It is `Send + Sync + 'static`, so `?` carries
//! it into `anyhow::Error` and `Box<dyn Error + Send + Sync>`, and an `AsyncTaskError` that comes back from work is
//! passed through, never nested.

mod panic;
mod runtime;
mod timeout;

use std::error::Error;
use std::io;
use std::sync::Arc;

pub use panic::PanicError;
pub use runtime::{RuntimeError, SpawnError};
pub use timeout::{TimeoutError, TimeoutKind};

use crate::cancel::{CancelCause, CancelLevel};
use crate::pipeline::Position;

/// Any error that can cross threads: what work may fail with, and what [`AsyncTaskError::Failure`] holds.
pub type BoxError = Box<dyn Error + Send + Sync + 'static>;

/// Why a task or a pipeline did not give its value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AsyncTaskError {
    /// The time limit passed first. Not a cancellation: nobody asked for the work to stop.
    #[error(transparent)]
    Timeout(TimeoutError),
    /// The work was asked to stop and did.
    #[error("cancelled ({level}, {cause})")]
    Cancelled {
        /// How firmly.
        level: CancelLevel,
        /// Who asked: the first recorded cause.
        cause: CancelCause,
    },
    /// The work panicked; the panic was caught and no worker thread died.
    #[error(transparent)]
    Panic(PanicError),
    /// The work returned an error of its own. An error type that implements `Error` can be downcast again.
    #[error(transparent)]
    Failure(BoxError),
    /// The call makes no sense in the state that the thing is in.
    #[error("invalid state: {0}")]
    InvalidState(&'static str),
    /// A setting that cannot work; found when the task or pipeline starts.
    #[error("invalid configuration: {0}")]
    InvalidConfig(Box<str>),
    /// A row or a source that could not be read as what it should be.
    #[error("{origin}, {position}: {reason}")]
    Parse {
        /// The source's name: its path, or what it is.
        origin: Arc<str>,
        /// Line and byte offset of the row.
        position: Box<Position>,
        /// What is wrong with it, and what to do.
        reason: Box<str>,
    },
    /// Reading a source failed.
    // Not a `source`: the message says it already, and reporters that print the chain would say it twice.
    #[error("{context}: {error}")]
    Io {
        /// What was being done, with the path.
        context: Box<str>,
        /// The operating system's answer.
        error: io::Error,
    },
    /// No runtime could be found for the task.
    #[error(
        "no async runtime here: call this inside `sweet_async::block_on` or a Tokio runtime, install a default \
         with `install_default`, or name a runtime with `.on(&runtime)`"
    )]
    NoRuntime,
    /// Several backends are compiled in and nothing says which one to use.
    #[error(
        "several runtimes are compiled in and none is entered: call this inside `sweet_async::block_on`, install a \
         default with `install_default`, or name a runtime with `.on(&runtime)`"
    )]
    AmbiguousRuntime,
    /// The runtime has shut down, and the work with it.
    #[error("the runtime has shut down")]
    Shutdown,
}

impl AsyncTaskError {
    /// Wraps an error of the work's own. An `AsyncTaskError` is taken as it is.
    pub fn failure(error: impl Into<BoxError>) -> Self {
        match error.into().downcast::<Self>() {
            Ok(own) => *own,
            Err(other) => Self::Failure(other),
        }
    }

    pub(crate) fn config(reason: impl Into<Box<str>>) -> Self {
        Self::InvalidConfig(reason.into())
    }

    /// True if a time limit ended the work.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout(_))
    }

    /// True if the work was cancelled.
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Cancelled { .. })
    }

    /// True if the work panicked.
    pub fn is_panic(&self) -> bool {
        matches!(self, Self::Panic(_))
    }

    /// True if the work returned an error of its own.
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Failure(_))
    }

    /// True if the runtime was gone.
    pub fn is_shutdown(&self) -> bool {
        matches!(self, Self::Shutdown)
    }

    /// The work's own error, if it is an `E`.
    pub fn downcast_ref<E: Error + 'static>(&self) -> Option<&E> {
        match self {
            Self::Failure(source) => source.downcast_ref(),
            _ => None,
        }
    }

    /// The work's own error as an `E`, or `self` back.
    pub fn downcast<E: Error + 'static>(self) -> Result<E, Self> {
        match self {
            Self::Failure(source) => source.downcast().map(|e| *e).map_err(Self::Failure),
            other => Err(other),
        }
    }
}

impl From<SpawnError> for AsyncTaskError {
    fn from(error: SpawnError) -> Self {
        match error {
            SpawnError::Shutdown => Self::Shutdown,
            SpawnError::Refused(source) => Self::Failure(source),
        }
    }
}

impl From<RuntimeError> for AsyncTaskError {
    fn from(error: RuntimeError) -> Self {
        Self::failure(error)
    }
}
