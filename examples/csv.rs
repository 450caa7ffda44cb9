//! A program that loads a CSV file into typed records, each under its key. The file is read in chunks and
//! parsed on all cores. Every bad row is reported with its line.
//!
//! ```text
//! cargo run --release --example csv                               # weather in Seattle, on Tokio
//! cargo run --release --example csv --no-default-features --features smol,csv      # the same, on smol
//! cargo run --release --example csv -- --generate 1000000 orders.csv
//! cargo run --release --example csv -- orders.csv
//! ```

use std::fmt::Debug;
use std::fs::File;
use std::hash::Hash;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{anyhow, bail};
use clap::Parser;
use examples::orders::{self, Order};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sweet_async::prelude::*;
use sweet_async::{Ambient, RuntimeSource as _};

/// The most rejected rows, and the most records, that are shown.
const MAX_SHOWN: usize = 5;

/// The seed of the generator: each run writes the same orders.
const SEED: u64 = 42;

/// Loads a CSV file into typed records, each under its key.
#[derive(Parser)]
struct Args {
    /// Weather or orders, as its header says [default: the weather in Seattle, 2012 to 2015]
    file: Option<PathBuf>,
    /// Write N made-up orders to FILE instead
    #[arg(long, value_name = "N", requires = "file")]
    generate: Option<u64>,
    /// Number of workers that parse rows [default: one for each core]
    #[arg(long, value_name = "N")]
    workers: Option<usize>,
    /// Number of rows that go to a worker at a time
    #[arg(long, value_name = "N", default_value_t = 1000)]
    chunk_rows: usize,
}

/// A kind of row: its key, and a check of its values.
trait Record: DeserializeOwned + Debug + Send + 'static {
    type Key: Ord + Hash + Send + 'static;

    fn key(&self) -> Self::Key;

    /// Checks the values of a record that could be read. The error says what makes no sense.
    fn check(&self) -> Result<(), &'static str>;
}

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "read by Debug alone")]
struct Weather {
    date: String,
    precipitation: f64,
    temp_max: f64,
    temp_min: f64,
    wind: f64,
    weather: String,
}

impl Record for Weather {
    type Key = String;

    fn key(&self) -> String {
        self.date.clone()
    }

    fn check(&self) -> Result<(), &'static str> {
        if self.temp_min > self.temp_max { Err("temp_min is above temp_max") } else { Ok(()) }
    }
}

impl Record for Order {
    type Key = u64;

    fn key(&self) -> u64 {
        self.id
    }

    fn check(&self) -> Result<(), &'static str> {
        if self.amount < 0.0 { Err("the amount is negative") } else { Ok(()) }
    }
}

async fn load<R: Record>(file: &Path, args: &Args) -> anyhow::Result<()> {
    let mut pipeline = AsyncTask::emits::<R>().on_error(ErrorStrategy::ContinueOnError);
    if let Some(workers) = args.workers {
        pipeline = pipeline.workers(workers);
    }
    let bar = examples::progress_bar()?;
    let drawn = bar.clone();

    let loaded = pipeline
        .on_progress(move |progress| {
            drawn.set_length(progress.bytes_total.unwrap_or(progress.bytes_read));
            drawn.set_position(progress.bytes_read);
        })
        .sender(|sources| {
            sources.of_file(file).with_delimiter(Delimiter::Comma).into_chunks(args.chunk_rows.rows());
        })
        .receiver(|event, collector| {
            let record = event.take_data();
            record.check()?;
            collector.collect(record.key(), record);
            Ok::<_, &str>(())
        })
        .await_final_event(|event, collector| event.map(|summary| (summary, collector.collected())))
        .await;
    bar.finish_and_clear();
    let (summary, records) = loaded?;
    if let Some(error) = common_error(&summary) {
        bail!("{error}");
    }
    Ok(report(&summary, &records)?)
}

fn report<R: Record>(summary: &FinalEvent, records: &Collected<R::Key, R>) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let megabytes = summary.bytes() as f64 / 1e6;
    writeln!(out, "rows      {}", summary.read())?;
    writeln!(out, "rejected  {}", summary.rejected())?;
    for error in summary.errors().iter().take(MAX_SHOWN) {
        writeln!(out, "          {}: {}", error.position(), error.reason())?;
    }
    if summary.rejected() > MAX_SHOWN as u64 {
        writeln!(out, "          and {} more", summary.rejected() - MAX_SHOWN as u64)?;
    }
    writeln!(out, "keys      {}", records.len())?;
    writeln!(out, "speed     {:.1} MB/s", megabytes / summary.elapsed().as_secs_f64())?;
    writeln!(out, "first     by key")?;
    let mut keys: Vec<_> = records.keys().collect();
    keys.sort_unstable();
    for record in keys.into_iter().take(MAX_SHOWN).filter_map(|key| records.get(key)) {
        writeln!(out, "          {record:?}")?;
    }
    Ok(())
}

/// The common error, if no row was good and all have the same reason: most often a missing column.
fn common_error(summary: &FinalEvent) -> Option<&RowError> {
    let first = summary.errors().first()?;
    let same = summary.errors().iter().all(|error| error.reason() == first.reason());
    (summary.handled() == 0 && same).then_some(first)
}

/// The first line, which distinguishes weather from orders.
fn header(file: &Path) -> io::Result<String> {
    let mut line = Vec::new();
    // A file of one endless line is not read whole for this.
    BufReader::new(File::open(file)?).take(64 << 10).read_until(b'\n', &mut line)?;
    Ok(String::from_utf8_lossy(&line).into_owned())
}

fn run(args: &Args) -> anyhow::Result<()> {
    let bundled = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/data/seattle-weather.csv"));
    let file = args.file.as_deref().unwrap_or(bundled);
    let shown = file.display();

    if let Some(rows) = args.generate {
        let out = File::create(file).map_err(|error| anyhow!("creating {shown}: {error}"))?;
        orders::generate(out, rows, SEED).map_err(|error| anyhow!("writing {shown}: {error}"))?;
        return Ok(writeln!(io::stdout(), "wrote {rows} orders to {shown}")?);
    }
    let header = header(file).map_err(|error| anyhow!("reading {shown}: {error}"))?;
    if header.is_empty() {
        bail!("reading {shown}: the file is empty, it has not even a header");
    }
    sweet_async::block_on(async {
        writeln!(io::stdout(), "file      {shown}\nbackend   {}", Ambient.resolve()?.name())?;
        if header.contains("date") {
            load::<Weather>(file, args).await
        } else {
            load::<Order>(file, args).await
        }
    })?
}

fn main() -> ExitCode {
    examples::exit(run(&Args::parse()))
}
