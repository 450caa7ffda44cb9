//! The texts of [`AsyncTaskError`], and its sources. Written by hand: the derive of another crate would
//! bring six crates to programs that want tasks alone.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::error::AsyncTaskError;

/// The name in backquotes after a space, for messages; empty without a name.
fn quoted(name: &Option<Arc<str>>) -> String {
    name.as_ref().map(|name| format!(" `{name}`")).unwrap_or_default()
}

/// The end of the open time of a circuit breaker, for messages.
fn until(retry_after: Duration) -> String {
    match retry_after {
        Duration::MAX => " until it is closed by hand".to_owned(),
        wait => format!(": tried again in {wait:?}"),
    }
}

/// The beginning of the text of a cancellation: with the name of the task, if it has one.
fn cancelled_task(task: &Option<Arc<str>>) -> String {
    task.as_ref().map_or_else(|| String::from("cancelled"), |task| format!("task `{task}` was cancelled"))
}

/// The reason of a cancellation after a colon, for messages; empty without one.
fn because(reason: &Option<Arc<str>>) -> String {
    reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default()
}

impl fmt::Display for AsyncTaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout(error) => error.fmt(f),
            Self::Cancelled { level, cause, task, reason } => {
                write!(f, "{} ({level}, {cause}){}", cancelled_task(task), because(reason))
            }
            Self::Panic(error) => error.fmt(f),
            Self::Failure(error) => error.fmt(f),
            Self::Several(error) => error.fmt(f),
            Self::RetriesExhausted(error) => error.fmt(f),
            Self::CircuitOpen { breaker, retry_after } => {
                write!(f, "circuit breaker{} is open{}", quoted(breaker), until(*retry_after))
            }
            Self::Rejected { limiter, waiting } => {
                write!(f, "limiter{} is full: {waiting} wait already", quoted(limiter))
            }
            Self::InvalidState(reason) => write!(f, "invalid state: {reason}"),
            Self::InvalidConfig(reason) => write!(f, "invalid configuration: {reason}"),
            Self::Parse { origin, position, reason } => write!(f, "{origin}, {position}: {reason}"),
            Self::Io { context, error } => write!(f, "{context}: {error}"),
            Self::NoRuntime => f.write_str(
                "no async runtime here: call this inside `sweet_async::block_on` or a Tokio runtime, install a \
                 default with `install_default`, or name a runtime with `.on(&runtime)`",
            ),
            Self::AmbiguousRuntime => f.write_str(
                "several runtimes are compiled in and none is entered: call this inside `sweet_async::block_on`, \
                 install a default with `install_default`, or name a runtime with `.on(&runtime)`",
            ),
            Self::Shutdown => f.write_str("the runtime has shut down"),
        }
    }
}

impl AsyncTaskError {
    /// The reason as a text, for reports that have named the task already: the work's own error if it failed,
    /// else the error with its causes.
    pub fn reason(&self) -> String {
        match self {
            Self::Failure(failure) => failure.error().to_string(),
            Self::Cancelled { level, cause, reason, .. } => {
                format!("cancelled ({level}, {cause}){}", because(reason))
            }
            other => format!("{other:#}"),
        }
    }
}

impl Error for AsyncTaskError {
    /// The cause of the error within, whose text is that of this one. The text of an `Io` contains that of its
    /// error, which is therefore no source: reporters that print the chain would print it twice.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Timeout(error) => error.source(),
            Self::Panic(error) => error.source(),
            Self::Failure(error) => error.source(),
            Self::Several(error) => error.source(),
            Self::RetriesExhausted(error) => error.source(),
            _ => None,
        }
    }
}
