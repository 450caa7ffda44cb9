//! The handle of a run: it is awaited, stopped or dropped, and its results are noted.

use std::collections::HashMap;
use std::sync::Arc;

use crate::library::pipeline::{BoundedQueue, EmittingTask, Events, Progress};
use crate::library::{CancellableTask as _, DynRuntime};
use futures_lite::StreamExt as _;
use futures_lite::future::or;

use super::ledger::{Ledger, Value};
use super::messages::Published;
use super::number::Number;
use super::places::Places;
use super::table::{Combination, End, Fault};
use crate::kit::prelude::*;

/// The time that a shutdown gives: some runs end within, and others are killed.
const SHUTDOWN: Duration = Duration::from_micros(100);

/// A pipeline that was started, by its result.
pub(super) enum Run {
    Summary(EmittingTask<FinalEvent, DynRuntime>),
    Listed(EmittingTask<(Vec<Number>, FinalEvent), DynRuntime>),
    Folded(EmittingTask<(Vec<Value>, FinalEvent), DynRuntime>),
    Collected(EmittingTask<Collected, DynRuntime>),
    Pulled(EmittingTask<FinalEvent, DynRuntime, Events<Number>>),
}

/// The result of a pipeline that collects.
pub(super) struct Collected {
    pub(super) summary: Option<FinalEvent>,
    pub(super) error: Option<AsyncTaskError>,
    /// By row and part, the number of the attempt.
    pub(super) entries: HashMap<(u64, u64), u64>,
}

/// The observations of one run.
pub(super) struct Observations {
    pub(super) ledger: Arc<Ledger>,
    pub(super) places: Places,
    pub(super) given: u64,
    /// The result; `None` where the handle was dropped.
    pub(super) end: Option<Result<Option<FinalEvent>, AsyncTaskError>>,
    pub(super) progress: Option<Progress>,
    /// The collected entries, where the final handler was called.
    pub(super) collected: Option<HashMap<(u64, u64), u64>>,
    pub(super) folded: Option<Vec<Value>>,
    /// The values of a list, or those that were pulled, by row and part.
    pub(super) listed: Option<Vec<(u64, u64)>>,
    /// The values of the file, if it was written.
    pub(super) written: Option<Vec<(u64, u64)>>,
    /// The messages that values were published as, where they are.
    pub(super) messages: Option<Vec<Published>>,
    /// The queue that was read.
    pub(super) read_from: Option<BoundedQueue>,
}

impl Observations {
    /// The summary of a run that has ended well.
    pub(super) fn summary(&self) -> Option<&FinalEvent> {
        self.end.as_ref()?.as_ref().ok()?.as_ref()
    }

    /// True if blocking work went on after the limit: what it did counts for nothing.
    pub(super) fn goes_on(&self) -> bool {
        matches!(&self.end, Some(Err(AsyncTaskError::Timeout(error))) if error.still_running())
    }
}

/// Lets the clock advance, where it is virtual.
pub(super) async fn moment(rt: &DynRuntime) {
    rt.sleep_until(rt.now() + Duration::from_micros(50)).await;
}

/// Awaits the pipeline, or stops it.
pub(super) async fn drive(
    rt: &DynRuntime,
    observed: &mut Observations,
    combination: Combination,
    trigger: u64,
    run: Run,
) -> Outcome {
    match run {
        Run::Summary(handle) => {
            let end = ended(rt, observed, combination, handle).await;
            observed.end = end.map(|end| end.map(Some));
        }
        Run::Listed(handle) => {
            let end = ended(rt, observed, combination, handle).await;
            observed.end = end.map(|end| {
                let (values, summary) = end?;
                observed.listed = Some(values.iter().map(|value| (value.row(), value.part)).collect());
                Ok(Some(summary))
            });
        }
        Run::Folded(handle) => {
            let end = ended(rt, observed, combination, handle).await;
            observed.end = end.map(|end| {
                let (values, summary) = end?;
                observed.folded = Some(values);
                Ok(Some(summary))
            });
        }
        Run::Collected(handle) => {
            let end = ended(rt, observed, combination, handle).await;
            observed.end = end.map(|end| {
                let Collected { summary, error, entries } = end?;
                observed.collected = Some(entries);
                error.map_or(Ok(summary), Err)
            });
        }
        Run::Pulled(events) => pull(rt, observed, combination, events, trigger).await?,
    }
    Ok(())
}

/// Waits until the pipeline is to be stopped, unless it ends before.
async fn until_reached<U: Send + 'static>(
    rt: &DynRuntime,
    observed: &Observations,
    combination: Combination,
    handle: &EmittingTask<U, DynRuntime>,
) {
    if combination.end == End::Publish {
        return yield_now().await;
    }
    let over = async {
        while !handle.is_complete() {
            moment(rt).await;
        }
    };
    or(observed.ledger.reached.wait(), over).await;
}

/// The result of the handle; `None` if it was dropped.
async fn ended<U: Send + 'static>(
    rt: &DynRuntime,
    observed: &mut Observations,
    combination: Combination,
    mut handle: EmittingTask<U, DynRuntime>,
) -> Option<Result<U, AsyncTaskError>> {
    let level = match combination.fault {
        Fault::Graceful => Some(CancelLevel::Graceful),
        Fault::Kill => Some(CancelLevel::Kill),
        Fault::KillHard => Some(CancelLevel::KillHard),
        Fault::Dropped => {
            until_reached(rt, observed, combination, &handle).await;
            return None;
        }
        Fault::Shutdown => {
            until_reached(rt, observed, combination, &handle).await;
            // It may find that something is left.
            let _ = rt.shutdown(SHUTDOWN).await;
            None
        }
        _ => None,
    };
    if let Some(level) = level {
        until_reached(rt, observed, combination, &handle).await;
        handle.cancel(level).await;
    }
    let end = (&mut handle).await;
    observed.progress = Some(handle.progress());
    Some(end)
}

/// Takes the events of a pulled pipeline, or stops it at `trigger` events.
async fn pull(
    rt: &DynRuntime,
    observed: &mut Observations,
    combination: Combination,
    mut events: EmittingTask<FinalEvent, DynRuntime, Events<Number>>,
    trigger: u64,
) -> Outcome {
    let mut pulled = Vec::new();
    let mut end = None;
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => {
                let number = event.take_data();
                pulled.push((number.row(), number.part));
            }
            Err(error) => {
                end = Some(Err(error));
                break;
            }
        }
        if pulled.len() as u64 == trigger.max(1) {
            match combination.fault {
                Fault::Graceful => drop(events.cancel(CancelLevel::Graceful)),
                Fault::Kill => drop(events.cancel(CancelLevel::Kill)),
                Fault::KillHard => drop(events.cancel(CancelLevel::KillHard)),
                Fault::Shutdown => drop(rt.shutdown(SHUTDOWN).await),
                Fault::Dropped => {
                    drop(events);
                    observed.listed = Some(pulled);
                    return Ok(());
                }
                _ => {}
            }
        }
    }
    while !events.is_finished() {
        moment(rt).await;
    }
    observed.progress = Some(events.progress());
    observed.end = Some(match end {
        Some(error) => error,
        None => Ok(events.summary().cloned()),
    });
    observed.listed = Some(pulled);
    Ok(())
}
