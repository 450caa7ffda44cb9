//! Pipelines, formats: the inputs that other parsers of CSV are tested with give the rows that they give there.
//! The table has the rows of the documented dialect where that is another one, and the reason.
//!
//! The inputs are those of the csv crate and csv-core (`rust_csv`), of PapaParse (`papa_parse`,
//! `papa_parse_core`), of Python's module `csv` (`python`), and the files of csv-spectrum (`csv_spectrum`). Tests
//! of what this library does not do are left out: writing, guessing a dialect, finding types, marks of several
//! characters, seeking. So are tests of buffers, and of values that are read through serde, which has cases of
//! its own.

mod csv_spectrum;
mod input;
mod papa_parse;
mod papa_parse_core;
mod python;
mod rust_csv;

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use crate::library::pipeline::Row;

use crate::kit::prelude::*;
use crate::kit::{Raw, Sample, collect_rows};
use input::{Due, Input, Set};

pub async fn inputs_of_rust_csv_give_the_rows_that_are_due<R: Runtime>(rt: R, facts: Facts) -> Outcome {
    all(&rt, facts, rust_csv::INPUTS).await
}

pub async fn inputs_of_papa_parse_give_the_rows_that_are_due<R: Runtime>(rt: R, facts: Facts) -> Outcome {
    all(&rt, facts, papa_parse_core::INPUTS).await?;
    all(&rt, facts, papa_parse::INPUTS).await
}

pub async fn inputs_of_python_give_the_rows_that_are_due<R: Runtime>(rt: R, facts: Facts) -> Outcome {
    all(&rt, facts, python::INPUTS).await
}

pub async fn files_of_csv_spectrum_give_the_rows_that_are_due<R: Runtime>(rt: R, facts: Facts) -> Outcome {
    all(&rt, facts, csv_spectrum::FILES).await
}

/// The rows that were read, after the header, and line and reason of each rejected one.
type Found = (Vec<Raw>, Vec<(u64, String)>);

/// Reads every input in every way, and reports all that are wrong. A flavour with many seeds reads each input in
/// one way for each seed.
async fn all<R: Runtime>(rt: &R, facts: Facts, inputs: &[Input]) -> Outcome {
    let mut ways = Vec::new();
    for chunk in [1.rows(), 7.bytes(), 1.mib()] {
        ways.extend([1, 4].map(|workers| Sample { chunk, workers }));
    }
    let mut wrong = String::new();
    for input in inputs {
        let drawn = rt.entropy() % ways.len() as u64;
        for (index, way) in (0..).zip(&ways) {
            if facts.virtual_time && index != drawn {
                continue;
            }
            let found = read(rt, *input, *way).await;
            if !is_due(input, &found) {
                let Input { name, due, differs, .. } = input;
                let Sample { chunk, workers } = way;
                write!(wrong, "\n{name}, {chunk:?}, {workers} workers: {found:?} in place of {due:?}")?;
                if let Some(reason) = differs {
                    write!(wrong, ", since {reason}")?;
                }
            }
        }
    }
    ensure!(wrong.is_empty(), "{wrong}");
    Ok(())
}

async fn read<R: Runtime>(rt: &R, input: Input, way: Sample) -> Result<Found, AsyncTaskError> {
    let header = Arc::new(Mutex::new(None));
    let seen = header.clone();
    let (rows, summary) = collect_rows::<Row, _, _>(rt, way.workers, move |sources| {
        let has = |option| input.options.contains(&option);
        let source = sources.of_bytes(input.text).with_headers(has(Set::Header));
        let source = if has(Set::OneWidth) { source } else { source.flexible() };
        let source = input.options.iter().fold(source, |source, option| option.on(source));
        let source = match has(Set::Header) {
            true => source.on_header(move |header| {
                let names: Raw = header.names().map(ToOwned::to_owned).collect();
                *seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(names);
            }),
            false => source,
        };
        source.into_chunks(way.chunk);
    })
    .await?;
    let text = |field: &[u8]| String::from_utf8_lossy(field).into_owned();
    let rows = rows.iter().map(|(_, row)| row.iter().map(text).collect());
    let header = header.lock().unwrap_or_else(PoisonError::into_inner).take();
    let rejected = summary.errors().iter().map(|error| match error.error() {
        AsyncTaskError::Parse { position, reason, .. } => (position.line().unwrap_or(0), reason.to_string()),
        other => (0, format!("{other:?}")),
    });
    Ok((header.into_iter().chain(rows).collect(), rejected.collect()))
}

fn is_due(input: &Input, found: &Result<Found, AsyncTaskError>) -> bool {
    match (input.due, found) {
        (Due::Read(rows, rejected), Ok((found, bad))) => {
            let same = |((line, reason), (due, part)): (&(u64, String), &(u64, &str))| {
                line == due && reason.contains(part)
            };
            *found == *rows && bad.len() == rejected.len() && bad.iter().zip(rejected).all(same)
        }
        (Due::Refused(part), Err(AsyncTaskError::InvalidConfig(reason))) => reason.contains(part),
        (Due::Unreadable(part), Err(error @ AsyncTaskError::Io { .. })) => error.to_string().contains(part),
        _ => false,
    }
}
