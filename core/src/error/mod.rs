//! The errors of tasks, pipelines and runtimes.
//!
//! [`AsyncTaskError`] is the one error type of tasks and pipelines. It is `Send + Sync + 'static`, so `?`
//! carries it into `anyhow::Error` and `Box<dyn Error + Send + Sync>`. An `AsyncTaskError` that comes back
//! from work is passed on, never nested.
//!
//! The text of an error says what happened to the task, by its name if it has one. The causes, with the
//! work's own error first, are in the chain of [`source`](Error::source)s, and the text does not repeat them.
//! Print the chain, as `anyhow` and other reporters do, or print the error with `{:#}`, which is all of it in
//! one line.

mod display;
mod failure;
mod panic;
mod retries;
mod runtime;
mod several;
mod timeout;

use std::error::Error;
use std::fmt::Display;
use std::io;
use std::sync::Arc;
use std::time::Duration;

pub use crate::error::failure::FailureError;
pub use crate::error::panic::PanicError;
pub use crate::error::retries::RetriesError;
pub use crate::error::runtime::{RuntimeError, SpawnError};
pub use crate::error::several::SeveralErrors;
pub(crate) use crate::error::timeout::KeptFailure;
pub use crate::error::timeout::{TimeoutError, TimeoutKind};

use crate::vocabulary::cancel::{CancelCause, CancelLevel};
use crate::vocabulary::position::Position;

/// Any error that can cross threads. Work may fail with it, and [`AsyncTaskError::Failure`] holds it.
pub type BoxError = Box<dyn Error + Send + Sync + 'static>;

/// The reason for which a task or a pipeline gave no value.
#[derive(Debug)]
#[non_exhaustive]
pub enum AsyncTaskError {
    /// A time limit passed first. This is not a cancellation: none was requested.
    Timeout(TimeoutError),
    /// The work was cancelled, and has stopped.
    Cancelled {
        /// The level of the cancellation.
        level: CancelLevel,
        /// The first recorded cause.
        cause: CancelCause,
        /// The name of the task that was cancelled, if it has one.
        task: Option<Arc<str>>,
        /// The reason that was given with the first request, or passed on with it from the task above.
        reason: Option<Arc<str>>,
    },
    /// The work panicked; the panic was caught and no worker thread died.
    Panic(PanicError),
    /// The work returned an error of its own, or the runtime did not take the work. An error type that
    /// implements `Error` can be downcast again.
    Failure(FailureError),
    /// Several members of a group failed. The first error is the main one, and the predicates are about it.
    Several(SeveralErrors),
    /// Every attempt at the work failed.
    RetriesExhausted(RetriesError),
    /// A circuit breaker is open: the dependency that it protects has failed too often, and is not called for
    /// a while; or the breaker was isolated.
    CircuitOpen {
        /// The name of the breaker.
        breaker: Option<Arc<str>>,
        /// The time until it admits the next call; zero where that depends on calls under way, and
        /// `Duration::MAX` where no time ends it: an isolated breaker, or one whose open timeout it is.
        retry_after: Duration,
    },
    /// The queue of a limiter is full. The work was not begun.
    Rejected {
        /// The name of the limiter.
        limiter: Option<Arc<str>>,
        /// The number of waiters.
        waiting: usize,
    },
    /// The call is not possible in the current state.
    InvalidState(&'static str),
    /// An invalid setting. It is reported by the `build` of a breaker or a limiter, else when the task or
    /// pipeline starts.
    InvalidConfig(Box<str>),
    /// A row or a source that could not be parsed.
    Parse {
        /// The name of the source: its path, or a description.
        origin: Arc<str>,
        /// Line and byte offset of the row.
        position: Box<Position>,
        /// A description of the fault, and of the remedy.
        reason: Box<str>,
    },
    /// Reading a source failed.
    Io {
        /// The operation that failed, with the path.
        context: Box<str>,
        /// The error of the operating system.
        error: io::Error,
    },
    /// No runtime could be found for the task.
    NoRuntime,
    /// Several backends are compiled in, and nothing selects one of them.
    AmbiguousRuntime,
    /// The runtime has shut down, and the work with it.
    Shutdown,
}

impl AsyncTaskError {
    /// Wraps an error of the work's own. An `AsyncTaskError` is passed on, and not wrapped.
    pub fn failure(error: impl Into<BoxError>) -> Self {
        match error.into().downcast::<Self>() {
            Ok(own) => own.passed_on(),
            Err(other) => Self::Failure(FailureError::new(other)),
        }
    }

    /// A cancellation as a task reports it that has no name, and was given no reason. It is for code that
    /// stands for a task, such as tests.
    pub const fn cancelled(level: CancelLevel, cause: CancelCause) -> Self {
        Self::Cancelled { level, cause, task: None, reason: None }
    }

    /// Notes that the runtime could not be found or used, so that the work of `task` was not started.
    pub(crate) fn not_started(mut self, task: Option<&Arc<str>>) -> Self {
        if let Self::Failure(failure) = &mut self {
            failure.set_refused();
        }
        if let Some(name) = task {
            if let Self::Cancelled { task, .. } = &mut self {
                task.get_or_insert_with(|| name.clone());
            }
            self.name(name);
        }
        self
    }

    /// Notes that the work which gives this error has only passed it on from other work: a time limit in it
    /// is not its own.
    #[must_use]
    #[doc(hidden)]
    pub fn passed_on(mut self) -> Self {
        self.disown();
        self
    }

    /// Names the task that has failed, unless a task below it was named before. A cancellation is named where
    /// it is made: a task that passes on the cancellation of another was not cancelled itself.
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
            // Only the first is looked at.
            Self::Several(several) => several.first_mut().disown(),
            _ => {}
        }
    }

    /// The error of an invalid setting: `reason` names the value and the range.
    #[doc(hidden)]
    pub fn config(reason: impl Into<Box<str>>) -> Self {
        Self::InvalidConfig(reason.into())
    }

    /// As [`config`](Self::config), in the one form of these errors: "`setting` is `value`: it must be
    /// `range`".
    #[doc(hidden)]
    pub fn out_of_range(setting: &str, value: impl Display, range: &str) -> Self {
        Self::config(format!("{setting} is {value}: it must be {range}"))
    }

    /// Combines the errors into one: the first alone, or the first with the others attached.
    pub(crate) fn several(errors: Vec<Self>) -> Self {
        // One level is enough: nested errors are flattened.
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

    /// The main error: the first of several, else the error itself.
    pub fn first(&self) -> &Self {
        match self {
            Self::Several(several) => several.first(),
            single => single,
        }
    }

    /// True for the error that a member of a scope ends with because another member failed.
    pub(crate) fn is_siblings(&self) -> bool {
        matches!(self, Self::Cancelled { cause: CancelCause::SiblingFailed, .. })
    }

    /// True if a time limit ended the work.
    pub fn is_timeout(&self) -> bool {
        matches!(self.first(), Self::Timeout(_))
    }

    /// True if the error says nothing about the dependency that the work calls: the work was stopped on
    /// purpose, or never begun.
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

    /// The reason of the cancellation, if the work was cancelled and a reason was given: see
    /// [`Task::cancel_because`](crate::Task::cancel_because). A task that was cancelled with one above it has
    /// the reason of that one.
    pub fn cancel_reason(&self) -> Option<&str> {
        match self.first() {
            Self::Cancelled { reason, .. } => reason.as_deref(),
            _ => None,
        }
    }

    /// True if the work panicked.
    pub fn is_panic(&self) -> bool {
        matches!(self.first(), Self::Panic(_))
    }

    /// True if the work returned an error of its own.
    pub fn is_failure(&self) -> bool {
        matches!(self.first(), Self::Failure(_))
    }

    /// True if every attempt at the work failed.
    pub fn is_retries_exhausted(&self) -> bool {
        matches!(self.first(), Self::RetriesExhausted(_))
    }

    /// True if a circuit breaker was open.
    pub fn is_circuit_open(&self) -> bool {
        matches!(self.first(), Self::CircuitOpen { .. })
    }

    /// True if the queue of a limiter was full.
    pub fn is_rejected(&self) -> bool {
        matches!(self.first(), Self::Rejected { .. })
    }

    /// True if the runtime has shut down.
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
