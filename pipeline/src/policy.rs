//! The policies of a pipeline: for rejected rows, and for the number of events that are handled at the same
//! time.

use std::fmt;
use std::sync::Arc;

use crate::outcome::row_error::RowError;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::retry::Retry;

/// The strategy for a row that cannot be parsed, or that the receiver refuses, or for which the receiver
/// panics.
#[derive(Default)]
#[non_exhaustive]
pub enum ErrorStrategy<T> {
    /// Ends the pipeline with the error of the first such row in source order, whatever the number of
    /// workers. Rows after it may have been handled by then.
    #[default]
    StopOnFirst,
    /// Goes on. Such rows are counted exactly, and the first of them are kept with line, byte offset and
    /// reason.
    ContinueOnError,
    /// Tries again; see [`retry`](Self::retry).
    Retry(RetryEvents<T>),
    /// Asks a closure; see [`custom`](Self::custom).
    Custom(AskAboutErrors),
}

/// The answer of a [custom strategy](ErrorStrategy::custom) about a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorAction {
    /// The row is rejected, and the pipeline goes on.
    Reject,
    /// The row is rejected, and its error ends the pipeline, as under [`ErrorStrategy::StopOnFirst`].
    Stop,
}

impl<T> ErrorStrategy<T> {
    /// Calls the receiver again with a clone of the event, up to `retries` more times, with the default
    /// backoff: exponential from 100 ms, full jitter. See [`retry_with`](Self::retry_with).
    pub fn retry(retries: u32) -> Self
    where
        T: Clone,
    {
        Self::retry_with(Retry::new(retries))
    }

    /// Calls the receiver again as `retry` says, with a clone of the event. With
    /// [stages](crate::PipelineSender::map) it is a clone of the row, whose stages run again. The clone is made
    /// before each call that another may follow. Between two calls the worker waits by the runtime's clock. It
    /// holds no thread then, and handles nothing else. An error may set the wait ([`Retry::retry_after`]), and
    /// each failed call that another follows can be reported ([`Retry::on_retry`]). The receiver finds the number
    /// of its call in [`Event::attempt`](crate::Event::attempt).
    ///
    /// The row is rejected, as under [`ContinueOnError`](Self::ContinueOnError), once the receiver has failed
    /// for the last time, or has failed with an error that is not to be retried (a panic, or one that
    /// [`Retry::retry_if`] excludes), or once cancellation of the pipeline is requested or an earlier row has
    /// ended it. After more than one attempt its error is
    /// [`RetriesExhausted`](sweet_async_core::AsyncTaskError::RetriesExhausted). A row that cannot be parsed
    /// is never parsed again.
    ///
    /// A wait that would end after the time limit of the pipeline, or of a task around it, is not begun: the
    /// row is rejected at once, also after the first attempt, and its error says so
    /// ([`is_out_of_time`](sweet_async_core::RetriesError::is_out_of_time)).
    ///
    /// In a `fold`, the next attempt gets the value as the failed call has left it. A pipeline that is
    /// pulled, or whose values are listed, written, forwarded or published, has no receiver, and is refused
    /// ([`InvalidConfig`](sweet_async_core::AsyncTaskError::InvalidConfig)). Publishing a chunk can be tried again.
    pub fn retry_with(retry: Retry) -> Self
    where
        T: Clone,
    {
        Self::Retry(RetryEvents { retry, clone: T::clone })
    }

    /// Asks `decide` about each rejected row. The worker that has the row calls it, in no particular order
    /// among workers. A panic in it ends the pipeline.
    pub fn custom(decide: impl Fn(&RowError) -> ErrorAction + Send + Sync + 'static) -> Self {
        Self::Custom(AskAboutErrors(Arc::new(decide)))
    }
}

// By hand: the strategy can also be cloned where events cannot.
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

/// The retries of events: see [`ErrorStrategy::retry_with`].
pub struct RetryEvents<T> {
    pub(crate) retry: Retry,
    pub(crate) clone: fn(&T) -> T,
}

impl<T> RetryEvents<T> {
    /// The same retries for events of another type.
    pub(crate) fn of<U: Clone>(self) -> RetryEvents<U> {
        RetryEvents { retry: self.retry, clone: U::clone }
    }
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

/// The closure that decides about rejected rows: see [`ErrorStrategy::custom`].
#[derive(Clone)]
pub struct AskAboutErrors(pub(crate) Arc<dyn Fn(&RowError) -> ErrorAction + Send + Sync>);

impl fmt::Debug for AskAboutErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AskAboutErrors").finish_non_exhaustive()
    }
}

/// The strategy for a source that fails: a file that is missing or corrupt, a header that is refused, a
/// reader that returns an error or panics, an iterator or a stream that panics, a queue whose `claim` returns an
/// error or panics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourceErrorStrategy {
    /// Ends the pipeline with the error of the source, once its rows until then are handled. A file that
    /// cannot be opened ends it at the start, before any source is read.
    #[default]
    Stop,
    /// Goes on with the other sources. The rows of the source until then are handled; its error is kept
    /// ([`FinalEvent::source_errors`](crate::FinalEvent::source_errors)), counted, and reported through
    /// `tracing`.
    Skip,
}

/// The number of events that are handled at the same time. Each worker handles one event (or one batch) at a
/// time, and takes whole chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReceiverStrategy {
    /// One event at a time, in the order in which the sender sends.
    Serial,
    /// As many events as there are workers, in completion order.
    Parallel {
        /// The number of workers, from 1 to 65,536.
        workers: usize,
    },
    /// Between `min` and `max` events, as the load permits: more while each event takes about as long as
    /// before, fewer once more of them at the same time only make each take longer. It starts with `min`, and
    /// decides about a hundred times a second. Decisions are reported by
    /// [`Progress::workers`](crate::Progress::workers) and through `tracing`.
    ///
    /// A worker that is no longer needed finishes its chunk first: with chunks that take long, changes take
    /// long as well.
    Adaptive {
        /// The fewest workers, at least 1.
        min: usize,
        /// The most workers: at least `min`, and at most 65,536.
        max: usize,
    },
}

/// The most workers of a pipeline. A greater number is taken for a typing error.
const MOST_WORKERS: usize = 1 << 16;

impl ReceiverStrategy {
    /// Fails with `InvalidConfig` for a number that is out of its range.
    pub(crate) fn check(self) -> Result<(), AsyncTaskError> {
        let least = format!("from 1 to {MOST_WORKERS}");
        match self {
            Self::Parallel { workers } if !(1..=MOST_WORKERS).contains(&workers) => {
                let name = "`workers` of `ReceiverStrategy::Parallel`";
                Err(AsyncTaskError::out_of_range(name, workers, &least))
            }
            Self::Adaptive { min, .. } if !(1..=MOST_WORKERS).contains(&min) => {
                Err(AsyncTaskError::out_of_range("`min` of `ReceiverStrategy::Adaptive`", min, &least))
            }
            Self::Adaptive { min, max } if !(min..=MOST_WORKERS).contains(&max) => {
                let range = format!("from `min`, which is {min}, to {MOST_WORKERS}");
                Err(AsyncTaskError::out_of_range("`max` of `ReceiverStrategy::Adaptive`", max, &range))
            }
            Self::Serial | Self::Parallel { .. } | Self::Adaptive { .. } => Ok(()),
        }
    }

    /// The fewest and the most workers.
    pub(crate) fn range(self) -> (usize, usize) {
        match self {
            Self::Serial => (1, 1),
            Self::Parallel { workers } => (workers, workers),
            Self::Adaptive { min, max } => (min, max),
        }
    }
}
