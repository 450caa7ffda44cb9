//! Urgent work under overload: more work arrives than the limiter admits, and one piece in twenty is urgent.
//! The row compares the latency of urgent work by priority and in the order of arrival.

use std::time::{Duration, Instant};

use sweet_async::{AsyncTask, DurationExt as _, Limiter, TaskPriority};

use crate::backend::Backend;
use crate::measure::{Spread, quantile};
use crate::{Failure, Size};

/// The time for which one piece of work holds its permit.
const WORK_TIME: Duration = Duration::from_micros(200);

/// The latencies of the urgent pieces of work, from spawn to end, in milliseconds.
fn latencies<B: Backend>(backend: &B, count: usize, by_priority: bool) -> Result<Vec<f64>, Failure> {
    let limiter = Limiter::builder().max_concurrent(2).ageing(1.hours()).build()?;
    backend.block_on(async {
        let mut urgent = Vec::new();
        let mut others = Vec::new();
        // Two permits of 200 us each admit 10 pieces in a millisecond. 40 arrive for each sleep of 1 ms: up
        // to four times as many, and fewer if the sleep takes longer.
        for burst in 0..count / 20 {
            for number in 0..20 {
                let is_urgent = number == 19;
                let priority = match (by_priority, is_urgent) {
                    (false, _) => TaskPriority::Normal,
                    (true, true) => TaskPriority::Critical,
                    (true, false) => TaskPriority::Background,
                };
                let arrived = Instant::now();
                let task =
                    AsyncTask::to::<Duration>().on(backend.runtime()).priority(priority).limiter(&limiter);
                let task = task.spawn(move || async move {
                    let begun = Instant::now();
                    while begun.elapsed() < WORK_TIME {
                        std::hint::spin_loop();
                    }
                    arrived.elapsed()
                });
                if is_urgent { urgent.push(task) } else { others.push(task) }
            }
            if burst % 2 == 0 {
                sweet_async::RuntimeExt::sleep(backend.runtime(), 1.millis()).await?;
            }
        }
        let mut latencies = Vec::with_capacity(urgent.len());
        for task in urgent {
            latencies.push(task.await?.as_secs_f64() * 1e3);
        }
        for task in others {
            task.await?;
        }
        Ok(latencies)
    })?
}

/// Measures the row, and prints it.
///
/// # Errors
///
/// The error of a task.
#[allow(clippy::print_stdout, reason = "a benchmark's result is what it prints")]
pub fn measure<B: Backend>(backend: &B, size: &Size) -> Result<(), Failure> {
    println!("\nUrgent work under overload, {}: ms from coming to end", B::NAME);
    let (mut medians, mut tails) = (Vec::new(), Vec::new());
    for round in 0..size.rounds.div_ceil(3) {
        let mut seen = [Vec::new(), Vec::new()];
        // The order of the sides changes from round to round.
        for side in [round % 2, (round + 1) % 2] {
            let mut latencies = latencies(backend, 2_000, side == 1)?;
            latencies.sort_unstable_by(f64::total_cmp);
            if let Some(seen) = seen.get_mut(side) {
                *seen = latencies;
            }
        }
        let [fifo, by_priority] = &seen;
        if round == 0 {
            for (name, sorted) in [("in the order of coming", fifo), ("by priority", by_priority)] {
                println!(
                    "  {name:<24} p50 {:>8.2}  p99 {:>8.2}",
                    quantile(sorted, 0.5),
                    quantile(sorted, 0.99)
                );
            }
        }
        medians.push(quantile(by_priority, 0.5) / quantile(fifo, 0.5));
        tails.push(quantile(by_priority, 0.99) / quantile(fifo, 0.99));
    }
    for (name, ratios) in [("p50", medians), ("p99", tails)] {
        if let Some(spread) = Spread::of(&ratios) {
            let Spread { median, min, max } = spread;
            println!("  by priority / in the order of coming, {name}: {median:.3} ({min:.3}..{max:.3})");
        }
    }
    Ok(())
}
