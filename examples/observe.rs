//! A program that observes tasks: it prints a tree of the live ones, then the usage of one that has ended.
//!
//! ```text
//! cargo run --release --example observe
//! cargo run --release --example observe --features jemalloc    # memory, too
//! ```
//!
//! The job is in `src/observed.rs`.

use std::io::{self, Write as _};
use std::process::ExitCode;

use examples::{exit, observed};
use sweet_async::prelude::*;
use sweet_async::runtime::Watch;
use sweet_async::{Ambient, RuntimeSource as _};

/// The allocator that makes the memory usage of tasks known.
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: sweet_async::metrics::Jemalloc = sweet_async::metrics::Jemalloc;

async fn observe() -> anyhow::Result<()> {
    let runtime = Ambient.resolve()?;
    // All tasks have metrics from now on, and long polls are reported through `tracing`.
    runtime.root().watch(Watch::default().long_poll(50.millis()));
    let folder = tempfile::tempdir()?;
    let mut job = observed::start(folder.path());
    sweet_async::sleep(5.millis()).await?;
    let mut out = io::stdout();
    writeln!(out, "While it runs:\n\n{}", runtime.snapshot())?;
    let sum = (&mut job).await?;
    writeln!(out, "It has ended with {sum}, and has used, with the tasks below it:\n")?;
    if let Some(cpu) = job.cpu_usage() {
        let part = cpu.utilization().unwrap_or_default() * 100.0;
        writeln!(
            out,
            "processor  {:.1?} user, {:.1?} system; {part:.0} % of {:.1?}",
            cpu.user,
            cpu.system,
            cpu.wall.unwrap_or_default()
        )?;
    }
    match job.memory_usage() {
        Some(memory) => {
            writeln!(out, "memory     {} bytes allocated, {} freed", memory.allocated, memory.freed)?
        }
        None => writeln!(out, "memory     not known: no allocator counts; try --features jemalloc")?,
    }
    if let Some(io) = job.io_usage() {
        for (direction, count) in [("read", io.read), ("written", io.written)] {
            let mean = count.mean_latency().unwrap_or_default();
            writeln!(
                out,
                "{direction:<10} {} bytes by {} operations of {mean:.1?}",
                count.bytes, count.operations
            )?;
        }
    }
    if let Some(polls) = job.poll_usage() {
        writeln!(
            out,
            "polls      {} of its own, the longest {:.1?}; idle for {:.1?}",
            polls.count, polls.longest, polls.idle
        )?;
    }
    let now = runtime.metrics();
    let worst = now.delays.quantile(0.99).unwrap_or_default();
    writeln!(out, "\nOf 100 polls on this runtime, 99 began within {worst:.1?} of the wake.")?;
    Ok(())
}

fn run() -> anyhow::Result<()> {
    sweet_async::block_on(observe())?
}

fn main() -> ExitCode {
    exit(run())
}
