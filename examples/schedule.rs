//! A program that repeats work by schedules, and prints their reports: a number of runs, runs until a cancellation, and
//! runs until one fails.
//!
//! ```text
//! cargo run --example schedule                                            # on Tokio
//! cargo run --example schedule --no-default-features --features smol      # on smol
//! cargo run --example schedule --features smol                            # on both
//! ```

use std::io::Write;
use std::sync::atomic::{AtomicU32, Ordering};

use sweet_async::OnFailure;
use sweet_async::prelude::*;

/// Stands in for a backup. The second one fails.
async fn back_up(run: u32) -> Result<(), &'static str> {
    if run == 2 { Err("the disk is full") } else { Ok(()) }
}

/// Repeats the backup by three schedules.
pub(crate) async fn story(out: &mut impl Write) -> anyhow::Result<()> {
    // The policies of the builder are those of each run, which is a task of its own.
    let builder = AsyncTask::to::<()>().name("backup").timeout(60.seconds()).grace(60.seconds());

    writeln!(out, "every 2 ms, 4 times")?;
    let runs = AtomicU32::new(1);
    let often = builder.clone().repeat(Schedule::every(2.millis()).take(4));
    let task = often.spawn(move || back_up(runs.fetch_add(1, Ordering::Relaxed)));
    // The value of the whole is the report. A run that fails is counted, and the schedule goes on. `report.missed`, the
    // number of times that passed while a run was under way, depends on the machine, and is not printed.
    let report = task.await?;
    let last = report.last_failure.as_ref().map(AsyncTaskError::reason).unwrap_or_default();
    writeln!(out, "  runs: {}, failures: {}, the last one: {last}", report.runs, report.failures)?;

    writeln!(out, "every day, until it is cancelled")?;
    let (ran, has_run) = async_channel::bounded(1);
    let task = builder.clone().repeat(Schedule::every(1.days())).spawn(move || {
        // The closure is called for each run, and clones what a run consumes.
        let ran = ran.clone();
        async move { ran.send("a backup is made").await }
    });
    // The first run is at once.
    writeln!(out, "  {}", has_run.recv().await?)?;
    // A graceful request ends the wait for the next run, and the report is not lost.
    task.cancel_gracefully().await;
    let report = task.await?;
    writeln!(out, "  runs: {}, failures: {}, missed: {}", report.runs, report.failures, report.missed)?;

    writeln!(out, "every 2 ms, until a run fails")?;
    let runs = AtomicU32::new(1);
    let careful = builder.repeat(Schedule::every(2.millis())).on_failure(OnFailure::Stop);
    let task = careful.spawn(move || back_up(runs.fetch_add(1, Ordering::Relaxed)));
    if let Err(error) = task.await {
        writeln!(out, "  {error:#}")?;
    }
    Ok(())
}

fn main() -> anyhow::Result<()> {
    examples::on_each_backend(story)
}
