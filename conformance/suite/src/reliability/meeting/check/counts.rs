//! The counts of a run: they add up, and are those of what was handled.

use super::super::drive::Observations;
use super::super::stages::TAKEN;
use super::super::table::{Combination, End, Enough, Fault, Options, Policy, Source};
use super::super::work::LAST;
use super::expected::{Expected, Fate};
use crate::kit::prelude::*;
use crate::library::pipeline::Progress;

pub(super) fn check(combination: Combination, observed: &Observations, expected: &Expected) -> Outcome {
    let Some(progress) = &observed.progress else { return Ok(()) };
    let Progress { read, handled, rejected, dropped, .. } = *progress;
    ensure!(read == handled + rejected + dropped, "they do not add up: {progress:?}");
    if let Some(summary) = observed.summary() {
        let counts = (summary.read(), summary.handled(), summary.rejected(), summary.dropped());
        ensure!(counts == (read, handled, rejected, dropped), "two answers: {summary:?}, {progress:?}");
        ensure!(summary.duplicates() == 0, "{} duplicates", summary.duplicates());
        let skipped = u64::from(combination.options == Options::Skip && combination.is_of_source());
        let may_not_reach = skipped == 1 && combination.enough != Enough::All;
        let failed = summary.failed_sources();
        ensure!(
            failed == skipped || (failed == 0 && may_not_reach),
            "{failed} sources have failed: {summary:?}"
        );
    }
    if combination.end == End::Publish {
        return Ok(());
    }
    if expected.is_known(observed) {
        let (least, most) = (expected.done_with_values(), expected.done());
        let is_right = (least..=most).contains(&handled) || (handled < least && observed.goes_on());
        ensure!(is_right, "{handled} are said to be handled, {least} to {most} were: {progress:?}");
    }
    if matches!(combination.source, Source::Items | Source::Stream) {
        let given = observed.given;
        ensure!(read == given, "{read} are said to be read, {given} were given: {progress:?}");
    }
    if observed.summary().is_some() {
        match combination.enough {
            Enough::All => whole(combination, expected, progress)?,
            Enough::Take => taken(combination, observed, progress)?,
            Enough::Break => until_enough(combination, observed, expected)?,
        }
    } else if combination.is_of_source()
        && combination.source != Source::Queue
        && combination.policy != Policy::Chaos
    {
        let (rows, stops) = (combination.rows().count() as u64, combination.may_stop());
        // Of two sources at once, the other one may not be read to its end.
        if combination.options == Options::TwoAtOnce {
            ensure!(read <= rows, "of {rows} rows before the end: {progress:?}");
            return Ok(());
        }
        ensure!(read == rows && (dropped == 0 || stops), "of {rows} rows before the end: {progress:?}");
    }
    Ok(())
}

impl Combination {
    fn is_of_source(self) -> bool {
        matches!(self.fault, Fault::SourceFails | Fault::SourcePanics)
    }
}

/// Checks the counts of a run to the end of its sources.
fn whole(combination: Combination, expected: &Expected, progress: &Progress) -> Outcome {
    let rows = combination.rows();
    let is_read_to_its_end = !(combination.is_of_source() && combination.source == Source::Queue);
    if !is_read_to_its_end {
        return Ok(());
    }
    ensure!(progress.read == rows.clone().count() as u64 && progress.dropped == 0, "not all: {progress:?}");
    let least = match (combination.policy, combination.fault) {
        // The limit of an event may pass between the filter that leaves none of its values and its end.
        (Policy::EventTimeout, Fault::Hangs) => expected.done_with_values(),
        _ => expected.done(),
    };
    let is_right = (least..=expected.done()).contains(&progress.handled);
    ensure!(is_right, "{least} to {} were handled: {progress:?}", expected.done());
    for row in rows {
        let is_right = match combination.fate(row) {
            Fate::Handled => expected.is_done(row),
            Fate::Rejected => !expected.is_done(row),
            Fate::Unknown => true,
        };
        ensure!(is_right, "row {row}: {:?}, done: {}", combination.fate(row), expected.is_done(row));
    }
    Ok(())
}

/// Checks that as many events were handed out as are wanted.
fn taken(combination: Combination, observed: &Observations, progress: &Progress) -> Outcome {
    let rows = combination
        .rows()
        .filter(|row| !combination.has_bad_rows() || combination.fate(*row) != Fate::Rejected);
    let due = TAKEN.min(rows.count() as u64);
    let is_short = combination.is_of_source() && combination.source == Source::Queue;
    let (least, most) = (progress.handled, progress.handled + progress.rejected);
    let is_right = match (combination.has_bad_rows(), combination.policy) {
        // Those that cannot be parsed are rejected too.
        (true, Policy::Chaos) => (least..=most).contains(&due),
        (true, _) => least == due,
        (false, _) => most == due,
    };
    ensure!(is_right || (is_short && most < due), "{due} were wanted: {progress:?}");
    let mut called: Vec<u64> = match combination.end.has_receiver() {
        true => observed.ledger.calls().iter().map(|call| call.value.row).collect(),
        false => observed.taken().iter().map(|(row, _)| *row).collect(),
    };
    called.sort_unstable();
    called.dedup();
    ensure!(called.len() as u64 <= due, "{called:?} were handed out");
    Ok(())
}

/// Checks that everything before the break was handled.
fn until_enough(combination: Combination, observed: &Observations, expected: &Expected) -> Outcome {
    let Some(summary) = observed.summary() else { return Ok(()) };
    // An earlier source may not be read as far as that.
    if combination.options == Options::TwoAtOnce && !combination.is_in_order() {
        return Ok(());
    }
    // Chance may reject the row that breaks.
    if combination.fate(LAST) != Fate::Handled || !expected.is_done(LAST) {
        return Ok(());
    }
    let before = combination.rows().filter(|row| *row <= LAST);
    for row in before.filter(|row| combination.fate(*row) == Fate::Handled) {
        ensure!(expected.is_done(row), "row {row} was before the end: {summary:?}");
    }
    Ok(())
}
