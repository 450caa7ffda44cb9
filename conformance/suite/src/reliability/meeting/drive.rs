//! The handle of a run: it is awaited, stopped or dropped, and its results are noted.

use std::collections::HashMap;
use std::sync::Arc;

use crate::library::pipeline::{BoundedQueue, EmittingTask, Progress};
use crate::library::{CancellableTask as _, DynRuntime};
use futures_lite::StreamExt as _;
use futures_lite::future::or;

use super::ends::Sending;
use super::table::{Combination, End, Fault};
use super::work::Ledger;
use crate::kit::prelude::*;

/// The observations of one run.
pub(super) struct Observations {
    pub(super) ledger: Arc<Ledger>,
    pub(super) given: u64,
    /// The result; `None` where the handle was dropped.
    pub(super) end: Option<Result<Option<FinalEvent>, AsyncTaskError>>,
    pub(super) progress: Option<Progress>,
    /// The collected entries, where the handler of the end was called: by row, the number of the attempt.
    pub(super) collected: Option<HashMap<u64, u64>>,
    pub(super) folded: Option<Vec<u64>>,
    pub(super) pulled: Option<Vec<u64>>,
    pub(super) published: Option<BoundedQueue>,
    /// The queue that was read.
    pub(super) read_from: Option<BoundedQueue>,
}

/// The results of a handle, whatever kind of end it belongs to.
#[derive(Default)]
pub(super) struct HandleResult {
    pub(super) summary: Option<FinalEvent>,
    pub(super) collected: Option<HashMap<u64, u64>>,
    pub(super) folded: Option<Vec<u64>>,
    pub(super) error: Option<AsyncTaskError>,
}

/// Lets the clock advance, where it is virtual.
pub(super) async fn moment(rt: &DynRuntime) {
    rt.sleep_until(rt.now() + Duration::from_micros(50)).await;
}

pub(super) fn summary(summary: FinalEvent) -> HandleResult {
    HandleResult { summary: Some(summary), ..HandleResult::default() }
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

/// Awaits the handle, or stops its pipeline.
pub(super) async fn drive<U: Send + 'static>(
    rt: &DynRuntime,
    observed: &mut Observations,
    combination: Combination,
    mut handle: EmittingTask<U, DynRuntime>,
    into_result: impl FnOnce(U) -> HandleResult,
) {
    let level = match combination.fault {
        Fault::Graceful => Some(CancelLevel::Graceful),
        Fault::Kill => Some(CancelLevel::Kill),
        Fault::Dropped => return until_reached(rt, observed, combination, &handle).await,
        _ => None,
    };
    if let Some(level) = level {
        until_reached(rt, observed, combination, &handle).await;
        handle.cancel(level).await;
    }
    let end = (&mut handle).await.map(into_result);
    observed.progress = Some(handle.progress());
    observed.end = Some(match end {
        Ok(result) => {
            observed.collected = result.collected;
            observed.folded = result.folded;
            match result.error {
                Some(error) => Err(error),
                None => Ok(result.summary),
            }
        }
        Err(error) => Err(error),
    });
}

/// Takes the events of a pulled pipeline, or stops it at `trigger` events.
pub(super) async fn pull(
    rt: &DynRuntime,
    observed: &mut Observations,
    combination: Combination,
    from: Sending,
    trigger: u64,
) -> Result<(), Failure> {
    let mut events = from.pull();
    let mut pulled = Vec::new();
    let mut end = None;
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => pulled.push(event.take_data().n),
            Err(error) => {
                end = Some(Err(error));
                break;
            }
        }
        if pulled.len() as u64 == trigger.max(1) {
            match combination.fault {
                Fault::Graceful => drop(events.cancel(CancelLevel::Graceful)),
                Fault::Kill => drop(events.cancel(CancelLevel::Kill)),
                Fault::Dropped => {
                    drop(events);
                    observed.pulled = Some(pulled);
                    return Ok(());
                }
                _ => {}
            }
        }
    }
    while !events.is_complete() {
        moment(rt).await;
    }
    observed.progress = Some(events.progress());
    observed.end = Some(match end {
        Some(error) => error,
        None => Ok(events.summary().cloned()),
    });
    observed.pulled = Some(pulled);
    Ok(())
}
