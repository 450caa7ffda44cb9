//! The places that a run has used: files are whole or as they were, sinks are closed or dropped, rejected rows are
//! all there, and permits are back.

use std::fs;

use crate::library::DynRuntime;

use super::super::drive::Observations;
use super::super::number::Number;
use super::super::places::{OLD, OPEN, Places};
use super::super::table::{Combination, End, Fault, Options, Policy};
use crate::kit::prelude::*;

pub(super) async fn check(rt: &DynRuntime, combination: Combination, observed: &Observations) -> Outcome {
    if combination.end.writes() {
        written(combination, observed)?;
    }
    if combination.end == End::Forward {
        sink(combination, observed)?;
    }
    rejected(combination, observed)?;
    files(combination, observed)?;
    permits(rt, combination, observed).await
}

/// True if a file, a row or a list may be missing, since nothing of the pipeline ran after its stop.
fn is_killed(combination: Combination) -> bool {
    matches!(combination.fault, Fault::Kill | Fault::KillHard | Fault::Dropped | Fault::Shutdown)
}

impl Places {
    /// True if the file that was there is as it was.
    pub(super) fn is_unchanged(&self) -> Result<bool, Failure> {
        Ok(fs::read_to_string(self.written_path())? == OLD)
    }

    /// The values of the file that was written; `None` if it is as it was.
    pub(in super::super) fn written(
        &self,
        combination: Combination,
    ) -> Result<Option<Vec<(u64, u64)>>, Failure> {
        if !combination.end.writes() || self.is_unchanged()? {
            return Ok(None);
        }
        let path = self.written_path();
        let numbers: Vec<Number> = match combination.end {
            End::Csv => csv::Reader::from_path(path)?.into_deserialize().collect::<Result<_, _>>()?,
            End::Json => {
                let text = fs::read_to_string(path)?;
                text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?
            }
            _ => fs::read_to_string(path)?.lines().map(str::parse).collect::<Result<_, _>>()?,
        };
        Ok(Some(numbers.iter().map(|number| (number.row(), number.part)).collect()))
    }
}

/// Checks that the file is whole after a success, and as it was otherwise.
fn written(combination: Combination, observed: &Observations) -> Outcome {
    let is_new = observed.written.is_some();
    let is_right = match &observed.end {
        Some(Ok(_)) => is_new,
        // The stop may come while the file is put in its place. It is whole then.
        Some(Err(error)) if error.is_panic() || error.is_failure() => !is_new,
        _ if is_killed(combination) || combination.fault == Fault::Timeout => true,
        _ => !is_new,
    };
    ensure!(is_right, "the file is new: {is_new}, at the end {:?}", observed.end);
    Ok(())
}

/// Checks that the sink was closed after a success, and is not closed otherwise.
fn sink(combination: Combination, observed: &Observations) -> Outcome {
    let seen =
        observed.places.tray.with(|content| (content.is_closed, content.is_dropped, content.is_flushed));
    let (is_closed, is_dropped, is_flushed) = seen;
    ensure!(is_dropped, "the sink is still there");
    let is_right = match &observed.end {
        Some(Ok(_)) => is_closed && is_flushed,
        _ if is_killed(combination) || combination.fault == Fault::Timeout => true,
        _ => !is_closed,
    };
    ensure!(is_right, "(closed, dropped, flushed) are {seen:?}, at the end {:?}", observed.end);
    Ok(())
}

/// Checks that all rejected rows were written.
fn rejected(combination: Combination, observed: &Observations) -> Outcome {
    let Some(progress) = &observed.progress else { return Ok(()) };
    let mut rows = match combination.options {
        Options::RejectsSink => observed.places.rejects.get(),
        Options::RejectsFile => {
            let path = observed.places.rejects_path();
            // It is put in its place at the end; a pipeline that has not begun has none.
            let is_optional = is_killed(combination) || progress.read == 0;
            if !path.exists() {
                ensure!(is_optional, "no file of rejected rows, at the end {:?}", observed.end);
                return Ok(());
            }
            let mut reader = csv::Reader::from_path(path)?;
            let row = |row: csv::StringRecord| -> Result<(u64, u64), Failure> {
                let number =
                    |index| row.get(index).context("a column is missing")?.parse().context("no number");
                Ok((number(3)?, number(4)?))
            };
            reader.records().map(|record| row(record?)).collect::<Result<_, _>>()?
        }
        _ => return Ok(()),
    };
    if matches!(combination.fault, Fault::RejectsFails | Fault::RejectsPanics) {
        return Ok(());
    }
    let sum: u64 = rows.iter().map(|(_, rows)| rows).sum();
    rows.sort_unstable();
    rows.dedup_by_key(|(sequence, _)| *sequence);
    ensure!(rows.iter().map(|(_, rows)| rows).sum::<u64>() == sum, "written twice: {rows:?}");
    let is_whole = sum == progress.rejected || (is_killed(combination) && sum < progress.rejected);
    ensure!(is_whole, "{sum} rejected rows were written: {progress:?}");
    Ok(())
}

/// Checks that no temporary file is left.
fn files(combination: Combination, observed: &Observations) -> Outcome {
    let written = usize::from(combination.end.writes());
    let rejects = combination.options == Options::RejectsFile && observed.places.rejects_path().exists();
    let (files, due) = (observed.places.files()?, written + usize::from(rejects));
    ensure!(files == due, "{files} files are there, and {due} were to be");
    Ok(())
}

/// Checks that no permit is held, and that a breaker which is half-open admits a call.
async fn permits(rt: &DynRuntime, combination: Combination, observed: &Observations) -> Outcome {
    let Places { limiter, breaker, .. } = &observed.places;
    let held = (limiter.under_way(), limiter.waiting());
    ensure!(held == (0, 0), "(under way, waiting) at the limiter are {held:?}");
    if combination.policy == Policy::Breaker && combination.fault != Fault::Shutdown {
        rt.sleep_until(rt.now() + OPEN).await;
        let call = AsyncTask::to::<()>().on(rt).circuit_breaker(breaker).run(|| async {});
        call.await.context("a probe is lost")?;
    }
    Ok(())
}
