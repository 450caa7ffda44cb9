//! P7: CSV that is read into typed rows and folded, against csv + serde in one thread; and rows that borrow,
//! with all columns summed, against polars.

#![allow(clippy::print_stdout, reason = "a benchmark's result is what it prints")]

use std::process::{Command, Stdio};
use std::time::Duration;

use sweet_async::pipeline::{ChunkSizeExt as _, Event, FieldError, PipelineBuilder, Row as CsvRow};

use crate::backend::Backend;
use crate::data::{Csv, Record};
use crate::measure::{Row, check, timed};
use crate::{Failure, Size};

/// Folds the file with a pipeline.
///
/// # Errors
///
/// The error of the pipeline, or a wrong result.
pub async fn fold<B: Backend>(
    backend: &B,
    csv: &Csv,
    chunk_kib: usize,
    workers: usize,
) -> Result<(), Failure> {
    let path = csv.path().to_owned();
    let add = |(sum, amount): &mut (u64, f64), event: Event<Record>| {
        *sum += u64::from(event.data().quantity);
        *amount += event.data().amount;
    };
    let (folded, summary) = PipelineBuilder::<Record, _>::new(backend.runtime().clone())
        .workers(workers)
        .sender(move |sources| sources.of_file(path).into_chunks(chunk_kib.kib()))
        .fold(|| (0, 0.0), add, |a, b| (a.0 + b.0, a.1 + b.1))
        .await?;
    check(&folded.0, &csv.quantity)?;
    check(&summary.handled(), &csv.rows)
}

/// The peer: csv + serde in one thread.
///
/// # Errors
///
/// The error of the reader, or a wrong result.
pub fn serial(csv: &Csv) -> Result<(), Failure> {
    let (mut sum, mut amount) = (0, 0.0);
    for record in csv.reader()?.deserialize::<Record>() {
        let record = record?;
        sum += u64::from(record.quantity);
        amount += record.amount;
    }
    std::hint::black_box(amount);
    check(&sum, &csv.quantity)
}

/// The sums of all columns; of text, its bytes.
#[derive(Clone, Copy, Default)]
struct Sums {
    id: u64,
    amount: f64,
    quantity: u64,
    text: u64,
}

impl Sums {
    fn add(&mut self, row: &CsvRow) -> Result<(), FieldError> {
        self.id = self.id.wrapping_add(row.parse::<u64>("id")?);
        self.amount += row.parse::<f64>("amount")?;
        self.quantity += row.parse::<u64>("quantity")?;
        self.text += (row.text("name")?.len() + row.text("city")?.len() + row.text("note")?.len()) as u64;
        Ok(())
    }

    fn merge(self, other: Self) -> Self {
        Self {
            id: self.id.wrapping_add(other.id),
            amount: self.amount + other.amount,
            quantity: self.quantity + other.quantity,
            text: self.text + other.text,
        }
    }
}

/// Sums all columns with a pipeline, over rows that borrow.
///
/// # Errors
///
/// The error of the pipeline, or a wrong result.
pub async fn sums<B: Backend>(
    backend: &B,
    csv: &Csv,
    chunk_kib: usize,
    workers: usize,
) -> Result<(), Failure> {
    let path = csv.path().to_owned();
    let (sums, _) = PipelineBuilder::<CsvRow, _>::new(backend.runtime().clone())
        .workers(workers)
        .sender(move |sources| sources.of_file(path).into_chunks(chunk_kib.kib()))
        .fold(Sums::default, |sums, event| sums.add(event.data()), Sums::merge)
        .await?;
    std::hint::black_box((sums.id, sums.amount, sums.text));
    check(&sums.quantity, &csv.quantity)
}

/// The program that polars runs, lazily. It prints its time, and a sum to check it by. The import is not
/// counted.
const POLARS: &str = "
import sys, time
import polars as pl
start = time.perf_counter_ns()
text = [pl.col(name).str.len_bytes().sum() for name in ('name', 'city', 'note')]
sums = pl.scan_csv(sys.argv[1]).select([pl.col('id').sum(), pl.col('amount').sum(), pl.col('quantity').sum()] + text).collect()
print(time.perf_counter_ns() - start, sums['quantity'][0])
";

/// The Python that has polars: `PYTHON` in the environment, or `python3`.
fn python() -> Command {
    Command::new(std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into()))
}

fn polars(csv: &Csv, workers: usize) -> Result<Duration, Failure> {
    let output = python()
        .args(["-c", POLARS])
        .arg(csv.path())
        .env("POLARS_MAX_THREADS", workers.to_string())
        .stderr(Stdio::inherit())
        .output()?;
    let stdout = String::from_utf8(output.stdout)?;
    let (nanos, quantity) = stdout.trim().split_once(' ').ok_or("polars has failed")?;
    check(&quantity.parse::<u64>()?, &csv.quantity)?;
    Ok(Duration::from_nanos(nanos.parse()?))
}

/// Measures the row.
///
/// # Errors
///
/// The error of a side.
pub fn measure<B: Backend>(backend: &B, csv: &Csv, size: &Size) -> Result<(), Failure> {
    let Size { rounds, chunk_kib, workers, .. } = *size;
    let title = format!(
        "P7 {}: {} rows, {} MB, folded, {workers} workers, chunks of {chunk_kib} KiB",
        B::NAME,
        csv.rows,
        csv.bytes / 1_000_000
    );
    Row::new(title, rounds)
        .side("serial csv + serde", 1.0, || timed(|| serial(csv)))
        .side("fold", 1.0, || timed(|| backend.block_on(fold(backend, csv, chunk_kib, workers))?))
        .ratio("fold", "serial csv + serde", Some(0.50))
        .measure()?;
    let title = format!("P7 {}: the same file, rows that borrow, all columns summed", B::NAME);
    let mut row = Row::new(title, rounds);
    row.side("serial csv + serde", 1.0, || timed(|| serial(csv)))
        .side("rows", 1.0, || timed(|| backend.block_on(sums(backend, csv, chunk_kib, workers))?))
        .ratio("rows", "serial csv + serde", None);
    if python().args(["-c", "import polars"]).stderr(Stdio::null()).status().is_ok_and(|it| it.success()) {
        row.side("polars lazy", 1.0, || polars(csv, workers)).ratio("rows", "polars lazy", Some(0.9));
    } else {
        println!("\nthe peer is missing: install polars for python3, or name a Python that has it in PYTHON");
    }
    row.measure()
}
