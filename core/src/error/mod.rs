//! What can go wrong, and what to do about it.
//!
//! [`AsyncTaskError`] is the one error type of tasks and pipelines. It is `Send + Sync + 'static`, so `?` carries
//! it into `anyhow::Error` and `Box<dyn Error + Send + Sync>`, and an `AsyncTaskError` that comes back from work is
//! passed through, never nested.
//!
//! The text of an error says what became of the task, by its name where it has one. What caused that, the work's own error
//! first, is in the chain of [`source`](Error::source)s, and is not said twice: print the chain, as `anyhow` and other reporters
//! do, or the error with `{:#}`, which is all of it in one line.

mod failure;
mod panic;
mod retries;
mod runtime;
mod several;
mod timeout;

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

pub use crate::error::failure::FailureError;
pub use crate::error::panic::PanicError;
pub use crate::error::retries::RetriesError;
pub use crate::error::runtime::{RuntimeError, SpawnError};
pub use crate::error::several::SeveralErrors;
pub(crate) use crate::error::timeout::FailedAttempt;
pub use crate::error::timeout::{TimeoutError, TimeoutKind};

use crate::vocabulary::cancel::{CancelCause, CancelLevel};
use crate::vocabulary::position::Position;

/// Any error that can cross threads: what work may fail with, and what [`AsyncTaskError::Failure`] holds.
pub type BoxError = Box<dyn Error + Send + Sync + 'static>;

/// A name, as messages have it after what it is the name of.
fn quoted(name: &Option<Arc<str>>) -> String {
    name.as_ref().map(|name| format!(" `{name}`")).unwrap_or_default()
}

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
    /// The work returned an error of its own, or the runtime did not take it. An error type that implements `Error` can be
    /// downcast again.
    #[error(transparent)]
    Failure(FailureError),
    /// Several things that belong together failed: the first is the main one. The predicates speak of that.
    #[error(transparent)]
    Several(SeveralErrors),
    /// The work failed each time that it was tried.
    #[error(transparent)]
    RetriesExhausted(RetriesError),
    /// A circuit breaker is open: what it protects has failed too often, and is left alone for a while.
    #[error("circuit breaker{} is open: tried again in {retry_after:?}", quoted(breaker))]
    CircuitOpen {
        /// The breaker's name.
        breaker: Option<Arc<str>>,
        /// When it lets the next call through; zero where that waits for the calls that it has let through.
        retry_after: Duration,
    },
    /// A limiter takes no more: as many wait as may wait. The work was not begun.
    #[error("limiter{} is full: {waiting} wait already", quoted(limiter))]
    Rejected {
        /// The limiter's name.
        limiter: Option<Arc<str>>,
        /// How many waited.
        waiting: usize,
    },
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
            Ok(own) => own.passed_on(),
            Err(other) => Self::Failure(FailureError::new(other)),
        }
    }

    /// The error of a runtime that could not be found or used, so that the work of `task` was not started.
    pub(crate) fn not_started(mut self, task: Option<&Arc<str>>) -> Self {
        if let Self::Failure(failure) = &mut self {
            failure.set_refused();
        }
        if let Some(task) = task {
            self.name(task);
        }
        self
    }

    /// The error of other work, which the work that gives it now has only passed on: a time limit in it is not its own.
    #[must_use]
    #[doc(hidden)]
    pub fn passed_on(mut self) -> Self {
        self.disown();
        self
    }

    /// Names the task that has failed, unless a task below it was named before.
    pub(crate) fn name(&mut self, task: &Arc<str>) {
        match self {
            Self::Failure(failure) => failure.name(task),
            Self::Panic(panic) => panic.name(task),
            Self::RetriesExhausted(retries) => retries.name(task),
            _ => {}
        }
    }

    fn disown(&mut self) {
        match self {
            Self::Timeout(timeout) => timeout.disown(),
            Self::Failure(failure) => failure.disown(),
            Self::RetriesExhausted(retries) => retries.last_mut().disown(),
            // Of these the first alone is looked at.
            Self::Several(several) => several.first_mut().disown(),
            _ => {}
        }
    }

    /// An invalid setting: `reason` names the value and the range.
    #[doc(hidden)]
    pub fn config(reason: impl Into<Box<str>>) -> Self {
        Self::InvalidConfig(reason.into())
    }

    /// The errors as one: the first alone, or the first with the others attached.
    pub(crate) fn several(errors: Vec<Self>) -> Self {
        // One level is enough: what is several itself is counted out.
        let mut flat = Vec::with_capacity(errors.len());
        for error in errors {
            match error {
                Self::Several(several) => flat.extend(several.into_all()),
                single => flat.push(single),
            }
        }
        let mut errors = flat.into_iter();
        let Some(first) = errors.next() else {
            return Self::InvalidState("something failed without an error");
        };
        match errors.len() {
            0 => first,
            _ => Self::Several(SeveralErrors::new(first, errors.collect())),
        }
    }

    /// What has gone wrong, for reports that have named the task already.
    pub fn reason(&self) -> String {
        match self {
            Self::Failure(failure) => failure.error().to_string(),
            other => format!("{other:#}"),
        }
    }

    /// The main error, where there are several.
    pub fn first(&self) -> &Self {
        match self {
            Self::Several(several) => several.first(),
            single => single,
        }
    }

    /// True for what a member of a scope hears of another's failure.
    pub(crate) fn is_siblings(&self) -> bool {
        matches!(self, Self::Cancelled { cause: CancelCause::SiblingFailed, .. })
    }

    /// True if a time limit ended the work.
    pub fn is_timeout(&self) -> bool {
        matches!(self.first(), Self::Timeout(_))
    }

    /// True if it says nothing about what the work has called: somebody meant it to stop, or it was never begun.
    pub(crate) fn is_of_caller(&self) -> bool {
        matches!(
            self.first(),
            Self::Cancelled { .. }
                | Self::Shutdown
                | Self::CircuitOpen { .. }
                | Self::Rejected { .. }
                | Self::InvalidConfig(_)
                | Self::InvalidState(_)
                | Self::NoRuntime
                | Self::AmbiguousRuntime
        )
    }

    /// True if the limit of one attempt ended the work, or the last attempt at it.
    pub(crate) fn is_of_attempt(&self) -> bool {
        match self {
            Self::Timeout(timeout) => timeout.is_own_attempt(),
            Self::RetriesExhausted(error) => error.last().is_of_attempt(),
            _ => false,
        }
    }

    /// True if the work was cancelled.
    pub fn is_cancelled(&self) -> bool {
        matches!(self.first(), Self::Cancelled { .. })
    }

    /// True if the work panicked.
    pub fn is_panic(&self) -> bool {
        matches!(self.first(), Self::Panic(_))
    }

    /// True if the work returned an error of its own.
    pub fn is_failure(&self) -> bool {
        matches!(self.first(), Self::Failure(_))
    }

    /// True if the work failed each time that it was tried.
    pub fn is_retries_exhausted(&self) -> bool {
        matches!(self.first(), Self::RetriesExhausted(_))
    }

    /// True if a circuit breaker was open.
    pub fn is_circuit_open(&self) -> bool {
        matches!(self.first(), Self::CircuitOpen { .. })
    }

    /// True if a limiter was full.
    pub fn is_rejected(&self) -> bool {
        matches!(self.first(), Self::Rejected { .. })
    }

    /// True if the runtime was gone.
    pub fn is_shutdown(&self) -> bool {
        matches!(self.first(), Self::Shutdown)
    }

    /// The work's own error, if it is an `E`.
    pub fn downcast_ref<E: Error + 'static>(&self) -> Option<&E> {
        match self.first() {
            Self::RetriesExhausted(error) => error.last().downcast_ref(),
            Self::Failure(failure) => failure.error().downcast_ref(),
            _ => None,
        }
    }

    /// The work's own error as an `E`, or `self` back.
    pub fn downcast<E: Error + 'static>(self) -> Result<E, Self> {
        match self {
            Self::RetriesExhausted(error) => match error.last().downcast_ref::<E>().is_some() {
                true => error.into_last().downcast(),
                false => Err(Self::RetriesExhausted(error)),
            },
            Self::Several(several) if several.first().downcast_ref::<E>().is_some() => {
                several.into_first().downcast()
            }
            Self::Failure(failure) => failure.downcast().map_err(Self::Failure),
            other => Err(other),
        }
    }
}

impl From<SpawnError> for AsyncTaskError {
    fn from(error: SpawnError) -> Self {
        match error {
            SpawnError::Shutdown => Self::Shutdown,
            SpawnError::Refused(source) => Self::Failure(FailureError::refused(source)),
        }
    }
}

impl From<RuntimeError> for AsyncTaskError {
    fn from(error: RuntimeError) -> Self {
        Self::failure(error)
    }
}
