//! A program that describes the columns of any CSV file, or converts it to JSON arrays.
//!
//! ```text
//! cargo run --release --example profile -- FILE             # a table
//! cargo run --release --example profile -- FILE --json      # the same, for programs
//! cargo run --release --example profile -- FILE --rows      # every row as an array of strings
//! ```

use std::io::{self, BufWriter, Stdout, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use clap::Parser;
use examples::profile::{Profile, Report};
use sweet_async::pipeline::{PipelineBuilder, Sources};
use sweet_async::prelude::*;
use sweet_async::{Ambient, RuntimeSource as _};

/// Describes the columns of a CSV file, or converts it to JSON.
#[derive(Parser)]
struct Args {
    file: PathBuf,
    /// Separator of the fields: one character, or `tab`
    #[arg(long, value_name = "C", default_value = ",", value_parser = delimiter)]
    delimiter: Delimiter,
    /// Print the profile as JSON
    #[arg(long, conflicts_with = "rows")]
    json: bool,
    /// Print every row, the header too, as one JSON array of strings a line, in the file's order
    #[arg(long)]
    rows: bool,
    /// Number of rows that go to a worker at a time [default: 64 KiB of them]
    #[arg(long, value_name = "N")]
    chunk_rows: Option<usize>,
    /// Number of workers that parse rows [default: one for each core]
    #[arg(long, value_name = "N")]
    workers: Option<usize>,
    /// Most bad rows that are listed; all are counted
    #[arg(long, value_name = "N", default_value_t = 1000)]
    bad_rows: usize,
}

fn delimiter(text: &str) -> Result<Delimiter, String> {
    let mut chars = text.chars();
    match (text, chars.next(), chars.next()) {
        ("tab" | "\\t", ..) => Ok(Delimiter::Tab),
        (_, Some(char), None) => Ok(Delimiter::Custom(char)),
        _ => Err("expected one character, or `tab`".to_owned()),
    }
}

/// A row of any table: its cells as text.
type Row = Vec<String>;

impl Args {
    fn pipeline(&self) -> PipelineBuilder<Row, Ambient> {
        let pipeline = AsyncTask::emits::<Row>();
        match self.workers {
            Some(workers) => pipeline.workers(workers),
            None => pipeline,
        }
    }

    fn chunk(&self) -> ChunkSize {
        self.chunk_rows.map_or(64.kib(), |rows| rows.rows())
    }
}

/// Prints the profile. The header is read as a row, and so sets the number of fields of the others: the
/// pipeline rejects rows that differ.
async fn profile(args: &Args) -> anyhow::Result<FinalEvent> {
    let (file, delimiter, chunk) = (args.file.clone(), args.delimiter, args.chunk());
    let (profile, summary) = args
        .pipeline()
        .on_error(ErrorStrategy::ContinueOnError)
        .max_errors(args.bad_rows)
        .sender(move |sources| {
            sources.of_file(file).with_delimiter(delimiter).with_headers(false).into_chunks(chunk);
        })
        .fold(Profile::default, Profile::add, Profile::merge)
        .await?;
    let report = Report::new(profile, &summary)?;
    let mut out = io::stdout().lock();
    if args.json {
        serde_json::to_writer_pretty(&mut out, &report).map_err(io::Error::from)?;
        writeln!(out)?;
    } else {
        write!(out, "{report}")?;
    }
    Ok(summary)
}

/// Prints the rows. A row that cannot be read ends the output: an output with a gap would look complete.
async fn rows(args: &Args) -> anyhow::Result<FinalEvent> {
    let (file, delimiter, chunk) = (args.file.clone(), args.delimiter, args.chunk());
    let out = Arc::new(Mutex::new(BufWriter::with_capacity(64 << 10, io::stdout())));
    let printed = out.clone();
    let printing = args
        .pipeline()
        .ordered()
        .sender(move |sources: &mut Sources<Row>| {
            let file = sources.of_file(file).with_delimiter(delimiter);
            file.with_headers(false).flexible().into_chunks(chunk);
        })
        .for_each(move |event| -> io::Result<()> {
            let mut out = locked(&printed);
            serde_json::to_writer(&mut *out, event.data())?;
            out.write_all(b"\n")
        });
    let printing = printing.await;
    // Also after an error: the rows before it in the file are printed.
    locked(&out).flush()?;
    Ok(printing?)
}

/// Ordered rows come one at a time, so that this lock is never waited for.
fn locked(out: &Mutex<BufWriter<Stdout>>) -> MutexGuard<'_, BufWriter<Stdout>> {
    out.lock().unwrap_or_else(PoisonError::into_inner)
}

fn run(args: &Args) -> anyhow::Result<()> {
    sweet_async::block_on(async {
        let summary = if args.rows { rows(args).await? } else { profile(args).await? };
        // On stderr, so that stdout depends on the file alone.
        let (megabytes, seconds) = (summary.bytes() as f64 / 1e6, summary.elapsed().as_secs_f64());
        let backend = Ambient.resolve()?.name();
        let speed = megabytes / seconds;
        writeln!(io::stderr(), "on {backend}: {megabytes:.1} MB in {seconds:.2} s, {speed:.1} MB/s")?;
        Ok(())
    })?
}

fn main() -> ExitCode {
    examples::exit(run(&Args::parse()))
}
