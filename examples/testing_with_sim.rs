//! A program that tests a time limit and a race in a simulation: a day passes at once, and a seed decides on the order
//! of events. The code under test is that of any program. In a project, `story` is a number of `#[test]` functions.
//!
//! ```text
//! cargo run --example testing_with_sim --features sim
//! cargo run --example testing_with_sim --no-default-features --features sim      # without Tokio
//! ```

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::ensure;
use sweet_async::prelude::*;
use sweet_async::sim::SimRuntime;

/// A report that may take a day.
async fn report(takes: Duration) -> Result<&'static str, AsyncTaskError> {
    let builder = AsyncTask::to::<&'static str>().name("report").timeout(24.hours());
    builder.spawn(move || async move { sweet_async::sleep(takes).await.map(|()| "done") }).await
}

/// Takes a seat, if there is one. The fault: another task may run between the load and the store.
async fn take(seats: &AtomicU32) -> bool {
    let left = seats.load(Ordering::SeqCst);
    sweet_async::yield_now().await;
    seats.store(0, Ordering::SeqCst);
    left > 0
}

/// The correction of `take`: the load and the store are one step.
async fn take_in_one_step(seats: &AtomicU32) -> bool {
    sweet_async::yield_now().await;
    seats.swap(0, Ordering::SeqCst) > 0
}

/// The number of buyers, of two, that get the one seat; in the order of events of `seed`.
fn sold(seed: u64, in_one_step: bool) -> Result<usize, AsyncTaskError> {
    // As `sweet_async::block_on`, on a runtime of one thread with a virtual clock.
    SimRuntime::new(seed).block_on(async {
        let seats = Arc::new(AtomicU32::new(1));
        let buyers = (0..2).map(|_| {
            let seats = seats.clone();
            AsyncTask::to::<bool>().spawn(move || async move {
                if in_one_step { take_in_one_step(&seats).await } else { take(&seats).await }
            })
        });
        let bought = sweet_async::all(buyers).await?;
        Ok(bought.into_iter().filter(|bought| *bought).count())
    })?
}

/// Runs the tests, and writes what they have found.
pub(crate) fn story(out: &mut impl Write) -> anyhow::Result<()> {
    writeln!(out, "a time limit of a day")?;
    for takes in [23.hours(), 25.hours()] {
        let sim = SimRuntime::new(7);
        let text = sim.block_on(report(takes))?.map_or_else(|error| error.to_string(), str::to_owned);
        writeln!(out, "  {text}: {} hours later", sim.elapsed().as_secs() / 3_600)?;
    }

    writeln!(out, "a race for a seat, in the orders of events of 100 seeds")?;
    let mut failing = Vec::new();
    for seed in 0..100 {
        if sold(seed, false)? == 2 {
            failing.push(seed);
        }
    }
    ensure!((1..100).contains(&failing.len()), "sold twice in {} of 100 orders", failing.len());
    writeln!(out, "  it is sold twice in some, and not in all")?;
    // A seed repeats its order of events: in a debugger, and as a regression test. The texts name it.
    for seed in failing {
        ensure!(sold(seed, false)? == 2, "seed {seed} does not repeat its order");
        ensure!(sold(seed, true)? == 1, "the correction does not help with seed {seed}");
    }
    writeln!(out, "  each of these seeds finds it again, and not after the correction")?;
    Ok(())
}

fn main() -> anyhow::Result<()> {
    story(&mut io::stdout())
}
