//! The invariants of each run, whatever features and faults it combines.
//!
//! - `expected`: the fate of each row, and the rows that are done
//! - `end`: the result of the pipeline
//! - `values`: the values that were handled, once and in order, and their places
//! - `counts`: the counts that add up
//! - `places`: files, sinks, and the permits that are back
//! - `queues`: the messages that were read, and those that chunks were published as
//! - `messages`: the messages that values were published as

mod counts;
mod end;
mod expected;
mod messages;
mod places;
mod queues;
mod values;

use crate::library::DynRuntime;

use super::drive::Observations;
use super::table::{Combination, Fault, Source};
use crate::kit::prelude::*;
use expected::Expected;

/// Checks `observed` against everything that is promised of `combination`.
pub(super) async fn check(rt: &DynRuntime, combination: Combination, observed: &Observations) -> Outcome {
    end::check(rt, combination, observed)?;
    let late = observed.ledger.late();
    ensure!(late == 0, "{late} calls after the end");
    let expected = Expected::new(combination, observed);
    values::check(combination, observed, &expected)?;
    counts::check(combination, observed, &expected)?;
    places::check(rt, combination, observed).await?;
    messages::check(combination, observed, &expected)?;
    // Messages are read by a pipeline, which a runtime that was shut down does not start.
    if combination.fault == Fault::Shutdown {
        return Ok(());
    }
    if combination.source == Source::Queue {
        queues::leases(rt, combination, observed, &expected).await?;
    }
    messages::read_back(rt, observed).await?;
    queues::published(rt, combination, observed).await
}

/// Checks that a combination was refused, with one of the texts for that, before anything was called.
pub(super) fn refused(combination: Combination, observed: &Observations) -> Outcome {
    match &observed.end {
        Some(Err(AsyncTaskError::InvalidConfig(text))) => {
            let is_due = combination.refused_with().any(|due| text.contains(due));
            ensure!(is_due, "it is refused with another text: {text}");
        }
        other => bail!("it is not refused: {other:?}"),
    }
    ensure!(observed.ledger.calls().is_empty(), "a receiver was called");
    let published = observed.places.published.unacknowledged();
    ensure!(published == 0, "{published} messages were published");
    let left_as_it_was = !combination.end.writes() || observed.places.is_unchanged()?;
    ensure!(left_as_it_was, "a file was written");
    Ok(())
}
