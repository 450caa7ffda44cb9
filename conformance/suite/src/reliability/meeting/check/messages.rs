//! The messages that values were published as: each has a key of its own, which says the rows, and a claimed chunk
//! that an error has cut short is in none.
//!
//! [`values`](super::values) checks the values in them.

use std::collections::{BTreeMap, BTreeSet};

use crate::library::DynRuntime;

use super::super::drive::Observations;
use super::super::messages::{JOB, Published};
use super::super::number::CHUNK;
use super::super::table::{Combination, Enough, Source};
use super::expected::{Expected, Fate};
use super::queues::values_of;
use crate::kit::prelude::*;

/// Checks the keys of the messages, and the rows that they have.
pub(super) fn check(combination: Combination, observed: &Observations, expected: &Expected) -> Outcome {
    let Some(messages) = &observed.messages else { return Ok(()) };
    let is_claimed = combination.source == Source::Queue;
    let (mut keys, mut chunks) = (BTreeSet::new(), BTreeMap::new());
    for message in messages {
        let Published { key, lines, values } = message;
        ensure!(keys.insert(key), "two messages have the key {key}");
        ensure!(*lines == values.len() as u64, "{key} says that it has {lines} values: {values:?}");
        ensure!(values.is_sorted(), "{key} is not in source order: {values:?}");
        let (chunk, first, last) = parts(key).with_context(|| format!("another key: {key}"))?;
        let (Some((begin, _)), Some((end, _))) = (values.first(), values.last()) else {
            bail!("{key} has no values")
        };
        // Rows without a value are at neither end of a message. Some have no text.
        let is_right = first <= last && end - begin <= last - first && last - first < CHUNK as u64;
        ensure!(is_right, "{key} has other rows: {values:?}");
        if !is_claimed {
            let is_of_second = chunk == "1" && combination.options.has_two_sources();
            ensure!(chunk == "0" || is_of_second, "{key} is of another source");
            continue;
        }
        ensure!(first == begin % CHUNK as u64, "{key} has other rows: {values:?}");
        let known = *chunks.entry(chunk).or_insert(begin / CHUNK as u64);
        let is_of_one = values.iter().all(|(row, _)| row / CHUNK as u64 == known);
        ensure!(is_of_one, "{key} has rows of another chunk than {known}: {values:?}");
    }
    let of_chunks: BTreeSet<_> = chunks.values().copied().collect();
    ensure!(of_chunks.len() == chunks.len(), "a chunk has two keys: {chunks:?}");
    // Rows that are handled one by one are published one by one. What is wanted of a chunk is published without
    // the rest of it.
    if !combination.stages.has_keys() && combination.enough == Enough::All {
        whole(combination, observed, expected, &of_chunks)?;
    }
    let Some(progress) = &observed.progress else { return Ok(()) };
    let rows: BTreeSet<u64> = observed.taken().into_iter().map(|(row, _)| row).collect();
    ensure!(rows.len() as u64 <= progress.handled, "{} rows were published: {progress:?}", rows.len());
    Ok(())
}

/// The parts of a key: the chunk or the source, and the first and the last row.
fn parts(key: &str) -> Option<(&str, u64, u64)> {
    let (chunk, rows) = key.strip_prefix(JOB)?.strip_prefix('/')?.rsplit_once('/')?;
    let (first, last) = rows.split_once('-')?;
    Some((chunk, first.parse().ok()?, last.parse().ok()?))
}

/// Checks that a claimed chunk which has published something has published all its rows that were not rejected.
fn whole(
    combination: Combination,
    observed: &Observations,
    expected: &Expected,
    chunks: &BTreeSet<u64>,
) -> Outcome {
    for row in combination.rows().filter(|row| chunks.contains(&(row / CHUNK as u64))) {
        let may_be_rejected = combination.fate(row) != Fate::Handled || observed.ledger.has_failed(row);
        ensure!(
            expected.is_done(row) || may_be_rejected,
            "row {row} is missing in its chunk: {:?}",
            observed.taken()
        );
    }
    Ok(())
}

/// Checks that a pipeline reads the same values out of the messages.
pub(super) async fn read_back(rt: &DynRuntime, observed: &Observations) -> Outcome {
    if observed.messages.is_none() {
        return Ok(());
    }
    let read = values_of(rt, Source::Json, &observed.places.published).await?;
    let due: Vec<_> = observed.taken().into_iter().collect();
    ensure!(read == due, "a pipeline reads {read:?}, and {due:?} were published");
    Ok(())
}
