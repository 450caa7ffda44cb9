//! What a pipeline is told to do: about rejected rows, and about how many events are handled at the same time.

use std::fmt;
use std::sync::Arc;

use crate::outcome::failure::RowError;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::retry::Retry;

/// What a pipeline does about a row that cannot be parsed, or that its receiver refuses, or at which its receiver panics.
#[derive(Default)]
#[non_exhaustive]
pub enum ErrorStrategy<T> {
    /// Ends with the error of the first such row in source order, whatever the number of workers. Rows after it may
    /// have been handled by then.
    #[default]
    StopOnFirst,
    /// Goes on; such rows are counted exactly, and the first of them kept with line, byte offset and reason.
    ContinueOnError,
    /// Tries again; see [`retry`](Self::retry).
    Retry(RetryEvents<T>),
    /// Asks; see [`custom`](Self::custom).
    Custom(AskAboutErrors),
}

/// What a [custom strategy](ErrorStrategy::custom) answers about a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorAction {
    /// The row is rejected, and the pipeline goes on.
    Reject,
    /// The row is rejected, and its error ends the pipeline, as under [`ErrorStrategy::StopOnFirst`].
    Stop,
}

impl<T> ErrorStrategy<T> {
    /// Calls the receiver again, up to `retries` more times, with a clone of the event, with the default backoff: exponential
    /// from 100 ms, full jitter. See [`retry_with`](Self::retry_with).
    pub fn retry(retries: u32) -> Self
    where
        T: Clone,
    {
        Self::retry_with(Retry::new(retries))
    }

    /// Calls the receiver again as `retry` says, with a clone of the event, made before each call that may be followed by
    /// another. In between the worker waits by the runtime's clock, without holding a thread; it handles nothing else
    /// meanwhile. Once the receiver has failed for the last time, or with an error that is not to be retried (a panic,
    /// or what [`Retry::retry_if`] excludes), or once the pipeline was asked to stop, the row is rejected as under
    /// [`ContinueOnError`](Self::ContinueOnError); after more than one attempt its error is
    /// [`AsyncTaskError::RetriesExhausted`]. A row that cannot be parsed is never parsed again.
    ///
    /// A `fold` is handed what the failed call has left of its value. A pulled pipeline, which has no receiver, is refused
    /// ([`AsyncTaskError::InvalidConfig`]).
    pub fn retry_with(retry: Retry) -> Self
    where
        T: Clone,
    {
        Self::Retry(RetryEvents { retry, clone: T::clone })
    }

    /// Asks `decide` about each rejected row. It is called by the worker that has met the row, in no particular order
    /// among workers; a panic in it ends the pipeline.
    pub fn custom(decide: impl Fn(&RowError) -> ErrorAction + Send + Sync + 'static) -> Self {
        Self::Custom(AskAboutErrors(Arc::new(decide)))
    }

    /// The same about other events.
    pub(crate) fn of<U: Clone>(self) -> ErrorStrategy<U> {
        match self {
            Self::StopOnFirst => ErrorStrategy::StopOnFirst,
            Self::ContinueOnError => ErrorStrategy::ContinueOnError,
            Self::Retry(retrying) => ErrorStrategy::retry_with(retrying.retry),
            Self::Custom(ask) => ErrorStrategy::Custom(ask),
        }
    }

    pub(crate) fn check(&self) -> Result<(), AsyncTaskError> {
        match self {
            Self::Retry(retrying) => retrying.retry.check(),
            _ => Ok(()),
        }
    }
}

// By hand: the strategy can be cloned also where the events cannot.
impl<T> Clone for ErrorStrategy<T> {
    fn clone(&self) -> Self {
        match self {
            Self::StopOnFirst => Self::StopOnFirst,
            Self::ContinueOnError => Self::ContinueOnError,
            Self::Retry(retrying) => Self::Retry(retrying.clone()),
            Self::Custom(ask) => Self::Custom(ask.clone()),
        }
    }
}

impl<T> fmt::Debug for ErrorStrategy<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StopOnFirst => f.write_str("StopOnFirst"),
            Self::ContinueOnError => f.write_str("ContinueOnError"),
            Self::Retry(retrying) => f.debug_tuple("Retry").field(&retrying.retry).finish(),
            Self::Custom(_) => f.debug_tuple("Custom").finish_non_exhaustive(),
        }
    }
}

/// How events are tried again: see [`ErrorStrategy::retry_with`].
pub struct RetryEvents<T> {
    pub(crate) retry: Retry,
    pub(crate) clone: fn(&T) -> T,
}

impl<T> Clone for RetryEvents<T> {
    fn clone(&self) -> Self {
        Self { retry: self.retry.clone(), clone: self.clone }
    }
}

impl<T> fmt::Debug for RetryEvents<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RetryEvents").field(&self.retry).finish()
    }
}

/// Who decides about rejected rows: see [`ErrorStrategy::custom`].
#[derive(Clone)]
pub struct AskAboutErrors(pub(crate) Arc<dyn Fn(&RowError) -> ErrorAction + Send + Sync>);

impl fmt::Debug for AskAboutErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AskAboutErrors").finish_non_exhaustive()
    }
}

/// How many events are handled at the same time. Each worker handles one event (or one batch) at a time, and takes whole
/// chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReceiverStrategy {
    /// One at a time, in the order in which the sender sends.
    Serial,
    /// As many as there are workers, in completion order.
    Parallel {
        /// How many: at least 1.
        workers: usize,
    },
    /// As many as help, between `min` and `max`: more while each event takes about as long as before, fewer once more
    /// of them at the same time only make each take longer. It starts with `min`, and decides about a hundred times a
    /// second; what it decides is told by [`Progress::workers`](crate::Progress::workers) and through `tracing`.
    ///
    /// A worker that was taken off finishes its chunk first: with chunks that take long, changes do, too.
    Adaptive {
        /// The fewest workers: at least 1.
        min: usize,
        /// The most: at least `min`.
        max: usize,
    },
}

impl ReceiverStrategy {
    /// The fewest and the most workers.
    pub(crate) fn range(self) -> (usize, usize) {
        match self {
            Self::Serial => (1, 1),
            Self::Parallel { workers } => (workers, workers),
            Self::Adaptive { min, max } => (min, max),
        }
    }
}
