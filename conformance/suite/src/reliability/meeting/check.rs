//! The invariants of each run, whatever features and faults it combines.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use crate::library::pipeline::{BoundedQueue, Progress, Queue as _};
use crate::library::{ChaosError, DynRuntime};

use super::drive::Observations;
use super::ends::WORKERS;
use super::input::{CHUNK, Number, ROWS, is_bad, whole_rows};
use super::table::{Body, Combination, End, Fault, Source, Strategy};
use crate::kit::prelude::*;
use crate::kit::published::LONG;

/// Checks `observed` against everything that is promised of `combination`.
pub(super) async fn check(rt: &DynRuntime, combination: Combination, observed: &Observations) -> Outcome {
    right_end(rt, combination, observed)?;
    for n in 0..ROWS {
        ensure!(
            observed.ledger.succeeded(n) <= 1,
            "row {n} was handled {} times",
            observed.ledger.succeeded(n)
        );
    }
    if let Some(progress) = &observed.progress {
        counts(combination, observed, progress)?;
    }
    if let Some(collected) = &observed.collected {
        for n in 0..ROWS {
            let (is_there, is_due) = (collected.get(&n), observed.ledger.succeeded(n) == 1);
            let is_late = is_due && is_there.is_none() && goes_on(observed);
            ensure!(
                is_there.is_some() == is_due || is_late,
                "row {n}: collected {is_there:?}, succeeded {is_due}"
            );
            ensure!(
                is_there.is_none_or(|attempt| *attempt == observed.ledger.attempts(n)),
                "row {n} of another attempt"
            );
        }
        let duplicates =
            observed.end.as_ref().and_then(|end| end.as_ref().ok()?.as_ref().map(FinalEvent::duplicates));
        ensure!(duplicates.is_none_or(|duplicates| duplicates == 0), "{duplicates:?} duplicates");
    }
    if let Some(folded) = &observed.folded {
        let (rows, count) = (folded.iter().collect::<BTreeSet<_>>(), folded.len() as u64);
        ensure!(rows.len() as u64 == count && count == observed.ledger.successes(), "folded {folded:?}");
    }
    if let Some(pulled) = &observed.pulled {
        ensure!(pulled.iter().collect::<BTreeSet<_>>().len() == pulled.len(), "pulled twice: {pulled:?}");
    }
    if let Some(queue) = &observed.read_from {
        leases(rt, combination, observed, queue).await?;
    }
    if let Some(queue) = &observed.published {
        published(rt, combination, observed, queue).await?;
    }
    Ok(())
}

/// Checks that a combination was refused, unless it was stopped before its settings were checked.
pub(super) fn refused(observed: &Observations) -> Outcome {
    let is_refused = match &observed.end {
        Some(Err(error)) => matches!(error, AsyncTaskError::InvalidConfig(_)) || error.is_cancelled(),
        Some(Ok(_)) => false,
        None => true,
    };
    ensure!(is_refused, "it is not refused: {:?}", observed.end);
    Ok(())
}

/// True if blocking work went on after the limit: what it did counts for nothing.
fn goes_on(observed: &Observations) -> bool {
    matches!(&observed.end, Some(Err(AsyncTaskError::Timeout(error))) if error.still_running())
}

/// True for an error that chaos has injected.
fn is_injected(error: &AsyncTaskError) -> bool {
    error.is_panic() || error.downcast_ref::<ChaosError>().is_some()
}

/// Returns the number of rows that cannot be parsed.
fn bad_rows() -> u64 {
    (0..ROWS).filter(|n| is_bad(*n)).count() as u64
}

fn right_end(rt: &DynRuntime, combination: Combination, observed: &Observations) -> Outcome {
    let Combination { end, strategy, fault, .. } = combination;
    let Some(ended) = &observed.end else {
        ensure!(fault == Fault::Dropped, "no end");
        return Ok(());
    };
    let stops = strategy == Strategy::Stop;
    let right = match fault {
        Fault::Nothing | Fault::Retry | Fault::Limiter => ended.is_ok(),
        // Chance may inject nothing.
        Fault::Chaos if stops => ended.as_ref().map_or_else(is_injected, |_| true),
        Fault::Chaos => ended.is_ok(),
        Fault::BadRows if end == End::Publish => ended.is_ok(),
        Fault::BadRows if stops => matches!(ended, Err(AsyncTaskError::Parse { .. })),
        Fault::ReceiverPanics if stops => matches!(ended, Err(error) if error.is_panic()),
        Fault::ReceiverFails if stops => {
            matches!(ended, Err(error) if !(error.is_panic() || error.is_timeout() || error.is_cancelled()))
        }
        Fault::EventTimeout if stops => matches!(ended, Err(error) if error.is_timeout()),
        Fault::BadRows | Fault::ReceiverPanics | Fault::ReceiverFails | Fault::EventTimeout => ended.is_ok(),
        Fault::SourceFails => {
            matches!(ended, Err(error) if !(error.is_panic() || error.is_timeout() || error.is_cancelled()))
        }
        Fault::SourcePanics => matches!(ended, Err(error) if error.is_panic()),
        // The pipeline may end before the request.
        Fault::Graceful | Fault::Kill => ended.as_ref().map_or_else(AsyncTaskError::is_cancelled, |_| true),
        // Here too the pipeline may end first where threads run in parallel: a limit is noticed only when the
        // pipeline is polled.
        Fault::Timeout => {
            let may_end = combination.body == Body::Async || rt.name() != "sim";
            ended.as_ref().map_or_else(AsyncTaskError::is_timeout, |_| may_end)
        }
        Fault::Dropped => false,
    };
    ensure!(right, "it ended with {ended:?}");
    Ok(())
}

fn counts(combination: Combination, observed: &Observations, progress: &Progress) -> Outcome {
    let Combination { source, end, fault, strategy, .. } = combination;
    let Progress { read, handled, rejected, dropped, .. } = *progress;
    ensure!(read == handled + rejected + dropped, "they do not add up: {progress:?}");
    if end == End::Publish {
        return Ok(());
    }
    let due = match &observed.pulled {
        Some(pulled) => pulled.len() as u64,
        None => observed.ledger.successes(),
    };
    let is_right = handled == due || (handled < due && goes_on(observed));
    ensure!(is_right, "{handled} are said to be handled, {due} were: {progress:?}");
    if matches!(source, Source::Items | Source::Stream) {
        ensure!(
            read == observed.given,
            "{read} are said to be read, {} were given: {progress:?}",
            observed.given
        );
    }
    let is_whole = matches!(observed.end, Some(Ok(_)));
    if is_whole {
        ensure!(read == ROWS && dropped == 0, "not all: {progress:?}");
        // The limit of a millisecond may also pass for a row that a busy machine delays, and chaos fails a
        // row before its receiver is called.
        let is_unknown = matches!(fault, Fault::EventTimeout | Fault::Chaos);
        let has_failed = |n: &u64| is_unknown || observed.ledger.failed(*n) > 0;
        let failed = (0..ROWS).filter(|n| observed.ledger.succeeded(*n) == 0 && has_failed(n)).count();
        let bad = if fault == Fault::BadRows { bad_rows() } else { 0 };
        ensure!(rejected == failed as u64 + bad, "{rejected} rejected, {failed} failed: {progress:?}");
    }
    if matches!(fault, Fault::SourceFails | Fault::SourcePanics) && source != Source::Queue {
        let (rows, stopped) = (whole_rows(fault), strategy == Strategy::Stop);
        ensure!(read == rows && (dropped == 0 || stopped), "of {rows} rows before the end: {progress:?}");
    }
    Ok(())
}

/// Checks that each message is acknowledged or given back, and that no row is lost.
async fn leases(
    rt: &DynRuntime,
    combination: Combination,
    observed: &Observations,
    queue: &BoundedQueue,
) -> Outcome {
    let unacknowledged = queue.unacknowledged();
    let mut claims = Vec::new();
    while let Some(more) = poll_once(queue.claim(1, LONG)).await {
        let more = more?;
        if more.is_empty() {
            break;
        }
        claims.extend(more);
    }
    ensure!(claims.len() == unacknowledged, "{} of {unacknowledged} messages came back", claims.len());
    drop(claims);
    let left = rows_of(rt, Source::Queue, queue).await?;
    let is_whole = matches!(observed.end, Some(Ok(_)));
    ensure!(!is_whole || unacknowledged == 0, "{unacknowledged} messages are left at a good end");
    for n in 0..ROWS {
        let is_bad = combination.fault == Fault::BadRows && is_bad(n);
        let is_rejected = observed.ledger.failed(n) > 0 || combination.fault == Fault::Chaos || is_bad;
        let is_settled = observed.ledger.succeeded(n) == 1 || is_rejected;
        ensure!(is_settled || left.contains(&n), "row {n} is lost");
    }
    Ok(())
}

/// Returns the rows that a queue still holds, sorted.
async fn rows_of(rt: &DynRuntime, source: Source, queue: &BoundedQueue) -> Result<Vec<u64>, Failure> {
    queue.close();
    let rows = Arc::<Mutex<Vec<u64>>>::default();
    let (pushed, queue) = (rows.clone(), queue.clone());
    AsyncTask::emits::<Number>()
        .on(rt)
        .on_error(ErrorStrategy::ContinueOnError)
        .sender(move |sources| {
            let queue = sources.of_queue(&queue).with_lease(LONG);
            match source {
                Source::Csv | Source::Gzip | Source::Zstd => queue.csv(),
                Source::Json => queue.json_lines(),
                _ => queue.lines(),
            }
        })
        .for_each(move |event: Event<Number>| {
            pushed.lock().unwrap_or_else(PoisonError::into_inner).push(event.take_data().n);
        })
        .await?;
    let mut rows = rows.lock().unwrap_or_else(PoisonError::into_inner).clone();
    rows.sort_unstable();
    Ok(rows)
}

/// Checks that each row is published once, or is missing together with its whole message.
async fn published(
    rt: &DynRuntime,
    combination: Combination,
    observed: &Observations,
    queue: &BoundedQueue,
) -> Outcome {
    let Combination { source, fault, .. } = combination;
    let messages = queue.unacknowledged() as u64;
    if let Some(progress) = &observed.progress {
        // A message whose publishing was stopped may be in the queue.
        let is_stopped = matches!(fault, Fault::Kill | Fault::Graceful | Fault::Timeout);
        let most = progress.handled + if is_stopped { WORKERS } else { 0 };
        ensure!((progress.handled..=most).contains(&messages), "{messages} messages: {progress:?}");
    }
    let rows = rows_of(rt, source, queue).await?;
    ensure!(rows.windows(2).all(|two| matches!(two, [a, b] if a < b)), "published twice: {rows:?}");
    if matches!(observed.end, Some(Ok(_))) {
        let is_bad = |n: &u64| fault == Fault::BadRows && is_bad(*n);
        let due = (0..ROWS).filter(|n| !is_bad(n)).count();
        let lost = match fault {
            // The queue refuses one message, or panics at it.
            Fault::ReceiverFails | Fault::ReceiverPanics => CHUNK,
            Fault::Chaos => due,
            _ => 0,
        };
        ensure!((due - lost..=due).contains(&rows.len()), "{} rows of {due}: {rows:?}", rows.len());
    }
    Ok(())
}
