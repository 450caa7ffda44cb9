//! A program that converts weather from CSV or JSON Lines to either of them, as the files' names say: `.csv` or
//! `.jsonl`, and `.gz` or `.zst` after it if the file is compressed. Memory stays bounded however large the
//! files are. The file that is written appears whole or not at all.
//!
//! ```text
//! cargo run --release --example convert --features json,compression -- examples/data/seattle-weather.csv days.jsonl.zst
//! cargo run --release --example convert --features json,compression -- days.jsonl.zst rain.csv.gz --only rain
//! ```
//!
//! On smol: `--no-default-features --features smol,csv,json,compression`. The pipeline itself is in
//! `src/convert.rs`.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use examples::convert::convert;
use sweet_async::pipeline::Progress;
use sweet_async::{Ambient, Runtime as _, RuntimeSource as _};

/// Converts weather between CSV and JSON Lines, plain or compressed.
#[derive(Parser)]
struct Args {
    /// The file to read
    from: PathBuf,
    /// The file to write
    to: PathBuf,
    /// Leave out days with another weather than this
    #[arg(long, value_name = "WEATHER")]
    only: Option<String>,
}

fn run(args: Args) -> anyhow::Result<()> {
    let bar = examples::progress_bar()?;
    let drawn = bar.clone();
    let on_progress = move |progress: Progress| {
        drawn.set_length(progress.bytes_total.unwrap_or(progress.bytes_read));
        drawn.set_position(progress.bytes_read);
    };
    sweet_async::block_on(async {
        let converted = convert(args.from, args.to, args.only, on_progress).await;
        bar.finish_and_clear();
        let summary = converted?;
        let (rows, bytes, seconds) = (summary.read(), summary.bytes(), summary.elapsed().as_secs_f64());
        let backend = Ambient.resolve()?.name();
        writeln!(io::stderr(), "on {backend}: {rows} rows of {bytes} bytes in {seconds:.3} s")?;
        Ok(())
    })?
}

fn main() -> ExitCode {
    examples::exit(run(Args::parse()))
}
