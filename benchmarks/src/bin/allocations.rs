//! Counts heap allocations per operation: `run` must have none, `spawn` one more than the executor's own.

#![allow(clippy::print_stdout, reason = "a benchmark's result is what it prints")]

use std::alloc::System;

use side_by_side::backend::{Backend, Smol, Tokio};
use side_by_side::p2::Way;
use side_by_side::p3::Policy;
use side_by_side::{Failure, p1};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static COUNTING: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const COUNT: usize = 10_000;

/// Runs `work`, and prints what it allocated beyond what it does for no operation at all.
fn count(name: &str, mut work: impl FnMut(usize) -> Result<(), Failure>) -> Result<(), Failure> {
    // Once before: queues grow to their size.
    work(COUNT)?;
    let mut seen = |operations| -> Result<_, Failure> {
        let region = Region::new(COUNTING);
        work(operations)?;
        let change = region.change();
        Ok((change.allocations + change.reallocations, change.bytes_allocated))
    };
    let (none, some) = (seen(0)?, seen(COUNT)?);
    let each = |some: usize, none: usize| some.saturating_sub(none) as f64 / COUNT as f64;
    println!("{name:<52} {:>8.3} {:>10.1}", each(some.0, none.0), each(some.1, none.1));
    Ok(())
}

fn all<B: Backend>(backend: &B) -> Result<(), Failure> {
    let named = |name: &str| format!("{}: {name}", B::NAME);
    count(&named("inline await"), |n| backend.block_on(p1::inline(n))?.map(drop))?;
    count(&named("run"), |n| backend.block_on(p1::run(n))?.map(drop))?;
    for way in Way::ALL {
        count(&named(&format!("{}, from block_on", way.name())), |n| {
            backend.block_on(way.batch(backend, n))?.map(drop)
        })?;
        count(&named(&format!("{}, inside a task", way.name())), |n| {
            way.inside(backend, way.batch(backend, n)).map(drop)
        })?;
    }
    for policy in Policy::ALL {
        count(&named(&format!("{}, run", policy.name())), |n| policy.measure(backend, false, n))?;
        count(&named(&format!("{}, spawn + join", policy.name())), |n| policy.measure(backend, true, n))?;
    }
    Ok(())
}

fn main() -> Result<(), Failure> {
    println!("{:<52} {:>8} {:>10}", "per operation", "count", "bytes");
    all(&Tokio::here()?)?;
    all(&Smol::here())
}
