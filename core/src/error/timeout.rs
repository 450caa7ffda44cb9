//! The error of a time limit that passed.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::error::AsyncTaskError;
use crate::error::failure::{cause_of, causes};

/// The kind of limit that passed.
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

/// The error of work whose time limit passed before it was done.
pub struct TimeoutError(Box<Inner>);

struct Inner {
    task: Option<Arc<str>>,
    kind: TimeoutKind,
    limit: Duration,
    attempts: u32,
    still_running: bool,
    last: Option<Box<KeptFailure>>,
    // Cleared when user code passes the error on: that work has failed, and has not timed out itself.
    is_own: bool,
}

/// A failed attempt before the limit passed.
pub(crate) struct KeptFailure {
    /// The number of the attempt, from 1.
    pub(crate) number: u32,
    pub(crate) error: AsyncTaskError,
}

impl TimeoutError {
    pub(crate) fn overall(
        task: Option<Arc<str>>,
        limit: Duration,
        attempts: u32,
        still_running: bool,
        last: Option<Box<KeptFailure>>,
    ) -> AsyncTaskError {
        let kind = TimeoutKind::Overall;
        AsyncTaskError::Timeout(Self(Box::new(Inner {
            task,
            kind,
            limit,
            attempts,
            still_running,
            last,
            is_own: true,
        })))
    }

    /// The error of a limit that has passed.
    #[doc(hidden)]
    pub fn passed(
        task: Option<Arc<str>>,
        kind: TimeoutKind,
        limit: Duration,
        still_running: bool,
    ) -> AsyncTaskError {
        let inner = Inner { task, kind, limit, attempts: 1, still_running, last: None, is_own: true };
        AsyncTaskError::Timeout(Self(Box::new(inner)))
    }

    /// Notes that blocking work goes on.
    #[doc(hidden)]
    pub fn left_running(&mut self) {
        self.0.still_running = true;
    }

    /// The kind of limit that passed.
    pub fn kind(&self) -> TimeoutKind {
        self.0.kind
    }

    /// True if the limit is that of an attempt at the work itself, and not of other work whose error the work
    /// has passed on.
    pub(crate) fn is_own_attempt(&self) -> bool {
        self.0.kind == TimeoutKind::Attempt && self.0.is_own
    }

    pub(crate) fn disown(&mut self) {
        self.0.is_own = false;
    }

    /// The limit that was set; if a deadline was set, the time from then to the deadline.
    pub fn limit(&self) -> Duration {
        self.0.limit
    }

    /// The number of attempts that were begun, the first included; 1 for a limit of one attempt or event.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// The error of the last attempt that had failed by then, if there was one.
    pub fn last(&self) -> Option<&AsyncTaskError> {
        self.0.last.as_ref().map(|last| &last.error)
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
            // Attempts that are not hedged are made one at a time: the failed one is the one that was begun
            // last, or the one before it.
            match self.0.attempts.saturating_sub(last.number) {
                0 => write!(f, ", waiting to try again; attempt {} had failed", last.number)?,
                1 => write!(f, ", in attempt {}; the one before had failed", self.0.attempts)?,
                _ => write!(f, ", in attempt {}; attempt {} had failed", self.0.attempts, last.number)?,
            }
        }
        if self.0.still_running {
            f.write_str("; its blocking work had started and still runs")?;
        }
        causes(f, self.source())
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
            .field("last", &self.last())
            .finish()
    }
}

/// Its `source` is the cause of the last failure before it, if there was one; `{:#}` adds the text of that.
impl Error for TimeoutError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(cause_of(self.last()?, self.0.task.as_deref()))
    }
}
