//! A program that extracts, transforms and loads: weather from several CSV files into SQLite, as tasks that
//! depend on each other. One of the files has a bad row, and one source answers only from the third request
//! on; the rest goes on.
//!
//! ```text
//! cargo run --release --example etl
//! cargo run --release --example etl -- --database weather.db --svg run.svg
//! cargo run --release --example etl --no-default-features --features smol,csv
//! ```
//!
//! The orchestra itself is in `src/lib.rs`.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;
use etl::{Paths, orchestra};
use sweet_async::orchestra::NodeStatus;

/// Loads weather into SQLite.
#[derive(Parser)]
struct Args {
    /// The folder of the CSV files; the bundled ones if none is named
    #[arg(long)]
    data: Option<PathBuf>,
    /// The database; in memory if none is named
    #[arg(long)]
    database: Option<PathBuf>,
    /// Writes a picture of the run: open it in a browser
    #[arg(long)]
    svg: Option<PathBuf>,
    /// Writes the report of the run as JSON
    #[arg(long)]
    json: Option<PathBuf>,
    /// Prints the graph as a Mermaid flowchart
    #[arg(long)]
    mermaid: bool,
}

fn write(file: Option<&Path>, text: impl FnOnce() -> String) -> anyhow::Result<()> {
    let Some(file) = file else { return Ok(()) };
    fs::write(file, text()).with_context(|| format!("writing {}", file.display()))
}

fn run(args: &Args) -> anyhow::Result<()> {
    let bundled = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../data"));
    let data = args.data.clone().unwrap_or_else(|| bundled.to_owned());
    let all = orchestra(&Paths { data, database: args.database.clone() })?;
    // A branch fails on purpose. Its failure is reported below, with the rest.
    let outcome = sweet_async::block_on(async { all.run().await })?;
    let report = all.report();
    let mut out = io::stdout();
    for task in &report.tasks {
        let took = match (task.began, task.ended) {
            (Some(began), Some(ended)) => format!("{:>8.1} ms", (ended - began).as_secs_f64() * 1e3),
            _ => format!("{:>11}", ""),
        };
        writeln!(out, "{took}  {:<18} {}", task.name, task.status)?;
        if let (NodeStatus::Failed, Some(error)) = (&task.status, &task.error) {
            writeln!(out, "{:>13}{error}", "")?;
        }
    }
    writeln!(out, "\nlongest way: {}", report.critical_path().join(" -> "))?;
    if let Err(error) = outcome {
        writeln!(out, "not all was loaded: {error}")?;
    }
    if args.mermaid {
        writeln!(out, "\n{}", all.to_mermaid())?;
    }
    write(args.svg.as_deref(), || report.to_svg())?;
    write(args.json.as_deref(), || report.to_json())
}

fn main() -> ExitCode {
    examples::exit(run(&Args::parse()))
}
