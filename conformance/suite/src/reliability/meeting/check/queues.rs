//! The messages of queues: none is lost or held. The values of a message that was acknowledged are published.

use std::sync::{Arc, Mutex, PoisonError};

use crate::library::DynRuntime;
use crate::library::pipeline::{BoundedQueue, Claims, Queue as _};

use super::super::drive::Observations;
use super::super::number::{CHUNK, Number};
use super::super::stages::TAKEN;
use super::super::table::{Combination, End, Enough, Fault, Options, Policy, Source, Strategy};
use super::expected::{Expected, Fate};
use crate::kit::prelude::*;
use crate::kit::published::LONG;

/// The most workers, each of which may publish a message while it is stopped.
const WORKERS: u64 = 4;

/// Checks that each message is acknowledged or given back, and that no row is lost.
pub(super) async fn leases(
    rt: &DynRuntime,
    combination: Combination,
    observed: &Observations,
    expected: &Expected,
) -> Outcome {
    let Some(queue) = &observed.read_from else { return Ok(()) };
    let unacknowledged = queue.unacknowledged();
    let mut claims = Vec::new();
    while let Some(Claims::Messages(more)) = poll_once(queue.claim(None, 1, LONG)).await.transpose()? {
        claims.extend(more);
    }
    ensure!(claims.len() == unacknowledged, "{} of {unacknowledged} messages came back", claims.len());
    drop(claims);
    let left: Vec<u64> = values_of(rt, Source::Queue, queue).await?.into_iter().map(|(row, _)| row).collect();
    let is_whole = observed.summary().is_some() && combination.enough == Enough::All;
    let is_skipped = combination.options == Options::Skip;
    ensure!(
        !is_whole || is_skipped || unacknowledged == 0,
        "{unacknowledged} messages are left at a good end"
    );
    // Of a list that was given up nothing is known. Messages show what was published.
    if !(expected.is_known(observed) || combination.end == End::PublishItems) {
        return Ok(());
    }
    for row in combination.rows() {
        let may_be_rejected = combination.fate(row) != Fate::Handled || observed.ledger.has_failed(row);
        let is_settled = expected.is_done(row) || may_be_rejected;
        ensure!(is_settled || left.contains(&row), "row {row} is lost");
    }
    Ok(())
}

/// Returns the values that a queue still holds, by row and part, sorted.
pub(super) async fn values_of(
    rt: &DynRuntime,
    source: Source,
    queue: &BoundedQueue,
) -> Result<Vec<(u64, u64)>, Failure> {
    queue.close();
    let values = Arc::<Mutex<Vec<(u64, u64)>>>::default();
    let (pushed, queue) = (values.clone(), queue.clone());
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
            let number = event.data();
            pushed.lock().unwrap_or_else(PoisonError::into_inner).push((number.row(), number.part));
        })
        .await?;
    let mut values = values.lock().unwrap_or_else(PoisonError::into_inner).clone();
    values.sort_unstable();
    Ok(values)
}

/// Checks that each row is published once, or is missing together with its whole message.
pub(super) async fn published(rt: &DynRuntime, combination: Combination, observed: &Observations) -> Outcome {
    let Combination { source, fault, enough, strategy, policy, end, .. } = combination;
    if end != End::Publish {
        return Ok(());
    }
    let messages = observed.places.published.unacknowledged() as u64;
    if let Some(progress) = &observed.progress {
        // A message whose publishing was stopped may be in the queue.
        let is_stopped = matches!(
            fault,
            Fault::Kill
                | Fault::KillHard
                | Fault::Graceful
                | Fault::Timeout
                | Fault::ProgressPanics
                | Fault::RejectsPanics
                | Fault::AskPanics
        );
        let most = progress.handled + if is_stopped { WORKERS } else { 0 };
        ensure!((progress.handled..=most).contains(&messages), "{messages} messages: {progress:?}");
        ensure!(enough != Enough::Take || messages <= TAKEN, "{messages} messages");
    }
    let rows = values_of(rt, source, &observed.places.published).await?;
    ensure!(rows.windows(2).all(|two| matches!(two, [a, b] if a < b)), "published twice: {rows:?}");
    if observed.summary().is_some() && enough == Enough::All {
        let bad = combination.has_bad_rows();
        let due = combination.rows().filter(|row| !bad || combination.fate(*row) != Fate::Rejected).count();
        let fails_once = matches!(fault, Fault::ReceiverFails | Fault::ReceiverPanics | Fault::FailsOnce);
        let lost = match policy {
            Policy::Chaos => due,
            Policy::Breaker if fails_once => due,
            // The queue refuses one message, or panics at it.
            _ if fails_once && strategy != Strategy::Stop => CHUNK,
            // The rows of a chunk that was not finished when the source failed.
            _ if matches!(fault, Fault::SourceFails | Fault::SourcePanics) => CHUNK,
            _ => 0,
        };
        ensure!((due - lost..=due).contains(&rows.len()), "{} rows of {due}: {rows:?}", rows.len());
    }
    Ok(())
}
