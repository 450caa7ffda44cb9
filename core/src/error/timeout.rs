//! A time limit that passed.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::AsyncTaskError;

/// Which limit passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TimeoutKind {
    /// The limit on the whole task, queueing included.
    Overall,
    /// The limit on one attempt.
    Attempt,
    /// The limit on one event of a pipeline, or on one batch.
    Event,
}

/// A time limit passed before the work was done.
pub struct TimeoutError(Box<Inner>);

struct Inner {
    task: Option<Arc<str>>,
    kind: TimeoutKind,
    limit: Duration,
    attempts: u32,
    still_running: bool,
    last: Option<Box<AsyncTaskError>>,
}

impl TimeoutError {
    pub(crate) fn overall(
        task: Option<Arc<str>>,
        limit: Duration,
        attempts: u32,
        still_running: bool,
        last: Option<Box<AsyncTaskError>>,
    ) -> AsyncTaskError {
        let kind = TimeoutKind::Overall;
        AsyncTaskError::Timeout(Self(Box::new(Inner { task, kind, limit, attempts, still_running, last })))
    }

    pub(crate) fn passed(
        task: Option<Arc<str>>,
        kind: TimeoutKind,
        limit: Duration,
        still_running: bool,
    ) -> AsyncTaskError {
        let inner = Inner { task, kind, limit, attempts: 1, still_running, last: None };
        AsyncTaskError::Timeout(Self(Box::new(inner)))
    }

    /// Which limit passed.
    pub fn kind(&self) -> TimeoutKind {
        self.0.kind
    }

    pub(crate) fn is_attempt(&self) -> bool {
        self.0.kind == TimeoutKind::Attempt
    }

    /// The limit, as it was set; where a deadline was, the time from then to the deadline.
    pub fn limit(&self) -> Duration {
        self.0.limit
    }

    /// How many attempts were begun, the first included.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// How the attempt before the one that it ended has failed, where there was one.
    pub fn last(&self) -> Option<&AsyncTaskError> {
        self.0.last.as_deref()
    }

    /// True if blocking work had started and goes on: a thread cannot be stopped from outside.
    pub fn still_running(&self) -> bool {
        self.0.still_running
    }
}

impl fmt::Display for TimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.task {
            Some(name) => write!(f, "task `{name}` timed out after {:?}", self.0.limit)?,
            None => write!(f, "timed out after {:?}", self.0.limit)?,
        }
        match self.0.kind {
            TimeoutKind::Overall => {}
            TimeoutKind::Attempt => f.write_str(" (limit of one attempt)")?,
            TimeoutKind::Event => f.write_str(" (limit of one event)")?,
        }
        if let Some(last) = &self.0.last {
            write!(f, ", in attempt {}; the one before had failed: {last}", self.0.attempts)?;
        }
        if self.0.still_running {
            f.write_str("; its blocking work had started and still runs")?;
        }
        Ok(())
    }
}

impl fmt::Debug for TimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeoutError")
            .field("task", &self.0.task)
            .field("kind", &self.0.kind)
            .field("limit", &self.0.limit)
            .field("attempts", &self.0.attempts)
            .field("still_running", &self.0.still_running)
            .field("last", &self.0.last)
            .finish()
    }
}

/// Its `source` is what caused the last failure, which its text includes.
impl Error for TimeoutError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.last.as_ref()?.source()
    }
}
