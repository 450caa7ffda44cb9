//! P9: the peak memory of a fold, which must not depend on how much it reads.

#![allow(clippy::print_stdout, reason = "a benchmark's result is what it prints")]

use std::process::{Command, Stdio};

use sweet_async::pipeline::{ChunkSizeExt as _, Event, PipelineBuilder};

use crate::backend::Backend;
use crate::data::{Record, Repeated};
use crate::measure::{Spread, check};
use crate::{Failure, Size};

/// The two amounts that are read, in megabytes. The second must not need more memory than the first.
const MEGABYTES: [u64; 2] = [500, 4_000];
/// The most memory that either may need, in MiB.
const GOAL_MIB: f64 = 32.0;
/// The most that the second may need, as a multiple of the first.
const GOAL_RATIO: f64 = 1.10;

/// Folds generated CSV and returns the number of rows.
///
/// # Errors
///
/// The error of the pipeline, or a wrong result.
pub async fn fold<B: Backend>(backend: &B, csv: Repeated, size: &Size) -> Result<u64, Failure> {
    let (rows, quantity, chunk_kib) = (csv.rows, csv.quantity, size.chunk_kib);
    let (sum, summary) = PipelineBuilder::<Record, _>::new(backend.runtime().clone())
        .workers(size.workers)
        .sender(move |sources| sources.of_reader(csv).into_chunks(chunk_kib.kib()))
        .fold(|| 0, |sum, event: Event<Record>| *sum += u64::from(event.data().quantity), |a, b| a + b)
        .await?;
    check(&sum, &quantity)?;
    check(&summary.handled(), &rows)?;
    Ok(rows)
}

/// Folds `megabytes` megabytes in a process that does nothing else, and returns its peak memory in KiB.
///
/// # Errors
///
/// The error of the fold, or that the system does not report the peak.
pub fn once<B: Backend>(backend: &B, megabytes: u64, size: &Size) -> Result<u64, Failure> {
    backend.block_on(fold(backend, Repeated::megabytes(megabytes)?, size))??;
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM in the status")?;
    Ok(peak.trim().trim_end_matches(" kB").parse()?)
}

/// Measures the row.
///
/// # Errors
///
/// The error of a process, or that it reported nothing.
pub fn measure<B: Backend>(_: &B, size: &Size) -> Result<(), Failure> {
    let Size { rounds, chunk_kib, workers, .. } = *size;
    println!(
        "\nP9 {}: peak memory of a fold, {workers} workers, chunks of {chunk_kib} KiB ({rounds} rounds)",
        B::NAME
    );
    let mut medians = Vec::new();
    for megabytes in MEGABYTES {
        let mut peaks = Vec::new();
        for _ in 0..rounds {
            let output = Command::new(std::env::current_exe()?)
                .args(["--once", "p9", "--input", &megabytes.to_string(), "--backend", B::NAME])
                .args(["--chunk-kib", &chunk_kib.to_string(), "--workers", &workers.to_string()])
                .stderr(Stdio::inherit())
                .output()?;
            peaks.push(String::from_utf8(output.stdout)?.trim().parse::<f64>()? / 1024.0);
        }
        let Spread { median, min, max } = Spread::of(&peaks).ok_or("no rounds")?;
        println!("  {megabytes:>5} MB {median:>28.1} MiB ({min:.1}..{max:.1})");
        medians.push(median);
    }
    let [few, many] = medians[..] else { return Err("two amounts were due".into()) };
    let verdict = |met| if met { "met" } else { "MISSED" };
    let ratio = many / few;
    println!("  many / few: {ratio:.3}  goal {GOAL_RATIO:.2}: {}", verdict(ratio <= GOAL_RATIO));
    println!(
        "  at most {:.1} MiB  goal {GOAL_MIB:.0}: {}",
        many.max(few),
        verdict(many.max(few) <= GOAL_MIB)
    );
    Ok(())
}
