//! The parts that cases are made of.

mod census;
pub(crate) mod ending;
pub(crate) mod entropy;
mod hold;
mod latch;
pub(crate) mod leases;
pub(crate) mod load;
pub(crate) mod orchestras;
pub(crate) mod published;
mod rows;
pub(crate) mod script;
pub(crate) mod signalled;
pub(crate) mod spans;
pub(crate) mod tape;
mod waits;

pub(crate) use census::{Census, Resident};
pub(crate) use hold::hold_workers;
pub(crate) use latch::{Latch, SetOnDrop};
pub(crate) use rows::{Person, Raw, Sample, Sender, collect_rows, count, rows, sample};
pub(crate) use waits::waits_for_blocking;

/// The names that nearly every case uses.
pub(crate) mod prelude {
    pub(crate) use std::future::{Future, pending};
    pub(crate) use std::time::Duration;

    pub(crate) use crate::library::RuntimeExt as _;
    pub(crate) use crate::library::orchestra::Orchestrate as _;
    pub(crate) use crate::library::pipeline::{
        ChunkSizeExt as _, Collector, Delimiter, ErrorStrategy, Event, FinalEvent,
    };
    pub(crate) use crate::library::{
        AsyncTask, AsyncTaskError, CancelCause, CancelLevel, DurationExt as _, Runtime, Task, TaskStatus,
    };
    pub(crate) use anyhow::{Context as _, bail, ensure};
    pub(crate) use futures_lite::future::{poll_once, yield_now};

    pub(crate) use super::{Census, Latch, failed, hold_workers, source_text};
    pub(crate) use crate::{Facts, Failure, Outcome, Started};
}

use crate::library::AsyncTaskError;

use crate::Failure;

/// Waits until no blocking job is left. Where other cases count in the same root scope, that cannot be known,
/// and it returns at once.
pub(crate) async fn no_jobs<R: crate::library::Runtime>(rt: &R, facts: crate::Facts) {
    while !facts.shares_root && rt.root().active_blocking_jobs() > 0 {
        futures_lite::future::yield_now().await;
    }
}

/// Returns the error of a result that must be one.
pub(crate) fn failed<T, E>(result: Result<T, E>) -> Result<E, Failure> {
    match result {
        Ok(_) => Err(Failure::msg("an error was due, and a value came")),
        Err(error) => Ok(error),
    }
}

/// Returns the text of the error's source: that of the work's own error, where there is one. Else its own
/// text.
pub(crate) fn source_text(error: &AsyncTaskError) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

/// Returns the cause of a cancellation; `None` for any other error.
pub(crate) fn cause_of(error: &AsyncTaskError) -> Option<crate::library::CancelCause> {
    match error {
        AsyncTaskError::Cancelled { cause, .. } => Some(*cause),
        _ => None,
    }
}

/// Panics with a payload of the case's choice, in place of returning a `T`. The panic hook is not called: the
/// suite does not capture output, and a panic that is meant should not be printed.
pub(crate) fn explode<T>(payload: impl std::any::Any + Send) -> T {
    std::panic::resume_unwind(Box::new(payload))
}
