//! The invariants of each run of the table of tasks.

use std::sync::atomic::Ordering;

use crate::library::ChaosError;
use crate::library::orchestra::OrchestratorError;

use super::work::{Busy, Limiters, Work};
use super::{Combination, Fault, Policy, REASON, Start};
use crate::kit::prelude::*;

/// Checks the end of `combination`, after which nothing of it is left.
pub(super) fn check(
    combination: Combination,
    work: &Work,
    limiters: &Limiters,
    end: Option<&Result<u32, AsyncTaskError>>,
) -> Outcome {
    let (attempts, successes) = (work.attempts.load(Ordering::SeqCst), work.successes.load(Ordering::SeqCst));
    ensure!(attempts <= combination.most_attempts(), "{attempts} attempts");
    ensure!(work.alive.alive() == 0, "{} attempts are left", work.alive.alive());
    for limiter in limiters.all() {
        ensure!((limiter.under_way(), limiter.waiting()) == (0, 0), "{limiter:?}");
    }
    let Some(end) = end else { return Ok(()) };
    // What was cancelled gracefully may report the runs that it has begun.
    let is_report = (combination.start, combination.fault) == (Start::Scheduled, Fault::Graceful);
    ensure!(end.is_err() || is_report || successes == 1, "{successes} successes: {end:?}");
    let is_injected = |error: &AsyncTaskError| {
        combination.has(Policy::Chaos) && (error.downcast_ref::<ChaosError>().is_some() || error.is_panic())
    };
    let mends = combination.has(Policy::RetryAfter) || combination.has(Policy::Hedge);
    let is_right = match end {
        Ok(_) => match combination.fault {
            Fault::Nothing => true,
            Fault::FailsOnce => mends,
            _ => is_report,
        },
        Err(error) => {
            let own = of_work(error);
            is_injected(own)
                || match combination.fault {
                    // Chaos may take the attempts before the one that fails.
                    Fault::FailsOnce => {
                        (!mends || combination.has(Policy::Chaos)) && own.downcast_ref::<Busy>().is_some()
                    }
                    Fault::Fails => own.downcast_ref::<Busy>().is_some(),
                    Fault::Panics => own.is_panic(),
                    Fault::AttemptTimeout | Fault::Timeout => is_late(own),
                    Fault::Graceful | Fault::Kill => own.cancel_reason() == Some(REASON),
                    Fault::Nothing | Fault::Dropped => false,
                }
        }
    };
    ensure!(is_right, "after {attempts} attempts it ended with {end:?}");
    Ok(())
}

/// The error of the work, within that of the orchestra that has run it.
fn of_work(error: &AsyncTaskError) -> &AsyncTaskError {
    match error.downcast_ref::<OrchestratorError>() {
        Some(OrchestratorError::TaskFailed { error, .. } | OrchestratorError::Stopped(error)) => error,
        _ => error,
    }
}

/// True if a time limit has ended the work, or its last attempt.
fn is_late(error: &AsyncTaskError) -> bool {
    match error {
        AsyncTaskError::RetriesExhausted(error) => error.last().is_timeout(),
        _ => error.is_timeout(),
    }
}
