//! The values that were handled: each once, in order where there is one, and in their places.

use std::collections::{BTreeMap, BTreeSet};

use super::super::drive::Observations;
use super::super::ledger::{CallEnd, KEYS, Value};
use super::super::table::{Combination, End, Enough, Mode, Strategy};
use super::super::work::LAST;
use super::expected::{Expected, Fate};
use crate::kit::prelude::*;

pub(super) fn check(combination: Combination, observed: &Observations, expected: &Expected) -> Outcome {
    once(combination, observed)?;
    in_order(combination, observed)?;
    collected(observed)?;
    folded(observed)?;
    taken(combination, observed, expected)
}

/// Checks that no value was handled twice in an attempt, and no row after it had succeeded.
fn once(combination: Combination, observed: &Observations) -> Outcome {
    let calls = observed.ledger.calls();
    let mut seen = BTreeSet::new();
    for call in &calls {
        ensure!(seen.insert(call.value), "called twice: {:?}", call.value);
        let retries = combination.strategy == Strategy::Retry || call.value.attempt == 1;
        ensure!(retries && call.value.attempt <= 3, "an attempt too many: {:?}", call.value);
    }
    let mut done = BTreeMap::new();
    for call in calls.iter().filter(|call| matches!(call.end, CallEnd::Succeeded | CallEnd::Broke)) {
        let Value { row, attempt, part } = call.value;
        // The last value of a row ends it. In a batch, another row may have failed with it.
        if part + 1 == combination.parts(row) {
            let before = done.insert(row, attempt);
            ensure!(before.is_none(), "row {row} succeeded in {before:?}, and in attempt {attempt}");
        }
    }
    Ok(())
}

/// Checks the order of the calls, and that those which come one at a time do.
fn in_order(combination: Combination, observed: &Observations) -> Outcome {
    let calls = observed.ledger.calls();
    // Attempts at a batch follow each other.
    let mut seen = BTreeSet::new();
    let first: Vec<(u64, u64)> = calls
        .iter()
        .map(|call| (call.value.row, call.value.part))
        .filter(|value| seen.insert(*value))
        .collect();
    let (most, most_of_key) = observed.ledger.most();
    if combination.is_in_order() {
        ensure!(first.is_sorted(), "not in source order: {first:?}");
        ensure!(most <= 1, "{most} receivers at the same time");
    }
    ensure!(most <= combination.most_workers(), "{most} receivers at the same time");
    if combination.stages.has_keys() {
        ensure!(most_of_key <= 1, "{most_of_key} receivers of one key at the same time");
        for key in 0..KEYS {
            let of_key: Vec<_> = first.iter().filter(|(row, _)| row % KEYS == key).collect();
            ensure!(of_key.is_sorted(), "key {key} is not in source order: {of_key:?}");
        }
    }
    let goes_on_after = first.iter().any(|(row, _)| *row > LAST);
    let breaks = calls.iter().any(|call| call.end == CallEnd::Broke);
    let is_one_by_one = combination.is_in_order() && !combination.mode.is_batched();
    ensure!(!(breaks && is_one_by_one && goes_on_after), "rows after the end were handed out: {first:?}");
    Ok(())
}

/// Checks that exactly what succeeded was collected.
fn collected(observed: &Observations) -> Outcome {
    let Some(collected) = &observed.collected else { return Ok(()) };
    let mut due = BTreeMap::new();
    let mut failed = BTreeSet::new();
    for call in observed.ledger.calls() {
        let Value { row, part, attempt } = call.value;
        match call.end {
            CallEnd::Succeeded | CallEnd::Broke => drop(due.insert((row, part), attempt)),
            CallEnd::Failed | CallEnd::None => drop(failed.insert((row, attempt))),
        }
    }
    // An attempt that has failed for one value has collected nothing.
    due.retain(|(row, _), attempt| !failed.contains(&(*row, *attempt)));
    let found: BTreeMap<_, _> = collected.iter().map(|(value, attempt)| (*value, *attempt)).collect();
    let is_late = observed.goes_on() && found.iter().all(|(value, attempt)| due.get(value) == Some(attempt));
    ensure!(found == due || is_late, "collected {found:?}, and {due:?} were to be");
    Ok(())
}

/// Checks that exactly what the function has taken was folded.
fn folded(observed: &Observations) -> Outcome {
    let Some(folded) = &observed.folded else { return Ok(()) };
    let mut folded = folded.clone();
    let calls = observed.ledger.calls().into_iter();
    let succeeded = calls.filter(|call| matches!(call.end, CallEnd::Succeeded | CallEnd::Broke));
    let mut due: Vec<Value> = succeeded.map(|call| call.value).collect();
    folded.sort_unstable();
    due.sort_unstable();
    ensure!(folded == due, "folded {folded:?}, and {due:?} were to be");
    Ok(())
}

/// Checks the values that went to an end without a receiver.
fn taken(combination: Combination, observed: &Observations, expected: &Expected) -> Outcome {
    if combination.end.has_receiver() || combination.end == End::Publish {
        return Ok(());
    }
    let taken = observed.taken_in_order();
    let mut sorted = taken.clone();
    sorted.sort_unstable();
    sorted.dedup();
    ensure!(sorted.len() == taken.len(), "taken twice: {taken:?}");
    let is_in_order = combination.is_in_order() || combination.end == End::List;
    ensure!(!is_in_order || taken.is_sorted(), "not in source order: {taken:?}");
    for (row, part) in &taken {
        ensure!(*part < combination.parts(*row), "a value that was never made: {row}/{part}");
        let is_whole = expected.is_done(*row) || matches!(combination.end, End::Pull | End::Forward);
        ensure!(is_whole, "row {row} is there in part: {taken:?}");
        // A sink gets the values of a row that it refuses until it does.
        let is_right = combination.fate(*row) != Fate::Rejected || combination.end == End::Forward;
        ensure!(is_right, "row {row} was to be rejected: {taken:?}");
    }
    let is_first = combination.enough == Enough::Take && combination.is_in_order();
    if let (true, Some((last, _))) = (is_first && combination.mode != Mode::Adaptive, taken.last()) {
        let rows = combination.rows().filter(|row| row <= last && combination.fate(*row) == Fate::Handled);
        ensure!(rows.eq(taken.iter().map(|(row, _)| *row)), "not the first ones: {taken:?}");
    }
    Ok(())
}
