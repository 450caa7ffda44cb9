//! A program that loads a CSV file over several processes: one publishes the file's chunks, others parse and check
//! them, and the first gathers the records, each under its key. It compares them with those of a load in one process.
//!
//! ```text
//! cargo run --release --example distributed_csv                       # SQLite in a temporary file: nothing to install
//! cargo run --release --example distributed_csv -- --rows 2000000 --workers 4 --kill-every 1
//! cargo run --release --example distributed_csv --features postgres -- --url postgres://user@host/database
//! cargo run --release --example distributed_csv --features redis -- --url redis://host
//! cargo run --release --example distributed_csv --no-default-features --features smol
//! ```
//!
//! The pipelines of the three roles are in `src/lib.rs`, the engines in `src/engine.rs`.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::ensure;
use clap::{Parser, Subcommand};
use distributed_csv::engine::{Engine, Url};
use distributed_csv::{Job, workers};
use futures_lite::future::or;
use sweet_async::{Ambient, Runtime as _, RuntimeSource as _};

/// Loads a CSV file over several processes.
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    job: JobArgs,
    /// Orders, as `--example csv -- --generate` writes them [default: made up for this run]
    #[arg(long)]
    file: Option<PathBuf>,
    /// Number of orders that are made up
    #[arg(long, default_value_t = 200_000)]
    rows: u64,
    /// Number of processes that handle chunks
    #[arg(long, default_value_t = 4)]
    workers: usize,
    /// Number of rows in a chunk
    #[arg(long, default_value_t = 2_000)]
    chunk_rows: usize,
    /// Kills one of the processes so often, and starts another one, in seconds
    #[arg(long, value_name = "SECONDS")]
    kill_every: Option<f64>,
    #[command(subcommand)]
    role: Option<Role>,
}

/// The queues and the name of the job, which all processes are told.
#[derive(Clone, clap::Args)]
struct JobArgs {
    /// The engine: sqlite:FILE, postgres://.. or redis://.. [default: SQLite, in a temporary file]
    #[arg(long, global = true)]
    url: Option<String>,
    /// The name of the job, and the prefix of its queues
    #[arg(long, global = true, default_value = "orders")]
    job: String,
    /// Seconds after which another process gets the chunks of one that has died
    #[arg(long, global = true, default_value_t = 3.0)]
    lease: f64,
}

#[derive(Subcommand)]
enum Role {
    /// Handles chunks until the job is over
    Work,
}

impl JobArgs {
    fn job(&self) -> anyhow::Result<Job> {
        ensure!(self.lease > 0.0, "--lease is to be more than 0");
        Ok(Job { name: self.job.clone(), lease: Duration::try_from_secs_f64(self.lease)? })
    }
}

fn run(args: &Args) -> anyhow::Result<()> {
    ensure!(args.workers > 0 && args.chunk_rows > 0, "--workers and --chunk-rows are to be more than 0");
    let temporary = tempfile::tempdir()?;
    // An address may hold a password: it goes to the other processes by their environment.
    let url = match args.job.url.clone().or_else(|| std::env::var(workers::URL).ok()) {
        Some(url) => Url::parse(&url)?,
        None => Url::sqlite(temporary.path().join("queues.db")),
    };
    if let Some(Role::Work) = args.role {
        return sweet_async::block_on(async {
            Engine::open(&url, &args.job.job).await?.work(&args.job.job()?).await
        })?;
    }
    let file = match &args.file {
        Some(file) => file.clone(),
        None => {
            let file = temporary.path().join("orders.csv");
            examples::orders::generate(std::fs::File::create(&file)?, args.rows, 42)?;
            file
        }
    };
    let mut out = io::stdout();
    sweet_async::block_on(async {
        writeln!(out, "backend   {}\nengine    {}", Ambient.resolve()?.name(), url.kind())?;
        let began = Instant::now();
        let expected = distributed_csv::load(&file, args.chunk_rows).await?;
        let alone = began.elapsed();

        let job = args.job.job()?;
        let engine = Engine::open(&url, &job.name).await?;
        let began = Instant::now();
        let flags =
            ["--job", &args.job.job, "--lease", &args.job.lease.to_string(), "work"].map(ToOwned::to_owned);
        let workers = workers::Workers::start(args.workers, &flags, &url.to_string(), args.kill_every)?;
        // Without processes that handle chunks, there would be nothing to gather.
        let gathered = engine.publish_and_gather(&job, &file, args.chunk_rows);
        let (published, found) = or(gathered, workers.failure()).await?;
        let killed = workers.finish()?;
        let took = began.elapsed();
        let depth = engine.depth().await?;

        let rows = expected.records.len() as u64 + expected.rejected;
        writeln!(out, "rows      {rows}, {} of them rejected", expected.rejected)?;
        writeln!(out, "records   {}", found.records.len())?;
        writeln!(out, "processes {} handled chunks, {killed} were killed", args.workers)?;
        writeln!(out, "chunks    {} published: {depth}", published.read())?;
        let rate = rows as f64 / took.as_secs_f64();
        writeln!(out, "took      {took:.1?}, {rate:.0} rows/s; in one process {alone:.1?}")?;
        ensure!(found.records == expected.records, "the records differ from those of a load in one process");
        ensure!(depth.done == found.chunks && depth.dead == 0, "{depth}, and {} results", found.chunks);
        writeln!(out, "equal     to a load in one process")?;
        engine.forget(&job).await
    })?
}

fn main() -> ExitCode {
    examples::exit(run(&Args::parse()))
}
