//! What sender, workers and coordinator of one pipeline share, and what its user has set.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::error::AsyncTaskError;
use crate::pipeline::ErrorStrategy;
use crate::pipeline::failure::{Limit, Policy};
use crate::pipeline::progress::{Counters, Progress};
use crate::task::{TaskId, Values};

/// What the builder was told.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) name: Option<Arc<str>>,
    pub(crate) values: Option<Arc<Values>>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) strategy: ErrorStrategy,
    pub(crate) max_errors: usize,
    pub(crate) workers: Option<usize>,
    pub(crate) queue: Option<usize>,
    pub(crate) ordered: bool,
    pub(crate) progress: Option<Arc<dyn Fn(Progress) + Send + Sync>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: None,
            values: None,
            timeout: None,
            strategy: ErrorStrategy::default(),
            max_errors: 1000,
            workers: None,
            queue: None,
            ordered: false,
            progress: None,
        }
    }
}

/// The most workers, and the most chunks in a queue: a queue's memory is taken when it is made.
const MOST: usize = 1 << 16;

impl Settings {
    pub(crate) fn check(&self) -> Result<(), AsyncTaskError> {
        if self.workers.max(self.queue) > Some(MOST) {
            return Err(AsyncTaskError::config(format!(
                "a pipeline has at most {MOST} workers, and as many chunks waiting"
            )));
        }
        if self.workers == Some(0) {
            return Err(AsyncTaskError::config(
                "a pipeline needs at least one worker: workers was given zero",
            ));
        }
        if self.queue == Some(0) {
            return Err(AsyncTaskError::config("a queue holds at least one chunk: queue was given zero"));
        }
        Ok(())
    }
}

/// What sender, workers and coordinator share.
pub(crate) struct Control<R> {
    pub(crate) runtime: R,
    pub(crate) task: TaskId,
    pub(crate) limit: Limit,
    pub(crate) policy: Policy,
    pub(crate) counters: Counters,
    pub(crate) names: Box<[Arc<str>]>,
    pub(crate) ordered: bool,
    pub(crate) started: Instant,
}
